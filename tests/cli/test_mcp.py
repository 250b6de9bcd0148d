"""`mockllm mcp NAME`: lines of JSON in, lines of JSON out."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from mockllm.cli.stdio_relay import StdioRelay
from tests.cli.in_process import command
from tests.live import live
from tests.process import environment, serving
from tests.waiting import PATIENCE, until

SCENARIO = """
mcp:
  - name: shop
    tools: [broken, reset, silent, question, slow, large, {name: hours, reply: From nine to five.}]
    messages: [{method: notifications/tools/list_changed}]
rules:
  - {match: {mcp: {tool: broken}}, http: {body: "no\\njson"}}
  - {match: {mcp: {tool: reset}}, reply: x, faults: [reset]}
  - {match: {mcp: {tool: silent}}, reply: x, faults: [silence]}
  - {match: {mcp: {tool: question}}, reply: {mcp: {ask: {roots: {method: roots/list}}}}}
  - {match: {mcp: {tool: slow}}, reply: late, delay: 50s}
  - match: {mcp: {tool: large}}
    reply: {text: LARGE, mcp: {events: [{progress: 1, total: 2}]}}
""".replace("LARGE", "x" * 700_000)
OPENING = {"method": "initialize", "params": {"protocolVersion": "2025-06-18"}, "id": 0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


def call(tool: str, id: int = 1) -> dict[str, Any]:
    return {"id": id, "method": "tools/call", "params": {"name": tool}}


class Relay:
    """A running command."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mockllm", "mcp", "shop", "--scenarios", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )

    def send(self, *messages: dict[str, Any] | bytes) -> None:
        assert self.process.stdin is not None
        for each in messages:
            line = each if isinstance(each, bytes) else json.dumps({"jsonrpc": "2.0", **each}).encode()
            self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def line(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def end(self) -> int:
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode


def test_lines_get_responses_until_the_input_ends(folder: Path) -> None:
    relay = Relay(folder)
    relay.send(OPENING)
    assert json.loads(relay.line())["result"]["protocolVersion"] == "2025-06-18"
    relay.send({"method": "notifications/initialized"})
    assert json.loads(relay.line())["method"] == "notifications/tools/list_changed"
    relay.send(b"", call("hours"))
    assert json.loads(relay.line())["result"]["content"][0]["text"] == "From nine to five."
    relay.send(b"{")
    assert json.loads(relay.line())["error"]["code"] == -32700
    assert relay.end() == 0


def test_lines_behind_the_handshake_wait_for_its_session(folder: Path) -> None:
    relay = Relay(folder)
    relay.send(OPENING, {"method": "notifications/initialized"}, call("hours", 7))
    lines = [json.loads(relay.line()) for _ in range(3)]
    assert lines[0]["result"]["protocolVersion"] == "2025-06-18"
    assert {line.get("id", line.get("method")) for line in lines[1:]} == {
        7,
        "notifications/tools/list_changed",
    }
    assert not any("error" in line for line in lines)
    assert relay.end() == 0


@pytest.mark.parametrize("tool", ["silent", "question"])
def test_open_call_does_not_outlast_its_client(
    tool: str, folder: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    opening = {"jsonrpc": "2.0", **OPENING}
    lines = b"".join(
        json.dumps(line).encode() + b"\n" for line in (opening, {"jsonrpc": "2.0", **call(tool)})
    )
    with live(folder) as server:
        relay = StdioRelay(f"http://127.0.0.1:{server.port}/mcp/shop", patience=1.5)
        source = TextIOWrapper(BytesIO(lines))
        assert asyncio.run(asyncio.wait_for(relay.run(source), PATIENCE)) == 0
        until(lambda: any(entry.method == "DELETE" for entry in server.app.journal))
    out, wrong = capsysbinary.readouterr()
    assert b'"id":0,"result"' in out
    assert wrong == b"mockllm: messages without a response 1.5 s after the end of the input: 1\n"


def test_client_that_closes_its_end_of_the_output_has_left(folder: Path) -> None:
    relay = Relay(folder)
    assert relay.process.stdout is not None
    assert relay.process.stderr is not None
    relay.process.stdout.close()
    relay.send(OPENING)
    assert relay.process.wait(PATIENCE) == 0
    relay.process.stdout = None
    assert b"broke off" not in relay.process.communicate()[1]


def test_server_with_https_is_reached_where_its_ca_is_trusted(folder: Path) -> None:
    """In another process, where aiohttp's context has no CAs."""
    secure = ("--tls-self-signed", "--tls-dir", str(folder / "tls"))
    with serving("--scenarios", "a.yaml", *secure, cwd=folder) as server:
        line = [sys.executable, "-m", "mockllm", "mcp", "shop", "--url", server.url]
        trusted = environment(SSL_CERT_FILE=str(folder / "tls" / "ca.pem"))
        sent = json.dumps({"jsonrpc": "2.0", **OPENING}).encode() + b"\n"
        ended = subprocess.run(line, input=sent, env=trusted, capture_output=True, timeout=PATIENCE)
    assert (ended.stderr, ended.returncode) == (b"", 0)
    assert json.loads(ended.stdout)["result"]["protocolVersion"] == "2025-06-18"


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://localhost", "http://"])
def test_address_that_is_none_is_a_usage_mistake(url: str, tmp_path: Path) -> None:
    ended = command("mcp", "shop", "--url", url, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr == f"mockllm: --url: expected http://HOST:PORT, found '{url.rstrip('/')}'\n"


@pytest.mark.full
def test_bytes_that_are_no_json_are_passed_on(folder: Path) -> None:
    relay = Relay(folder)
    relay.send(OPENING)
    relay.line()
    relay.send(call("broken"))
    assert relay.line() == b"no json\n"
    assert relay.end() == 0


def test_connection_that_breaks_ends_the_command(folder: Path) -> None:
    relay = Relay(folder)
    relay.send(OPENING)
    relay.line()
    relay.send(call("reset"))
    assert relay.line() == b""
    assert relay.end() == 1


def test_large_message_of_an_event_stream_is_passed_on(folder: Path) -> None:
    relay = Relay(folder)
    relay.send(OPENING)
    relay.line()
    relay.send({**call("large"), "params": {"name": "large", "_meta": {"progressToken": 7}}})
    assert json.loads(relay.line())["method"] == "notifications/progress"
    assert len(json.loads(relay.line())["result"]["content"][0]["text"]) == 700_000
    assert relay.end() == 0


def test_odd_id_of_cancelled_request_is_ignored(folder: Path) -> None:
    relay = Relay(folder)
    relay.send(OPENING)
    relay.line()
    cancelled = {"method": "notifications/cancelled", "params": {"requestId": [1]}}
    relay.send(call("slow", 7), cancelled, call("hours", 8))
    assert json.loads(relay.line())["id"] == 8
    relay.send({"method": "notifications/cancelled", "params": {"requestId": 7}})
    assert relay.end() == 0


def test_server_that_does_not_respond_is_named(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    line = [sys.executable, "-m", "mockllm", "mcp", "shop", "--url", url]
    ended = subprocess.run(line, input=b"{}\n", capture_output=True, env=environment(), check=False)
    assert ended.returncode == 1
    assert ended.stderr.decode().startswith(
        f"mockllm: {url}/mcp/shop broke off: cannot connect to 127.0.0.1:"
    )


@pytest.mark.full
def test_call_that_is_cancelled_has_no_result(folder: Path) -> None:
    relay = Relay(folder)
    relay.send(OPENING)
    relay.line()
    relay.send(
        call("slow", 7), {"method": "notifications/cancelled", "params": {"requestId": 7}}, call("hours", 8)
    )
    assert json.loads(relay.line())["id"] == 8
    assert relay.end() == 0


def test_options_of_the_own_server_warn_with_a_url(tmp_path: Path) -> None:
    options = ("--scenarios", "x", "--seed", "3", "--strict", "--max-body", "1MiB")
    with patch("sys.stdin", TextIOWrapper(BytesIO())):
        ended = command("mcp", "shop", "--url", "http://127.0.0.1:9", *options, cwd=tmp_path)
        silent = command("mcp", "shop", "--url", "http://127.0.0.1:9", cwd=tmp_path, MOCKLLM_SEED="3")
    assert ended.returncode == 0
    assert ended.stderr.splitlines() == [
        f"warning: {name} has no effect with --url"
        for name in ("--scenarios", "--seed", "--strict", "--max-body")
    ]
    assert silent.stderr == ""


def test_unknown_server_is_a_usage_mistake(folder: Path) -> None:
    ended = command("mcp", "nothing", "--scenarios", str(folder), cwd=folder)
    assert ended.returncode == 2
    assert 'no MCP server is called "nothing" in the scenarios; there are: shop' in ended.stderr


def test_scenarios_without_servers_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{reply: x}]", encoding="utf-8")
    ended = command("mcp", "nothing", "--scenarios", str(tmp_path), cwd=tmp_path)
    assert ended.stderr == 'mockllm: mcp: no MCP server is called "nothing": the scenarios have none\n'


def test_mistake_in_a_file_is_shown(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("mcp: [{}]", encoding="utf-8")
    ended = command("mcp", "shop", "--scenarios", str(tmp_path), cwd=tmp_path)
    assert ended.returncode == 2
    assert "a.yaml:1:" in ended.stderr
