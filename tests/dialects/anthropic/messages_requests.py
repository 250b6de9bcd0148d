"""Requests, stamps and parsed streams for the tests of Anthropic's messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Reply
from mockllm.dialects.anthropic.messages import MESSAGES
from mockllm.dialects.anthropic.messages_request import MessagesRequest
from mockllm.dialects.dialect import ResponseIdentity

IDENTITY = ResponseIdentity(Ids(0, "", 1), 1_760_000_000.9)
MINIMAL: Mapping[str, Json] = {
    "model": "claude-sonnet-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hi"}],
}
GOOD: dict[str, Any] = {**MINIMAL, "model": "claude-sonnet-4-5"}
EMPTY_USER = "user messages must have non-empty content"


def messages(body: Json = None, headers: Mapping[str, str] | None = None, **fields: Json) -> MessagesRequest:
    """A request of this body, or of the minimal one with these fields."""
    return of_bytes(dumps({**MINIMAL, **fields} if body is None else body), headers)


def of_bytes(raw: bytes, headers: Mapping[str, str] | None = None) -> MessagesRequest:
    return MessagesRequest(method="POST", path="/v1/messages", headers=headers or {}, raw=raw)


def refusal_message(body: Any) -> str | None:
    """Return the message with which the check refuses a body; None where it accepts it."""
    failure = MESSAGES.check(messages(body))
    if failure is None:
        return None
    assert failure.type == "bad_request"
    return failure.message


def body_of(plan: Plan) -> Any:
    """Return the parsed body of a non-streaming response."""
    (step,) = plan.steps
    assert isinstance(step, EventStep)
    return loads(step.payload)


def events_of(plan: Plan) -> list[Any]:
    """Return the payloads of a stream's events; the name of each event is its payload's type."""
    match = []
    for step in plan.steps:
        if isinstance(step, EventStep):
            payload = loads(step.payload)
            assert step.event == payload["type"]
            match.append(payload)
    return match


def encode_stream(reply: Reply, **fields: Any) -> list[Any]:
    return events_of(MESSAGES.encode_stream(reply, messages(stream=True, **fields), IDENTITY))


def encode_body(reply: Reply, **fields: Any) -> Any:
    return body_of(MESSAGES.encode_body(reply, messages(**fields), IDENTITY))
