"""Recordings of MCP servers: equal requests have equal hashes, and a replay has the ids of the new request."""

from __future__ import annotations

import json

import pytest

from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead, WaitStep
from mockllm.core.request.request_keys import request_hash
from mockllm.core.request.uri_template import expanded
from mockllm.dialects.mcp.decoder import decode
from tests.dialects.mcp.messages import SERVER, call, rpc
from tests.language.virtual_server import ClientRequest, VirtualServer, raw_request, respond_once

SERVED = VirtualServer(SERVER)


def hash_of(sent: ClientRequest) -> str:
    return request_hash(SERVED.engine.read(sent.method, sent.path, "", sent.headers, sent.body, "", 0.0))


def replay(frames: str, sent: ClientRequest, kind: str = "application/json") -> bytes:
    files = f"""
validation: off
rules:
  - match: {{mcp: {{server: x}}}}
    replay: {{headers: {{content-type: {kind}}}, {frames}}}
"""
    return respond_once(files, sent).bytes


def test_hash_ignores_id_and_client() -> None:
    first = rpc("initialize", {"protocolVersion": "2025-06-18", "clientInfo": {"name": "a"}}, id=1)
    second = rpc("initialize", {"protocolVersion": "2025-11-25", "clientInfo": {"name": "b"}}, id="z")
    assert hash_of(first) == hash_of(second)
    assert hash_of(call("a", {"x": 1})) != hash_of(call("a", {"x": 2}))
    assert hash_of(call("a")) != hash_of(call("a", modern=True))
    assert hash_of(raw_request("/mcp/weather", "{")) != hash_of(raw_request("/mcp/weather", "[1]"))


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ('{"jsonrpc": "2.0", "id": 7, "result": {}}', '{"jsonrpc": "2.0", "id":"new", "result": {}}'),
        (
            '{"result": {"id": 7}, "jsonrpc": "2.0", "id": 7}',
            '{"result": {"id": 7}, "jsonrpc": "2.0", "id":"new"}',
        ),
        ('{"id":"a\\u0062","result":{}}', '{"id":"new","result":{}}'),
        ('{"id":null,"error":{"code":1,"message":"x"}}', '{"id":null,"error":{"code":1,"message":"x"}}'),
        ("no json", "no json"),
    ],
)
def test_replay_has_the_id_of_the_request(recorded: str, expected: str) -> None:
    assert (
        replay(f"frames: [{json.dumps(recorded)}]", rpc("ping", id="new", path="/mcp/x")).decode() == expected
    )


def test_replay_of_a_stream_has_ids_and_tokens() -> None:
    frames = [
        'event: message\ndata: {"method":"notifications/progress","params":{"progressToken":1,"progress":1}}\n\n',
        'id: e1\ndata: {"jsonrpc":"2.0","id":3,"result":{}}\n\n',
        'event: message\ndata: {"jsonrpc":"2.0","id":"s/1","method":"roots/list"}\n\n',
    ]
    listed = f"frames: {json.dumps(frames)}"
    sent = rpc("tools/call", {"name": "x", "_meta": {"progressToken": "t"}}, id=9, path="/mcp/x")
    text = replay(listed, sent, "text/event-stream").decode()
    assert '"progressToken":"t"' in text
    assert 'id: e1\ndata: {"jsonrpc":"2.0","id":9,"result":{}}\n\n' in text
    assert '"id":"s/1"' in text
    without = replay(listed, rpc("tools/call", {"name": "x"}, path="/mcp/x"), "text/event-stream")
    assert b'"progressToken":1' in without


def test_replay_without_a_body_stays_empty() -> None:
    assert replay("frames: [], status: 202", rpc("notifications/x", id=None, path="/mcp/x")) == b""


def test_decoder_reads_texts_and_errors() -> None:
    def plan(*messages: object) -> Plan:
        steps = tuple(EventStep(json.dumps(each).encode(), 0, "open") for each in messages)
        return Plan(ResponseHead(200, ()), (*steps, WaitStep(1.0, 0), RawStep(b"", 0)), Framing.SSE)

    contents = {
        "contents": [{"text": "c"}],
        "messages": [{"content": {"text": "m"}}],
        "content": [{"text": 3}],
    }
    found = decode(plan({"jsonrpc": "2.0", "method": "x"}, {"jsonrpc": "2.0", "id": 1, "result": contents}))
    assert found is not None
    assert (found.text, found.finish) == ("mc", "stop")
    failed = decode(plan({"jsonrpc": "2.0", "id": 1, "error": {"code": 1}}))
    assert failed is not None
    assert failed.error == {"code": 1}
    assert decode(plan({"a": 1}, [1])) is None


@pytest.mark.parametrize(
    ("template", "uri", "values"),
    [
        ("city://{name}", "city://Oslo", {"name": "Oslo"}),
        ("city://{name}", "city://a%20b", {"name": "a b"}),
        ("city://{name}", "city://a/b", None),
        ("file:///{+path}", "file:///a/b", {"path": "a/b"}),
        ("x://{a}/{a}", "x://1/1", {"a": "1"}),
        ("x://{a}/{a}", "x://1/2", None),
        ("x://none", "x://none", {}),
    ],
)
def test_template_is_expanded_backwards(template: str, uri: str, values: dict[str, str] | None) -> None:
    assert expanded(template, uri) == values
