"""A Live session without a socket, and what tests read of its messages."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

from tests.dialects.virtual_socket import VirtualSocket

GEMINI = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
VERTEX = "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent"
RULES = """
rules:
  - {name: heard, match: {api: transcription, model: scripted}, http: {body: Stop that.}}
  - {name: closed, match: {api: live_setup, model: closed}, error: authentication}
  - name: one
    match: {tools: look, user: two, tool_result: {exists: false}}
    reply: {tool_calls: [{name: look, id: c1}, {name: slow}]}
  - {name: call, match: {tools: look, tool_result: {exists: false}}, reply: {tool_calls: [{name: look, id: c1}]}}
  - {name: seen, match: {tools: look}, reply: "I see {{ tool_result.text }}."}
  - {name: bare, match: {user: bare}, reply: {tool_calls: [{name: unknown, arguments: "{"}]}}
  - {name: limited, match: {user: limit}, error: rate_limit}
  - {name: missed, match: {user: missing}, error: {type: not_found, message: Gone}}
  - {name: broken, match: {user: broken}, reply: {chunks: [One, {error: overloaded}]}}
  - {name: unended, match: {user: unended}, reply: One, faults: [no_finish]}
  - {name: filtered, match: {user: filtered}, reply: {text: One, finish_reason: content_filter}}
  - {name: odd, match: {user: odd}, http: {body: "no JSON"}}
  - {name: other, match: {user: other}, http: {body: "[]"}}
  - {name: thought, match: {user: thought}, reply: {thinking: Hm, text: One}}
  - name: away
    match: {user: away}
    reply: {text: One, extras: {gemini: {goAway: {timeLeft: 10s}}}}
  - name: counted
    match: {user: counted}
    reply: {text: One, usage: {cached_tokens: 2, reasoning_tokens: 3, output_tokens: 5}}
  - {name: slow, match: {user: slow}, reply: One two, pace: {itl: 1s}}
  - {name: echo, reply: "{{ user }}! Turn {{ turn }}."}
"""
SOUND, QUIET = (urlsafe_b64encode(data * 16 * 700).decode() for data in (b"\xfb\x3f", b"\0\0"))
LOOK: list[Any] = [{"functionDeclarations": [{"name": "look"}, {"name": "slow"}]}]
TEXT = {"responseModalities": ["TEXT"]}


class LiveSocket(VirtualSocket):
    def __init__(self, path: str = GEMINI, *, open: bool = True, rules: str = RULES, **setup: Any) -> None:
        super().__init__(rules, path)
        if open:
            self.set_up(**setup)

    def set_up(self, **setup: Any) -> list[Any]:
        wanted = {"model": "models/m", "generationConfig": TEXT, **setup}
        return self.send({"setup": {name: value for name, value in wanted.items() if value is not None}})

    def say(self, text: str, *, after: float = 0.0, **more: Any) -> list[Any]:
        turns = [{"role": "user", "parts": [{"text": text}]}]
        return self.send({"clientContent": {"turns": turns, "turnComplete": True, **more}}, after)

    def hear(self, *audio: str, after: float = 0.0, mime: str = "audio/pcm;rate=16000") -> list[Any]:
        return [
            message
            for part in audio
            for message in self.send({"realtimeInput": {"audio": {"data": part, "mimeType": mime}}}, after)
        ]

    def results(self, *ids: str, **more: Any) -> list[Any]:
        found = [{"id": id, "name": "look", "response": {"output": "a cat"}, **more} for id in ids]
        return self.send({"toolResponse": {"functionResponses": found}})


def text(messages: list[Any]) -> str:
    parts = [
        part
        for message in messages
        for part in message.get("serverContent", {}).get("modelTurn", {}).get("parts", ())
    ]
    return "".join(part.get("text", "") for part in parts)


def kinds(messages: list[Any]) -> list[str]:
    return [name for message in messages for name in (message.get("serverContent") or message)]
