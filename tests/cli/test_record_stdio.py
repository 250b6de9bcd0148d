"""`mockllm record --stdio`: an MCP server over standard input and output is recorded, and replayed over both."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from mockllm.cli import stdio_recorder
from mockllm.cli.main import main
from mockllm.cli.stdio_recorder import StdioRecorder
from mockllm.recordings.scenario_writer import RequestParser
from mockllm.server.provider_proxy import ProviderProxy
from mockllm.server.upstreams import Upstreams
from tests.live import live
from tests.process import environment
from tests.server.raw_client import Raw
from tests.waiting import PATIENCE

SCENARIO = """
mcp:
  - name: shop
    tools: [{name: hours, reply: From nine to five.}, find]
rules:
  - match: {mcp: {tool: find}}
    reply: {text: Found., mcp: {events: [{progress: 1, total: 2}]}}
"""
OPENING = {"method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {},
           "clientInfo": {"name": "test", "version": "1"}}, "id": 0}  # fmt: skip
MESSAGES: list[dict[str, Any]] = [
    OPENING,
    {"method": "notifications/initialized"},
    {"method": "tools/call", "params": {"name": "hours"}, "id": "a"},
    {"method": "tools/call", "params": {"name": "find", "_meta": {"progressToken": 7}}, "id": 2},
]


def talk(*command: str) -> tuple[list[Any], int, str]:
    """Send each message after the response to the one before. Return the lines of the server, and the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "mockllm", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines = []
        for message in MESSAGES:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            process.stdin.flush()
            while "id" in message and (line := process.stdout.readline()):
                lines.append(json.loads(line))
                if lines[-1].get("id") == message["id"]:
                    break
        _, errors = process.communicate(timeout=PATIENCE)
    return lines, process.returncode, errors.decode()


def test_recorded_stdio_server_is_replayed(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    out = tmp_path / "out"
    own = (sys.executable, "-m", "mockllm", "mcp", "shop", "--scenarios", str(tmp_path / "a.yaml"))
    reported, code, errors = talk("record", "--stdio", "shop", "--out", str(out), "--", *own)
    assert (code, len(reported)) == (0, 4), errors
    assert "4 recorded in" in errors
    again, code, errors = talk("mcp", "shop", "--scenarios", str(out))
    assert (again, code) == (reported, 0), errors
    with live(out) as server, Raw.to(server.url) as client:
        body = json.dumps({"jsonrpc": "2.0", **MESSAGES[2], "id": 99})
        head = f"POST /mcp/shop HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        client.send((head + body).encode())
        assert json.loads(client.answer().body) == {**reported[1], "id": 99}


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 128 + signal.SIGKILL),
    ],
)
def test_server_that_ends_ends_the_recording(program: str, code: int, tmp_path: Path) -> None:
    command = ("-m", "mockllm", "record", "--stdio", "x", "--out", str(tmp_path / "out"), "--")
    line = (sys.executable, *command, sys.executable, "-c", program)
    done = subprocess.run(line, input=b"", capture_output=True, env=environment(), check=False)
    assert (done.stdout, done.returncode) == (b"", code), done.stderr


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--stdio", "x"], "--stdio NAME and a command go together"),
        (["--", "ls"], "--stdio NAME and a command go together"),
        (["--stdio", "../x", "--", "ls"], "--stdio: expected a name such as weather"),
        (["--stdio", "x", "--", "./none-of-this-name"], "./none-of-this-name: No such file"),
    ],
)
def test_record_stdio_usage_mistake_is_refused(
    line: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["record", "--out", str(tmp_path / "out"), *line])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def recorded(tmp_path: Path, program: str, lines: bytes = b"") -> tuple[int, ProviderProxy, list[str]]:
    """Record a server that a program of Python is, with these lines as its input."""
    messages: list[str] = []
    recorder = ProviderProxy(Upstreams({}), tmp_path, RequestParser(), messages.append, True)
    run = StdioRecorder("x", (sys.executable, "-c", program), recorder)
    return asyncio.run(run.run(io.TextIOWrapper(io.BytesIO(lines)))), recorder, messages


IGNORES: Final = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); "


@pytest.mark.parametrize(
    ("program", "code"),
    [
        (f"{IGNORES}time.sleep(600)", -signal.SIGKILL),
        ("import os, time; os.close(1); time.sleep(600)", -signal.SIGTERM),
    ],
)
def test_server_that_does_not_end_is_stopped(
    program: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stdio_recorder, "PATIENCE", 1.0)
    assert recorded(tmp_path, program)[0] == code


def test_too_long_line_of_a_server_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdio_recorder, "LONGEST_LINE", 100)
    _, recorder, messages = recorded(tmp_path, "print('x' * 1000, flush=True)")
    assert (recorder.failed, messages) == (
        1,
        ["error: not recorded: a line of the server is longer than 100 bytes"],
    )


def message(method: str, id: int | None = None, **params: Any) -> bytes:
    """Return the line of a message."""
    body = {"jsonrpc": "2.0", "method": method, "params": params, **({} if id is None else {"id": id})}
    return json.dumps(body).encode() + b"\n"


CALLS: Final = message("tools/call", 1, name="a") + message("tools/call", 2, name="b")
LOG: Final = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"note"}}'
RESULT: Final = '{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"%s"}]}}'


def printing(count: int, *lines: str) -> str:
    """Return the program of a server that reads lines and then sends its own."""
    reading = f"import sys; [sys.stdin.readline() for _ in range({count})]; "
    return reading + f"[print(line, flush=True) for line in {lines!r}]"


def stored(recorder: ProviderProxy) -> list[str]:
    assert recorder.out is not None
    return [path.read_text(encoding="utf-8") for path in recorder.out.rglob("*.yaml")]


def test_cancelled_request_takes_no_later_messages(tmp_path: Path) -> None:
    cancelled = message("notifications/cancelled", requestId=1) + message("notifications/cancelled")
    program = printing(4, LOG, RESULT % (2, "done"), RESULT % (1, "late"))
    _, recorder, messages = recorded(tmp_path, program, CALLS + cancelled)
    (of_b,) = (text for text in stored(recorder) if "done" in text)
    assert "note" in of_b
    assert "late" not in of_b
    assert messages == []


def test_line_that_is_no_message_is_reported(tmp_path: Path) -> None:
    refused = RESULT % (1, r"cut \ud83d")
    sent = message("tools/call", 3, name="a").replace(b'"a"', b"NaN")
    program = printing(3, "ready", refused, RESULT % (3, "of a bad line"), RESULT % (2, "done"))
    _, recorder, messages = recorded(tmp_path, program, CALLS + sent)
    (text,) = stored(recorder)
    assert "done" in text
    assert not any(each in text for each in ("ready", "cut", "of a bad line"))
    assert recorder.failed == 3
    assert sorted(messages) == [
        "error: not recorded: a line of the client is no JSON object",
        "error: not recorded: a line of the server is no JSON object",
        "error: not recorded: a line of the server is no JSON object",
        "warning: not recorded: requests without a response: tools/call",
    ]


def test_line_of_a_server_without_requests_passes(tmp_path: Path) -> None:
    _, recorder, messages = recorded(tmp_path, printing(0, "ready"))
    assert (recorder.failed, messages) == (0, [])
