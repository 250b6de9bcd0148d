"""Requests and stamps for the tests of OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.core.json.codec import Json, dumps
from mockllm.core.randomness import Ids
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.request import ChatRequest

IDENTITY = ResponseIdentity(Ids(0, "", 1), 1_760_000_000.9)
MINIMAL: Mapping[str, Json] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


def chat(body: Json = None, headers: Mapping[str, str] | None = None, **fields: Json) -> ChatRequest:
    """A request of this body, or of the minimal one with these fields."""
    raw = dumps({**MINIMAL, **fields} if body is None else body)
    return of_bytes(raw, headers)


def of_bytes(raw: bytes, headers: Mapping[str, str] | None = None) -> ChatRequest:
    return ChatRequest(method="POST", path="/v1/chat/completions", headers=headers or {}, raw=raw)
