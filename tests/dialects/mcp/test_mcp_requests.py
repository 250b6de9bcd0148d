"""Requests to MCP servers as they are read and written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import Framing, Plan, ResponseHead, WaitStep
from mockllm.dialects.mcp.replayed import with_request_id
from mockllm.dialects.mcp.request import RpcRequest
from mockllm.dialects.mcp.request_builder import call_request, encoded_header
from mockllm.engine.engine_request import EngineRequest
from mockllm.state.fetched_objects import FetchedLookup
from tests.dialects.mcp.messages import SERVER, ToolClient, rpc
from tests.language.virtual_server import ClientRequest, VirtualServer, raw_request, respond_once

SERVED = VirtualServer(SERVER).engine


def read(sent: ClientRequest) -> EngineRequest:
    return SERVED.read(sent.method, sent.path, sent.query, sent.headers, sent.body, "", 0.0)


def test_request_names_its_server() -> None:
    assert read(rpc("ping")).server_endpoint == "weather"
    assert read(rpc("ping", path="/mcp")).server_endpoint is None
    assert read(raw_request("/v1/chat/completions", {})).server_endpoint is None


def test_listening_is_a_stream() -> None:
    request = read(raw_request("/mcp/weather", method="GET"))
    assert request.stream
    assert request.mcp == {"server": "weather", "protocol": "2025-03-26"}


def test_tool_without_output_has_no_format() -> None:
    assert read(rpc("tools/call", {"name": "echo"})).response_format.kind == "text"
    assert read(rpc("tools/call", {"name": "get_weather"})).response_format.kind == "schema"
    assert read(rpc("tools/call", {"name": "x"}, path="/mcp/other")).response_format.kind == "text"


@pytest.mark.parametrize(
    ("id", "more", "expected"),
    [
        ("k/n", {"result": {"a": 1}}, ("k", "n", {"a": 1})),
        ("k/n", {"error": {"code": 1}}, ("k", "n", {"error": {"code": 1}})),
        ("kn", {"result": {}}, None),
        (1, {"result": {}}, None),
    ],
)
def test_response_of_the_client_names_its_question(
    id: object, more: dict[str, Any], expected: object
) -> None:
    assert read(rpc(None, id=id, **more)).client_response == expected


def test_responses_of_the_client_are_put_into_the_call() -> None:
    request = read(rpc("tools/call", {"name": "echo"}))
    body = json.loads(request.with_client_responses("ask_1", {"a": {"b": 1}}))
    meta = {"mockllm/continues": "ask_1"}
    assert body["params"] == {"name": "echo", "_meta": meta, "inputResponses": {"a": {"b": 1}}}
    plain = read(raw_request("/v1/chat/completions", {}))
    assert (plain.client_response, plain.with_client_responses("ask_1", {})) == (None, plain.raw)


def test_refusal_reads_no_stored_object() -> None:
    request = read(rpc("tools/call", {"name": "echo", "_meta": {"mockllm/continues": "ask_1"}}))
    request.object_lookup = FetchedLookup("", {})
    refused = SERVED.refuse(Failure("server_error"), request)
    assert refused.error == "server_error"


def test_replay_has_the_recorded_waits() -> None:
    request = read(rpc("ping"))
    assert isinstance(request, RpcRequest)
    plan = Plan(ResponseHead(200, ()), (WaitStep(1.0, 0),), Framing.SSE)
    assert with_request_id(plan, request) == plan


def test_call_is_written_as_a_modern_client_sends_it() -> None:
    for word, name in (
        ("tool", "echo"),
        ("prompt", "greet"),
        ("resource", "file:///a.md"),
        (None, "tools/list"),
    ):
        wire = call_request("weather", word, name, {"arguments": {"text": "x", "who": "Ann"}})
        sent = raw_request(wire.path, wire.body, headers=wire.headers)
        assert respond_once(SERVER, sent).status == 200


@pytest.mark.parametrize(
    ("value", "header"),
    [("a b", "a b"), (" a", "=?base64?IGE=?="), ("ü", "=?base64?w7w=?="), ("\ud800", "=?base64?7aCA?=")],
)
def test_header_is_encoded_where_it_must(value: str, header: str) -> None:
    assert encoded_header(value) == header


def test_other_resource_has_no_type() -> None:
    files = SERVER + "rules:\n  - {match: {mcp: {resource: 'x://*'}}, reply: X.}\n"
    contents = ToolClient(files).result("resources/read", {"uri": "x://1"})["contents"]
    assert contents == [{"uri": "x://1", "text": "X."}]
    elsewhere = (
        "rules:\n  - {match: {mcp: {resource: 'x://*'}}, reply: {images: [{data: AA}], refusal: no}}\n"
    )
    answer = respond_once(elsewhere, rpc("resources/read", {"uri": "x://1"}, modern=True, path="/mcp/any"))
    assert answer.json["result"]["contents"] == [{"uri": "x://1", "mimeType": "image/png", "blob": "AA"}]
    assert "_meta" not in answer.json["result"]
