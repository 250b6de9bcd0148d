"""`GET /api/mcp`: the described servers, the messages of the journal, and the named states."""

from __future__ import annotations

import json
from pathlib import Path

from tests.dialects.mcp.messages import call, rpc
from tests.server.control.live_server import steered

FILE = """
mcp:
  - {name: weather, tools: [{name: echo, reply: Hello.}, {name: fail, reply: {refusal: No.}}]}
rules:
  - {name: set, match: {mcp: {tool: echo, arguments: {$.set: 1}}}, reply: Set., sets_state: {ready: true}}
  - {name: listed, match: {mcp: {tool: echo, arguments: {$.log: 1}}}, reply: {text: x, mcp: {events: [{log: x}]}}}
"""


def test_call_shows_servers_messages_and_states(tmp_path: Path) -> None:
    sent = [
        rpc("tools/list", modern=True),
        call("echo", {"set": 1}, modern=True),
        call("echo", {"log": 1}, modern=True),
        call("fail", modern=True),
        call("gone", modern=True),
        call("echo", path="/mcp/other", modern=True),
    ]
    with steered(tmp_path, {"a.yaml": FILE}) as server:
        for request in sent:
            server.call("POST", request.path, json.loads(request.body), request.headers)
        found = server.call("GET", "/api/mcp").json
    weather, other = found["servers"]
    assert {tool["name"]: (tool["listed"], tool["calls"], tool["failed"]) for tool in weather["tools"]} == {
        "echo": (True, 2, 0),
        "fail": (True, 1, 1),
        "gone": (False, 1, 1),
    }
    assert weather["methods"] == {"tools/call": 4, "tools/list": 1}
    assert (other["name"], other["described"]) == ("other", False)
    assert found["states"] == {"": {"ready": "true"}}
    assert [each["failed"] for each in found["calls"]] == [True, True, True, False, False, False]
    assert found["counted"] == 6


def test_absent_stream_of_messages_is_no_failure(tmp_path: Path) -> None:
    """A client requests it after each handshake, and a server that sends none says so by a 405."""
    headers = {"accept": "text/event-stream", "mcp-protocol-version": "2025-11-25"}
    with steered(tmp_path, {"a.yaml": "mcp: [{name: weather, sessions: false}]"}) as server:
        server.call("GET", "/mcp/weather", headers=headers)
        [shown] = server.call("GET", "/api/mcp").json["calls"]
    assert (shown["method"], shown["status"], shown["failed"]) == ("GET", 405, False)
