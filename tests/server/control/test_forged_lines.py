"""The data of clients can neither begin a line nor control a terminal, wherever it is printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.cli.main import main
from mockllm.core.json.codec import loads
from mockllm.server.access_log import AccessLog
from mockllm.server.control.body_text import visible
from tests.server.control.live_server import EXAMPLE, Steered, listed, steered
from tests.server.raw_client import Raw

FORGED = "10:12:01 POST /v1/forged"
MARKS = [
    "\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1b[2J",
    "\x1c",
    "\x7f",
    "\x85",
    "\x9b2J",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
]
EVIL = "".join(f"{mark}{FORGED}" for mark in MARKS)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steered]:
    with steered(tmp_path_factory.mktemp("forged"), {"a.yaml": EXAMPLE}) as built:
        yield built


@pytest.fixture
def server(running: Steered, monkeypatch: pytest.MonkeyPatch) -> Steered:
    """A server that was sent such texts wherever a client may put one."""
    running.call("POST", "/api/reset")
    reported: list[str] = []
    monkeypatch.setattr(running.app, "access_log", AccessLog(reported.append, verbose=True))
    running.ask(EVIL, model=EVIL)
    name = "\u2028\u202e\u0085" + FORGED
    running.ask("hello", model=name)  # short enough to be counted by its name
    with Raw(running.port) as raw:
        lines = ["GET /v1/nope/%0a%1b[2J%E2%80%A8 HTTP/1.1", "Host: localhost", f"User-Agent: {name}", f"X-A: {name}",
                 f"x-stainless-retry-count: {name}", f"authorization: Bearer {name}"]  # fmt: skip
        raw.send("\r\n".join([*lines, "", ""]).encode()).answer()
    with Raw(running.port) as raw:
        lines = ["GET /v1/nope HTTP/1.1", "Host: localhost", f"x-mockllm-session: {name}"]
        assert raw.send("\r\n".join([*lines, "", ""]).encode()).answer().status == 400
    running.lines[:] = reported
    return running


def is_harmless(text: str) -> bool:
    """Whether it is printable but for its own line ends."""
    return all(line.isprintable() for line in text.split("\n"))


def test_terminal_lines_are_printable(server: Steered) -> None:
    assert server.lines
    assert all(each.isprintable() for each in server.lines)


@pytest.mark.parametrize(
    "arguments",
    [
        ["requests"],
        ["requests", "--json"],
        ["verdict"],
        ["verdict", "--json"],
        ["verify", "FILE"],
        ["verify", "FILE", "--json"],
    ],
    ids=" ".join,
)
def test_command_output_is_printable(
    server: Steered, tmp_path: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "expected.yaml"
    file.write_text("expect: [{match: {model: other, user: other}}]\nno_unmatched: true\n")
    named = [str(file) if each == "FILE" else each for each in arguments]
    with pytest.raises(SystemExit):
        main([*named, "--url", f"http://127.0.0.1:{server.port}"])
    reported = capsys.readouterr()
    assert "/v1/chat/completions" in reported.out or arguments[0] == "verdict"
    assert is_harmless(reported.out + reported.err)
    assert not any(line.startswith(FORGED[:8]) for line in reported.out.splitlines())


def test_command_error_is_printable(
    server: Steered, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "expected.yaml"
    file.write_text(f'{{"expect": [{{"match": {{"a\\u2028\\u001b[2J{FORGED}": 1}}}}]}}')
    with pytest.raises(SystemExit):
        main(["verify", str(file), "--url", f"http://127.0.0.1:{server.port}"])
    assert is_harmless(capsys.readouterr().err)


PATHS = ["/api/requests", "/api/requests/export", "/api/requests/export?format=har", "/metrics", "/api/metrics",
         "/api/detailed-metrics", "/api/detailed-metrics/export/json", "/api/detailed-metrics/export/csv",
         "/api/verdicts", "/api/verdicts?format=junit", "/api/sessions"]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_control_api_text_is_printable(server: Steered, path: str) -> None:
    text = server.call("GET", path).text
    assert is_harmless(text.replace("\r\n", "\n"))


def test_exported_lines_equal_requests(server: Steered) -> None:
    text = server.call("GET", "/api/requests/export").text
    assert len(text.splitlines()) == len(listed(server)) == 4
    assert any(loads(line)["model"] == EVIL for line in text.splitlines())


def test_request_detail_and_404_are_printable(server: Steered) -> None:
    for each in listed(server):
        got = server.call("GET", f"/api/requests/{each['id']}")
        assert is_harmless(got.text)
    assert is_harmless(server.call("GET", "/api/requests/%E2%80%A8%1b[2J").text)
    assert is_harmless(server.call("GET", "/api/nope%E2%80%A8%1b[2J").text)


def test_escaped_json_is_equal_json() -> None:
    data = '{"a":"\u2028\u0085\x7f\ufeff\u2066é中😀"}'.encode()
    assert loads(visible(data)) == loads(data)
    assert visible(data).decode().isprintable()
    assert "é中😀" in visible(data).decode()
    assert visible(b"plain") == b"plain"
