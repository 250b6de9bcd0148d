"""Requests, stamps and parsed responses for the tests of Google's protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.generate_request import GenerateRequest
from mockllm.dialects.router import RouteMatch, find_route

IDENTITY = ResponseIdentity(Ids(0, "", 1), 1_760_000_000.9)
MINIMAL: Mapping[str, Json] = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
VERTEX = "/v1beta1/projects/p/locations/global/publishers/google"


def generate(
    body: Json = None,
    *,
    model: str = "gemini-3.5-flash",
    base: str = "/v1beta",
    stream: bool = False,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    **fields: Json,
) -> GenerateRequest:
    """A request of this body, or of the minimal one with these fields."""
    raw = dumps({**MINIMAL, **fields} if body is None else body)
    return of_bytes(raw, model=model, base=base, stream=stream, query=query, headers=headers)


def of_bytes(
    raw: bytes,
    *,
    model: str = "gemini-3.5-flash",
    base: str = "/v1beta",
    stream: bool = False,
    query: str = "",
    headers: Mapping[str, str] | None = None,
) -> GenerateRequest:
    path = f"{base}/models/{model}:{'streamGenerateContent' if stream else 'generateContent'}"
    headers = {"x-goog-api-key": "key"} if headers is None else headers
    match = find_route("POST", path, headers, query)
    assert isinstance(match, RouteMatch)
    return GenerateRequest(
        method="POST",
        path=match.path,
        headers=headers,
        raw=raw,
        query_string=query,
        path_variables=match.path_variables,
        provider=match.provider,
    )


def objects_of(plan: Plan) -> list[Any]:
    """Return the parsed events of a response, or its body."""
    return [loads(data) for data, _ in events(plan)]


def body_of(plan: Plan) -> Any:
    """Return the parsed body of a non-streaming response."""
    (body,) = objects_of(plan)
    return body
