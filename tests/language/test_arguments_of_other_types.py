"""`tool_calls: from_schema` for a tool whose schema allows other values than objects: a call has an object."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import ClientRequest, raw_request, respond_once

CALL = "rules: [{reply: {tool_calls: from_schema}}]"
TURN = [{"role": "user", "content": "gen"}]


def ollama(schema: Any) -> ClientRequest:
    tools = [{"type": "function", "function": {"name": "t", "parameters": schema}}]
    body = {"model": "llama3", "stream": False, "messages": TURN, "tools": tools}
    return raw_request("/api/chat", body)


def gemini(schema: Any) -> ClientRequest:
    tools = [{"functionDeclarations": [{"name": "t", "parametersJsonSchema": schema}]}]
    contents = [{"role": "user", "parts": [{"text": "gen"}]}]
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    return raw_request(path, {"contents": contents, "tools": tools})


def converse(schema: Any) -> ClientRequest:
    tools = [{"toolSpec": {"name": "t", "inputSchema": {"json": schema}}}]
    messages = [{"role": "user", "content": [{"text": "gen"}]}]
    return raw_request("/model/m/converse", {"messages": messages, "toolConfig": {"tools": tools}})


@pytest.mark.parametrize(
    "schema", [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}, {"type": "boolean"}]
)
@pytest.mark.parametrize(
    ("request_with", "found"),
    [
        (ollama, '"arguments":{}'),
        (gemini, '"args":{}'),
        (converse, '"input":{}'),
    ],
)
def test_generated_arguments_are_an_object(request_with: Any, found: str, schema: Any) -> None:
    response = respond_once(CALL, request_with(schema))
    assert found in response.bytes.decode().replace(" ", "").replace("\n", "")
    assert response.notes == "the arguments of t are {}: the value for its schema is no object"
