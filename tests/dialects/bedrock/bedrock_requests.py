"""Requests, a stamp and parsed responses for the tests of Amazon Bedrock's protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.router import RouteMatch, find_route

IDENTITY = ResponseIdentity(Ids(0, "", 1), 1_760_000_000.9)
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
MINIMAL: Mapping[str, Json] = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
MESSAGES: Mapping[str, Json] = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 99,
    "messages": [{"role": "user", "content": "hi"}],
}


def request_of(path: str, raw: bytes = b"", method: str = "POST", query: str = "") -> Request:
    """A request to a path, as the server reads it."""
    match = find_route(method, path, {}, query)
    assert isinstance(match, RouteMatch)
    assert match.provider == "bedrock"
    return match.dialect.request_class(
        method=method,
        path=match.path,
        headers={},
        raw=raw,
        query_string=query,
        provider=match.provider,
        path_variables=match.path_variables,
    )


def converse(*, model: str = CLAUDE, stream: bool = False, **fields: Json) -> Request:
    call = "converse-stream" if stream else "converse"
    return request_of(f"/model/{model}/{call}", dumps({**MINIMAL, **fields}))


def invoke(body: Mapping[str, Json] = MESSAGES, *, model: str = CLAUDE, stream: bool = False) -> Request:
    call = "invoke-with-response-stream" if stream else "invoke"
    return request_of(f"/model/{model}/{call}", dumps(dict(body)))


def objects_of(plan: Plan) -> list[Any]:
    """The parsed events of a response, or its body."""
    return [loads(data) for data, _ in events(plan)]


def body_of(plan: Plan) -> Any:
    (body,) = objects_of(plan)
    return body
