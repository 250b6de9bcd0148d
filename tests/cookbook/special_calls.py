"""Calls of cookbook entries that are no single generating request: sessions, other calls, and calls in a row."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from tests.dialects.mcp.messages import ToolClient, rpc
from tests.dialects.virtual_socket import VirtualSocket
from tests.language.virtual_server import (
    NOW,
    ClientRequest,
    VirtualServer,
    chat_request,
    claude_request,
    models_request,
    raw_request,
)

LONG: Final = "You book trains. Ask for the day and the place. " * 200
"""A beginning of prompts that caches hold."""
_BOUNDARY: Final = "edge"
_BATCHES: Final = "/v1/messages/batches"
_VERSION: Final = {"anthropic-version": "2023-06-01"}


def _realtime_messages(scenario: str) -> str:
    """The messages of a realtime session that gets six seconds of silence; its first response runs for a second."""
    socket = VirtualSocket(scenario, "/v1/realtime", "model=m")
    audio = {"type": "input_audio_buffer.append", "audio": b64encode(b"\0" * 96_000).decode()}
    socket.held.add("response.create")
    messages = [*socket.send(audio), *socket.send(audio, after=1.0)]
    socket.held.clear()
    return "\n".join(map(json.dumps, [*messages, *socket.send(audio)]))


def _vectors(scenario: str) -> str:
    body = {"model": "text-embedding-3-small", "input": ["hi", "hello", "bye"], "encoding_format": "float"}
    found = VirtualServer(scenario).respond(raw_request("/v1/embeddings", body)).json["data"]
    return "\n".join(str([round(number, 2) for number in each["embedding"]]) for each in found)


def _transcript(scenario: str) -> str:
    """The response to a form with a file."""
    fields = (("model", "", "whisper-1"), ("file", '; filename="a.wav"', "RIFF"))
    parts = [
        f'--{_BOUNDARY}\r\ncontent-disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'
        for name, more, value in fields
    ]
    head = {"content-type": f"multipart/form-data; boundary={_BOUNDARY}"}
    sent = raw_request("/v1/audio/transcriptions", "".join(parts) + f"--{_BOUNDARY}--\r\n", headers=head)
    return VirtualServer(scenario).respond(sent).bytes.decode()


def _background_states(scenario: str) -> str:
    """What a client reads of a background response, three times."""
    server = VirtualServer(scenario)
    body = {"model": "gpt-4o", "input": "hi", "background": True}
    created = server.respond(raw_request("/v1/responses", body)).json
    get = raw_request(f"/v1/responses/{created['id']}", method="GET")
    return " ".join([created["status"], *(server.respond(get).json["status"] for _ in range(3))])


def _batch_results(scenario: str) -> str:
    """The results of a batch of two messages."""
    server = VirtualServer(scenario)
    params = {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    body = {"requests": [{"custom_id": name, "params": params} for name in ("one", "two")]}
    id = server.respond(raw_request(_BATCHES, body, headers=_VERSION)).json["id"]
    later = NOW + 24 * 3600
    get = raw_request(f"{_BATCHES}/{id}/results", method="GET", headers=_VERSION, now=later)
    return server.respond(get).bytes.decode()


def _empty_vectors(scenario: str) -> str:
    body = {"model": "text-embedding-3-small", "input": "hi", "encoding_format": "base64"}
    return VirtualServer(scenario).respond(raw_request("/v1/embeddings", body)).bytes.decode()


def _models(scenario: str) -> str:
    return VirtualServer(scenario).respond(models_request()).bytes.decode()


def _picture_in_a_result(scenario: str) -> str:
    """The responses of OpenRouter to a tool's result with an image, and to one without."""
    call = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    server = VirtualServer(scenario)
    found = []
    for content in ([image], "seen"):
        result = {"role": "tool", "tool_call_id": "a", "content": content}
        body = {"model": "openai/gpt-4o", "messages": [*turns, result]}
        response = server.respond(raw_request("/openrouter/api/v1/chat/completions", body))
        found.append(f"HTTP {response.status} {response.bytes.decode()}")
    return "\n".join(found)


def _forced_calls(scenario: str) -> str:
    """The responses to three requests that force a call."""
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    server = VirtualServer(scenario)
    sent = chat_request(tools=[tool], tool_choice="required")
    return "\n".join(server.respond(sent).bytes.decode() for _ in range(3))


def _keys_later(scenario: str) -> str:
    """The statuses of a key now and after 20 minutes, and of another key then."""
    server = VirtualServer(scenario)
    times = (("a", NOW), ("a", NOW + 1200), ("b", NOW + 1200))
    return " ".join(str(server.respond(chat_request(key=key, now=now)).status) for key, now in times)


def _lost_session(scenario: str) -> str:
    """The statuses of three calls of one MCP session, and of one of the next session."""
    client = ToolClient(scenario, path="/mcp/shop")
    statuses = [client.call("hours").status for _ in range(3)]
    client.session = client.server.respond(
        rpc("initialize", {"protocolVersion": "2025-06-18"}, path="/mcp/shop")
    ).headers["mcp-session-id"]
    return " ".join(map(str, [*statuses, client.call("hours").status]))


def _extra_field(sent: ClientRequest) -> Callable[[str], str]:
    """The response to a request with a field more."""
    body = json.dumps({**json.loads(sent.body), "thinking_budget": 9}).encode()

    def responded(scenario: str) -> str:
        received = VirtualServer(scenario).respond(replace(sent, body=body))
        return f"HTTP {received.status} {received.message}"

    return responded


SPECIAL: Final[Mapping[str, Callable[[str], str]]] = {
    "openai-chat extra": _extra_field(chat_request()),
    "anthropic-messages extra": _extra_field(claude_request()),
    "gemini-generate extra": _extra_field(
        raw_request("/v1beta/models/gemini-2.5-flash:generateContent", {"contents": []})
    ),
    "openai-realtime": _realtime_messages,
    "openai-embeddings": _vectors,
    "openai-embeddings base64": _empty_vectors,
    "openai-models": _models,
    "openrouter-chat picture": _picture_in_a_result,
    "openai-chat forced": _forced_calls,
    "openai-chat later": _keys_later,
    "mcp-session": _lost_session,
    "openai-transcriptions": _transcript,
    "openai-background": _background_states,
    "anthropic-batches": _batch_results,
}
"""By name: what a person would see of these calls."""
