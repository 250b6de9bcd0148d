"""An MCP server that workers serve together: sessions, rules that count, and streams that another worker resumes."""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from http.client import HTTPMessage, IncompleteRead
from pathlib import Path

import pytest

from tests.process import serving
from tests.store.redis_server import program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the worker processes")

SCENARIO = """
mcp:
  - {name: travel, tools: [search]}
rules:
  - name: search
    match: {mcp: {tool: search}}
    times: 1
    reply: {text: Two flights., mcp: {events: [{log: first}, {log: second}]}}
    faults: [{close: {after: {chunks: 1}}}]
"""
SENT = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
OPENING = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"},
    },
}  # fmt: skip
CALL = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "search"}}


def sent(url: str, body: object = None, **headers: str) -> tuple[HTTPMessage, str]:
    """Send a message on a separate connection. Return the response's headers, and its body as far as it came."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{url}/mcp/travel", data, {**SENT, **named})
    with urllib.request.urlopen(request, timeout=60) as response:
        try:
            return response.headers, response.read().decode()
        except IncompleteRead as cut:
            return response.headers, cut.partial.decode()


def test_stream_of_a_counting_rule_is_resumed(tmp_path: Path) -> None:
    program()
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serving("--workers", "2", cwd=tmp_path) as server:
        session = str(sent(server.url, OPENING)[0]["mcp-session-id"])
        _, cut = sent(server.url, CALL, mcp_session_id=session)
        (last,) = re.findall(r"^id: (\S+)$", cut, re.MULTILINE)
        rests = [sent(server.url, mcp_session_id=session, last_event_id=last)[1] for _ in range(4)]
    assert '"first"' in cut
    assert all('"second"' in rest and "Two flights." in rest and '"first"' not in rest for rest in rests)


STATES = """
mcp:
  - {name: travel, tools: [{name: search, reply: One.}]}
rules:
  - {name: door, match: {user: door}, reply: Opened., sets_state: {door: open, count: 3}}
  - {name: shut, match: {user: shut}, reply: Shut., sets_state: {door: null}}
  - {name: lamp, match: {user: lamp}, per: api_key, reply: Lit., sets_state: {lamp: true}}
"""


def test_states_are_listed_as_by_one_process(tmp_path: Path) -> None:
    program()
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(STATES, encoding="utf-8")
    questions = (("", "door"), ("", "lamp"), ("/s/one", "door"), ("/s/one", "shut"), ("/s/two", "lamp"))
    listed = []
    for workers in ("1", "2"):
        with serving("--workers", workers, cwd=tmp_path) as server:
            for session, user in questions:
                body = {"model": "m", "messages": [{"role": "user", "content": user}]}
                server.post(f"{session}/v1/chat/completions", body)
            listed.append(server.get("/api/mcp")["states"])
    assert listed[0] == {
        "": {"door": "open", "count": "3", "lamp": "true"},
        "one": {"count": "3"},
        "two": {"lamp": "true"},
    }
    assert listed[1] == listed[0]
