"""One agent loop on every generating wire: a call of a tool, its result, and a text; streamed, whole, and over
WebSockets. The second request holds what a client of the protocol makes of the first response."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from mockllm.core.json.codec import Json, dumps
from mockllm.core.request.request import Tool
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import GENERATING_CALLS
from tests.dialects.gemini.interactions.test_interactions import Interacting
from tests.dialects.gemini.live.live_socket import GEMINI, VERTEX
from tests.dialects.gemini.live.live_socket import text as live_text
from tests.dialects.virtual_socket import VirtualSocket
from tests.faults.protocol_table import ProtocolTable
from tests.language.virtual_server import ClientRequest, VirtualServer

SCHEMA: Final = {"type": "object", "properties": {"city": {"type": "string"}}}
LOOK: Final = Tool("look", SCHEMA)
ARGUMENTS: Final[dict[str, Json]] = {"city": "Oslo"}
RESULT: Final[dict[str, Json]] = {"degrees": 22}
TEXT: Final = "It is 22 degrees in turn 2."
RULES: Final = """
rules:
  - name: call
    match: {tools: look, tool_result: {exists: false}}
    reply: {text: Let me see., tool_calls: [{name: look, arguments: {city: Oslo}}]}
  - name: answer
    match: {tool_result: {name: look}}
    reply: "It is {{ tool_result.json.degrees }} degrees in turn {{ turn }}."
"""
USER: Final[dict[str, Json]] = {"role": "user", "content": "Weather?"}
History = Callable[[str], list[dict[str, Any]]]


def _chat(id: str) -> list[dict[str, Any]]:
    call = {
        "id": id,
        "type": "function",
        "function": {"name": "look", "arguments": dumps(ARGUMENTS).decode()},
    }
    result = {"role": "tool", "tool_call_id": id, "content": dumps(RESULT).decode()}
    return [USER, {"role": "assistant", "content": "Let me see.", "tool_calls": [call]}, result]


def _responses(id: str) -> list[dict[str, Any]]:
    call = {"type": "function_call", "call_id": id, "name": "look", "arguments": dumps(ARGUMENTS).decode()}
    return [USER, call, {"type": "function_call_output", "call_id": id, "output": dumps(RESULT).decode()}]


def _messages(id: str) -> list[dict[str, Any]]:
    use = {"type": "tool_use", "id": id, "name": "look", "input": ARGUMENTS}
    result = {"type": "tool_result", "tool_use_id": id, "content": dumps(RESULT).decode()}
    return [USER, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]


def _contents(id: str) -> list[dict[str, Any]]:
    return [
        {"role": "user", "parts": [{"text": "Weather?"}]},
        {
            "role": "model",
            "parts": [{"functionCall": {"name": "look", "args": ARGUMENTS}, "thoughtSignature": "c2VhbA=="}],
        },
        {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": RESULT}}]},
    ]


def _converse(id: str) -> list[dict[str, Any]]:
    use = {"toolUse": {"toolUseId": id, "name": "look", "input": ARGUMENTS}}
    result = {"toolResult": {"toolUseId": id, "content": [{"json": RESULT}]}}
    first = {"role": "user", "content": [{"text": "Weather?"}]}
    return [first, {"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]


def _ollama(id: str) -> list[dict[str, Any]]:
    call = {"function": {"name": "look", "arguments": ARGUMENTS}}
    result = {"role": "tool", "tool_name": "look", "content": dumps(RESULT).decode()}
    return [USER, {"role": "assistant", "content": "", "tool_calls": [call]}, result]


def _cohere_v1(id: str) -> list[dict[str, Any]]:
    call = {"name": "look", "parameters": ARGUMENTS}
    assistant = {"role": "CHATBOT", "message": "Let me see.", "tool_calls": [call]}
    return [USER, assistant, {"role": "TOOL", "tool_results": [{"call": call, "outputs": [RESULT]}]}]


_HISTORIES: Final[dict[str, History]] = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic-messages": _messages,
    "bedrock-invoke": _messages,
    "bedrock-converse": _converse,
    "gemini-generate": _contents,
    "cohere-chat": _chat,
    "cohere-chat_v1": _cohere_v1,
    "ollama-chat": _ollama,
}
HISTORIES: Final = ProtocolTable("tests/dialects/test_agent_loop.py: _HISTORIES", _HISTORIES)
"""The turns of the second request, by endpoint."""
CALLS: Final = {call.name: call for call in GENERATING_CALLS if call.dialect.capabilities.conversation}
"""A protocol without turns has no tools."""


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("name", CALLS)
def test_agent_loop_over_http_ends_with_a_text(name: str, stream: bool) -> None:
    call, server = CALLS[name], VirtualServer(RULES)

    def turn(messages: list[dict[str, Any]] | None) -> Any:
        neutral = NeutralRequest(user="Weather?", messages=messages, tools=(LOOK,), stream=stream)
        wire = call.dialect.build_request(neutral)
        path, _, query = wire.path.partition("?")
        response = server.respond(ClientRequest(path, dumps(wire.body), wire.method, query, wire.headers))
        assert response.status == 200, response.bytes
        assert response.streamed is stream
        return call.dialect.decode(response.planned.plan)

    first = turn(None)
    assert [(built.name, built.arguments) for built in first.calls] == [("look", ARGUMENTS)]
    last = turn(HISTORIES[call.endpoint](next(iter(first.tools_by_call_id), "call_1")))
    assert (last.text, last.calls) == (TEXT, ())
    assert last.chunks is None or len(last.chunks) > 1


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_agent_loop_over_interactions_ends_with_a_text(stream: bool) -> None:
    wire = Interacting(RULES)

    def turn(input: Json, **more: Json) -> Any:
        fields: Any = {"tools": [{"type": "function", "name": "look", "parameters": SCHEMA}], **more}
        if not stream:
            return wire.create(input, **fields)
        created, *_, done = wire.stream(input, **fields)
        assert done["event_type"] == "interaction.completed"
        return wire.get(created["interaction"]["id"])

    first = turn("Weather?")
    (call,) = (step for step in first["steps"] if step["type"] == "function_call")
    assert (call["name"], call["arguments"]) == ("look", ARGUMENTS)
    result = {"type": "function_result", "call_id": call["id"], "name": "look", "result": RESULT}
    last = turn([result], previous_interaction_id=first["id"])
    assert last["steps"][-1]["content"][0]["text"] == TEXT


def _responses_socket() -> tuple[tuple[str, Any], str]:
    socket = VirtualSocket(RULES, "/v1/responses")
    tools = [{"type": "function", "name": "look", "parameters": SCHEMA, "strict": False}]
    requested = {"type": "response.create", "model": "gpt-5", "tools": tools}
    first = socket.send({**requested, "input": "Weather?"})[-1]["response"]
    (call,) = (item for item in first["output"] if item["type"] == "function_call")
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": dumps(RESULT).decode()}
    done = socket.send({**requested, "input": [result], "previous_response_id": first["id"]})
    deltas = [event["delta"] for event in done if event["type"] == "response.output_text.delta"]
    return (call["name"], call["arguments"]), "".join(deltas)


def _realtime() -> tuple[tuple[str, Any], str]:
    socket = VirtualSocket(RULES, "/v1/realtime", "model=gpt-realtime")
    tools = [{"type": "function", "name": "look", "parameters": SCHEMA}]
    socket.send({"type": "session.update", "session": {"tools": tools, "output_modalities": ["text"]}})
    content = [{"type": "input_text", "text": "Weather?"}]
    item = {"type": "message", "role": "user", "content": content}
    socket.send({"type": "conversation.item.create", "item": item})
    first = socket.send({"type": "response.create"})[-1]["response"]
    (call,) = (item for item in first["output"] if item["type"] == "function_call")
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": dumps(RESULT).decode()}
    socket.send({"type": "conversation.item.create", "item": result})
    done = socket.send({"type": "response.create"})
    deltas = [event["delta"] for event in done if event["type"] == "response.output_text.delta"]
    return (call["name"], call["arguments"]), "".join(deltas)


def _live(path: str) -> tuple[tuple[str, Any], str]:
    socket = VirtualSocket(RULES, path)
    declared = {"functionDeclarations": [{"name": "look", "parameters": SCHEMA}]}
    setup = {"model": "models/m", "generationConfig": {"responseModalities": ["TEXT"]}, "tools": [declared]}
    assert socket.send({"setup": setup}) == [{"setupComplete": {}}]
    turns = [{"role": "user", "parts": [{"text": "Weather?"}]}]
    first = socket.send({"clientContent": {"turns": turns, "turnComplete": True}})
    (message,) = (message for message in first if "toolCall" in message)
    (call,) = message["toolCall"]["functionCalls"]
    result = {"id": call["id"], "name": "look", "response": RESULT}
    done = socket.send({"toolResponse": {"functionResponses": [result]}})
    return (call["name"], dumps(call["args"]).decode()), live_text(done)


SOCKETS: Final[dict[str, Callable[[], tuple[tuple[str, Any], str]]]] = {
    "openai-responses": _responses_socket,
    "openai-realtime": _realtime,
    "gemini-live": lambda: _live(GEMINI),
    "vertex-live": lambda: _live(VERTEX),
}


@pytest.mark.parametrize("name", SOCKETS)
def test_agent_loop_over_a_socket_ends_with_a_text(name: str) -> None:
    assert SOCKETS[name]() == (("look", dumps(ARGUMENTS).decode()), TEXT)
