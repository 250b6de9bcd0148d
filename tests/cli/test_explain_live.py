"""`mockllm explain` of a request in the journal of a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.cli.main import main
from tests.process import serving
from tests.server.control.live_server import Steered, steered

FILE = """
rules:
  - name: hello
    match: {user: hello}
    reply: Hello you.
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steered]:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "scenarios"
    folder.mkdir()
    with steered(folder, {"a.yaml": FILE}) as built:
        monkeypatch.setenv("MOCKLLM_URL", f"http://127.0.0.1:{built.port}")
        yield built


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["explain", *arguments])
    output = capsys.readouterr()
    return ended.value.code, output.out, output.err


@pytest.mark.parametrize("name", ["1", "#1"])
def test_journal_id_is_explained(server: Steered, capsys: pytest.CaptureFixture[str], name: str) -> None:
    server.ask("hallo\x1b[2J")
    code, out, _ = ran(capsys, name)
    assert code == 0
    assert out.startswith('POST /v1/chat/completions, model gpt-4o, user "hallo\\x1b[2J"\n')
    assert "No rule matches" in out
    assert 'hello: user expected "hello", found "hallo' in out


def test_journal_id_as_json(server: Steered, capsys: pytest.CaptureFixture[str]) -> None:
    server.ask("hello")
    url = f"http://127.0.0.1:{server.port}"
    assert json.loads(ran(capsys, "--url", url, "--json", "1")[1])["rule"] == "a.yaml:hello"


def test_request_file_is_explained_by_server(
    server: Steered, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{server.port}"
    steps = {"name": "two", "steps": [{"request": {"user": "hello"}}, {"request": {"user": "bye"}}]}
    (tmp_path / "1").write_text(json.dumps(steps))
    code, out, _ = ran(capsys, "--url", url, "1")
    assert code == 0
    assert "Step 1: POST" in out
    assert "Step 2: POST" in out


def test_page_of_server_is_explained_by_server(
    server: Steered, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "page.json").write_text('{"method": "GET", "path": "/"}')
    out = ran(capsys, "--url", f"http://127.0.0.1:{server.port}", str(tmp_path / "page.json"))[1]
    assert "No rule is tried: mockllm:home responds by itself" in out
    assert "status 200" in out


@pytest.mark.parametrize(
    ("method", "path", "options", "rule"),
    [
        ("OPTIONS", "/v1/chat/completions", ("--no-cors",), None),
        ("OPTIONS", "/v1/chat/completions", (), "mockllm:preflight"),
        ("GET", "/metrics", ("--admin-port", "0"), None),
        ("GET", "/metrics", (), "mockllm:control"),
    ],
)
def test_explanation_follows_options_of_server(
    method: str,
    path: str,
    options: tuple[str, ...],
    rule: str | None,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    headers = {"Origin": "http://a.example", "Access-Control-Request-Method": "POST"}
    request = {"method": method, "path": path, "headers": headers}
    (tmp_path / "request.json").write_text(json.dumps(request))
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(FILE)
    with serving("--scenarios", "scenarios", *options, cwd=tmp_path) as process:
        line = process.line(lambda line: "control API: " in line) if "--admin-port" in options else ""
        url = line.partition(": ")[2].partition("/api")[0] or process.url
        out = ran(capsys, "--url", url, "--json", str(tmp_path / "request.json"))[1]
    assert json.loads(out)["rule"] == rule


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("99",), "mockllm: The journal has no request 99; it has none"),
        (
            ("1", "--scenarios", "x", "--seed", "3"),
            "--scenarios, --seed: the running server has its own scenarios",
        ),
        (("no.json", "--url", "http://localhost:1"), "no.json: No such file"),
        (("bad.json", "--url", "http://localhost:1"), "bad.json: this is not JSON: "),
        (("1", "--url", "http://127.0.0.1:1"), "mockllm: no server responds at"),
    ],
)
def test_invalid_live_explain_is_usage_mistake(
    server: Steered,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    problem: str,
    tmp_path: Path,
) -> None:
    (tmp_path / "bad.json").write_text("{")
    code, _, err = ran(capsys, *arguments)
    assert code == 2
    assert problem in err
