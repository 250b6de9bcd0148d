"""`mockllm verdict`, against a live server: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from mockllm.cli.main import COMMANDS, main
from mockllm.core.verdicts import VERDICTS
from tests.server.control.live_server import Steered, steered

FILE = """
rules:
  - match: {user: busy}
    error: {type: rate_limit, retry_after: 30s}
  - match: {user: later}
    sequence: [{error: {type: overloaded}}, Here.]
  - reply: Hello you.
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steered]:
    with steered(tmp_path_factory.mktemp("verdict"), {"a.yaml": FILE}) as built:
        yield built


@pytest.fixture
def server(running: Steered, monkeypatch: pytest.MonkeyPatch) -> Steered:
    running.call("POST", "/api/reset")
    monkeypatch.setenv("MOCKLLM_URL", f"http://127.0.0.1:{running.port}")
    return running


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["verdict", *arguments])
    output = capsys.readouterr()
    return ended.value.code, output.out, output.err


def test_verdict_of_good_client_is_empty(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    server.ask("hello")
    code, out, _ = ran(capsys)
    assert code == 0
    first, second, last = out.splitlines()
    assert first.startswith("key ")
    assert first.endswith(", 127.0.0.1: 1 request")
    assert (second, last) == ("  no verdict", "1 client, 0 bad verdicts")


def test_verdict_bad_is_printed_and_fails(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    first = server.app.journal.total + 1
    for _ in range(12):
        server.ask("busy", session="mine")
    code, out, _ = ran(capsys)
    assert code == 1
    assert " in session mine: 12 requests" in out
    lines = out.splitlines()
    at = next(place for place, line in enumerate(lines) if "retry_after_ignored" in line)
    assert lines[at].startswith(f"  BAD  retry_after_ignored: #{first + 1} came ")
    assert lines[at].endswith("; and 10 more")
    numbers = ", ".join(f"#{first + number}" for number in range(8))
    assert lines[at + 1] == f"       requests: {numbers} and 4 more"
    assert lines[at + 2].startswith("       rule: ")
    assert "RFC 9110" in lines[at + 2]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--client", "nosuch"], "--client nosuch"),
        (["--session", "other", "--json"], "--session other"),
        (["--session", "a", "--since", "9e9"], "--session a and --since 9000000000.0"),
    ],
)
def test_verdict_of_no_client_fails(
    server: Steered, capsys: pytest.CaptureFixture[str], arguments: list[str], named: str
) -> None:
    server.ask("busy", session="mine")
    code, _, err = ran(capsys, *arguments)
    assert (code, err) == (2, f"mockllm: no client has a request with {named}\n")


def test_verdict_without_filter_needs_no_client(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ran(capsys)
    assert (code, out, err) == (0, "0 clients, 0 bad verdicts\n", "")


@pytest.mark.parametrize("since", ["abc", "nan"])
def test_verdict_since_needs_a_time(capsys: pytest.CaptureFixture[str], since: str) -> None:
    code, _, err = ran(capsys, "--since", since)
    assert code == 2
    assert f"expected seconds since the epoch, such as 1767225600; found '{since}'" in err


def test_verdict_good_is_printed(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    first = server.app.journal.total + 1
    server.ask("later")
    server.ask("later")
    code, out, _ = ran(capsys)
    assert code == 0
    text = (
        f"  good recovered: #{first + 1} succeeded after 1 failure\n       requests: #{first}, #{first + 1}\n"
    )
    assert text + "1 client, 0 bad verdicts\n" in out


FAILING = {
    "bad": 1,
    "gave_up": 1,
    "no_backoff, gave_up": 1,
    "no_backoff": 0,
    "none": 0,
    "recovered": 0,
    "gave-up": 2,
    "everything": 2,
    ",": 2,
}


@pytest.mark.parametrize(("words", "ends"), FAILING.items(), ids=FAILING)
def test_verdict_fail_on_selects_verdicts(
    server: Steered, capsys: pytest.CaptureFixture[str], words: str, ends: int
) -> None:
    server.ask("busy")
    code, _, err = ran(capsys, "--fail-on", words)
    assert code == ends
    assert bool(err) == (ends == 2)
    if words == "gave-up":
        assert 'did you mean "gave_up"?' in err
    if words == "everything":
        assert all(name in err for name in VERDICTS)


def test_verdict_running_waits_for_retries(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    server.ask("busy")
    assert ran(capsys, "--running")[0] == 0
    assert ran(capsys, "--since", "99999999999")[1] == "0 clients, 0 bad verdicts\n"
    assert ran(capsys, "--client", "10.0.0.1")[1] == "0 clients, 0 bad verdicts\n"


def test_verdict_prints_json_and_junit(
    server: Steered, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    server.ask("busy")
    file = tmp_path / "verdicts.xml"
    code, out, _ = ran(capsys, "--json", "--junit", str(file))
    assert code == 1
    assert json.loads(out)["clients"][0]["verdicts"][0]["verdict"] == "gave_up"
    assert ET.parse(file).getroot().get("failures") == "1"
    assert ET.fromstring(ran(capsys, "--junit", "-")[1]).get("failures") == "1"
    code, _, err = ran(capsys, "--junit", str(tmp_path / "no" / "folder"))
    assert (code, "No such file" in err) == (2, True)


def test_verdict_prints_one_format_only(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ran(capsys, "--json", "--junit", "-")
    assert (code, out, err) == (
        2,
        "",
        "mockllm: --json and --junit -: standard output has one of them only\n",
    )


def test_verdict_without_server_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOCKLLM_URL", "http://127.0.0.1:1")
    code, _, err = ran(capsys)
    assert (code, err.startswith("mockllm: no server responds at http://127.0.0.1:1")) == (2, True)
    assert ran(capsys, "--url", "localhost:1")[0] == 2


def test_verdict_help_names_all_verdicts(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["verdict", "--help"])
    output = capsys.readouterr().out
    assert all(name in output for name in VERDICTS)


def test_no_help_names_a_file_of_the_repository(capsys: pytest.CaptureFixture[str]) -> None:
    """Users of the wheel have no folder `docs`; they have `mockllm docs`."""
    for command in ("--help", *COMMANDS):
        with pytest.raises(SystemExit):
            main([command, *(["--help"] if command != "--help" else [])])
        assert "docs/" not in capsys.readouterr().out, command
