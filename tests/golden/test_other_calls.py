"""The bytes of the calls beside those that generate, and of WebSockets, in files below `calls` and `sockets`."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.dialects.gemini.live.live_socket import GEMINI, VERTEX
from tests.dialects.virtual_socket import VirtualSocket
from tests.golden.other_calls import RULES, WIRES, Step
from tests.golden.wire import HERE, assert_golden, assert_golden_bytes
from tests.language.virtual_server import NOW, ClientRequest, VirtualServer

SOCKET_RULES = """
rules:
  - {match: {tools: look, tool_result: {exists: false}}, reply: {tool_calls: [{name: look, arguments: {a: 1}}]}}
  - {match: {user: limited}, error: rate_limit}
  - {reply: Hi.}
  - match: {api: handshake, query: {model: scripted}}
    reply: {user_speech: [{start: 20ms, stop: 40ms, transcript: Hello.}]}
"""
QUIET = base64.b64encode(b"\xff" * 8 * 100).decode()
"""100 ms of silence in G.711."""
LOOK: Any = {"type": "function", "name": "look", "parameters": {"type": "object"}}
DECLARED: Any = [{"functionDeclarations": [{"name": "look"}]}]


def user(text: str) -> Any:
    content = [{"type": "input_text", "text": text}]
    return {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": content},
    }


def turn(text: str) -> Any:
    return {"clientContent": {"turns": [{"role": "user", "parts": [{"text": text}]}], "turnComplete": True}}


def setup(modality: str, **more: Any) -> Any:
    return {"setup": {"model": "models/m", "generationConfig": {"responseModalities": [modality]}, **more}}


SOCKETS: dict[str, tuple[str, str, list[Any]]] = {
    "openai-responses": (
        "/v1/responses",
        "",
        [
            {"type": "response.create", "model": "gpt-5", "input": "hi"},
            {"type": "response.create", "model": "gpt-5", "input": "limited"},
            {
                "type": "response.create",
                "model": "gpt-5",
                "input": "hi",
                "tools": [{**LOOK, "strict": False}],
            },
            {"type": "nope"},
        ],
    ),
    "openai-realtime-text": (
        "/v1/realtime",
        "model=gpt-realtime",
        [
            {"type": "session.update", "session": {"output_modalities": ["text"]}},
            user("hi"),
            {"type": "response.create"},
            user("limited"),
            {"type": "response.create"},
            {"type": "response.create", "response": {"tools": [LOOK]}},
            {"type": "nope"},
        ],
    ),
    "openai-realtime-audio": (
        "/v1/realtime",
        "model=gpt-realtime",
        [user("hi"), {"type": "response.create"}],
    ),
    "openai-realtime-speech": (
        "/v1/realtime",
        "model=scripted",
        [
            {
                "type": "session.update",
                "session": {
                    "output_modalities": ["text"],
                    "audio": {
                        "input": {
                            "format": {"type": "audio/pcmu"},
                            "transcription": {"model": "whisper-1"},
                            "turn_detection": {"type": "server_vad", "silence_duration_ms": 40},
                        }
                    },
                },
            },
            {"type": "input_audio_buffer.append", "audio": QUIET},
        ],
    ),
    "gemini-live-text": (GEMINI, "", [setup("TEXT"), turn("hi"), turn("limited")]),
    "gemini-live-call": (GEMINI, "", [setup("TEXT", tools=DECLARED), turn("hi")]),
    "vertex-live-audio": (VERTEX, "", [setup("AUDIO", outputAudioTranscription={}), turn("hi")]),
}


def filled(value: str, stored: dict[str, str]) -> str:
    for name, found in stored.items():
        value = value.replace(f"<{name}>", found)
    return value


def sent(step: Step, stored: dict[str, str]) -> ClientRequest:
    body = step.body
    if not isinstance(body, bytes):
        body = b"" if body is None else filled(json.dumps(body), stored).encode()
    path = filled(step.path, stored)
    return ClientRequest(path, body, step.method, headers=step.headers, now=NOW + step.after)


@pytest.mark.parametrize("wire", WIRES)
def test_other_calls_equal_golden_files(wire: str) -> None:
    server, stored = VirtualServer(RULES), dict[str, str]()
    for step in WIRES[wire]:
        response = server.respond(sent(step, stored))
        assert_golden(f"calls/{wire}/{step.golden}.txt", response.planned.plan)
        if step.stores is not None:
            name, path = step.stores
            found = response.json
            for member in path.split("."):
                found = found[member]
            stored[name] = found


@pytest.mark.parametrize("name", SOCKETS)
def test_socket_messages_equal_golden_files(name: str) -> None:
    path, query, messages = SOCKETS[name]
    socket = VirtualSocket(SOCKET_RULES, path, query)
    lines = [json.dumps(message) for message in socket.opening]
    for message in messages:
        lines.append(f"> {json.dumps(message)}")
        lines += [json.dumps(event, ensure_ascii=False) for event in socket.send(message)]
    lines += [f"closed {code} {reason}" for code, reason in socket.closes]
    assert_golden_bytes(f"sockets/{name}.txt", "\n".join([*lines, ""]).encode())


def test_every_golden_file_has_a_step() -> None:
    calls = {f"calls/{wire}/{step.golden}.txt" for wire, steps in WIRES.items() for step in steps}
    files = {
        file.relative_to(HERE).as_posix()
        for folder in ("calls", "sockets")
        for file in (HERE / folder).rglob("*.txt")
    }
    assert files == calls | {f"sockets/{name}.txt" for name in SOCKETS}
