"""Requests for the tests of OpenAI's responses."""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.core.json.codec import Json, dumps
from mockllm.dialects.openai.responses.request import ResponsesRequest

SIMPLE: Mapping[str, Json] = {"model": "gpt-4o", "input": "hi"}


def responses(
    body: Json = None, headers: Mapping[str, str] | None = None, **fields: Json
) -> ResponsesRequest:
    """A request of this body, or of the minimal one with these fields."""
    return of_bytes(dumps({**SIMPLE, **fields} if body is None else body), headers)


def of_bytes(raw: bytes, headers: Mapping[str, str] | None = None) -> ResponsesRequest:
    return ResponsesRequest(method="POST", path="/v1/responses", headers=headers or {}, raw=raw)
