"""Any legal reply is a legal stream in every protocol, and the stream has the same content as the non-streaming
response."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.json.codec import dumps, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.encoder import timed_chunks
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.messages import MESSAGES
from mockllm.dialects.dialect import ReplyDialect, ResponseIdentity
from mockllm.dialects.openai.chat.dialect import CHAT
from tests.examples import examples
from tests.properties.orders import DecodedContent, read_chat, read_messages, whole_chat, whole_messages
from tests.properties.replies import any_words, built, unbroken

IDENTITY = ResponseIdentity(Ids(0, "", 1), 1_760_000_000.0)
MINIMAL = {"model": "some-model", "max_tokens": 1000, "messages": [{"role": "user", "content": "hi"}]}


@dataclass(frozen=True)
class Protocol:
    """A dialect with what reads its responses. `count`: how many choices of so many it sends."""

    dialect: ReplyDialect
    streamed: Callable[[Plan, int], DecodedContent]
    whole: Callable[[Plan], DecodedContent]
    count: Callable[[int], int]
    fields: Mapping[str, Any]

    def request(self) -> Request:
        return self.dialect.request_class(
            method="POST", path="/", headers={}, raw=dumps({**MINIMAL, **self.fields})
        )


PROTOCOLS = {
    "OpenAI chat": Protocol(
        CHAT, read_chat, whole_chat, lambda sent: sent, {"stream_options": {"include_usage": True}}
    ),
    "Anthropic messages": Protocol(
        MESSAGES, lambda plan, _: read_messages(plan), whole_messages, lambda _: 1, {}
    ),
}
each_protocol = pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS.keys())
sizes = st.integers(1, 20)


def arguments_read(reported: DecodedContent) -> DecodedContent:
    """Calls with their arguments as JSON: a stream has them as text, and an empty text where there are none."""

    def parsed(text: Any) -> Any:
        return (loads(text) if text else {}) if isinstance(text, str) else text

    choices = [
        (text, other, tuple((name, parsed(arguments)) for name, arguments in calls), finish)
        for text, other, calls, finish in reported.choices
    ]
    return replace(reported, choices=choices)


@each_protocol
@given(word=any_words, size=sizes)
@settings(max_examples=examples(150), deadline=None)
def test_any_legal_reply_is_a_legal_stream(protocol: Protocol, word: dict[str, Any], size: int) -> None:
    request = protocol.request()
    reply = protocol.dialect.supported_reply(built(word, request, size), request)
    plan = protocol.dialect.encode_stream(reply, request, IDENTITY)
    reported = protocol.streamed(plan, protocol.count(len(reply.choices)))
    assert reported.broken == (reply.failure is not None)


@each_protocol
@given(word=any_words, size=sizes)
@settings(max_examples=examples(100), deadline=None)
def test_chunks_are_numbered_as_pace_counts_them(protocol: Protocol, word: dict[str, Any], size: int) -> None:
    request = protocol.request()
    reply = protocol.dialect.supported_reply(built(word, request, size), request)
    plan = protocol.dialect.encode_stream(reply, request, IDENTITY)
    numbers = [step.chunk_number for step in plan.steps]
    assert numbers == sorted(numbers)
    reported = [
        step.chunk_number for step in plan.steps if isinstance(step, EventStep) and step.kind == "chunk"
    ]
    assert sorted(set(reported)) == list(range(1, len(timed_chunks(reply)[0]) + 1))


@each_protocol
@given(word=unbroken, size=sizes)
@settings(max_examples=examples(150), deadline=None)
def test_stream_has_content_of_whole_response(protocol: Protocol, word: dict[str, Any], size: int) -> None:
    request = protocol.request()
    reply = protocol.dialect.supported_reply(built(word, request, size), request)
    streamed = protocol.streamed(
        protocol.dialect.encode_stream(reply, request, IDENTITY), protocol.count(len(reply.choices))
    )
    whole = protocol.whole(protocol.dialect.encode_body(reply, request, IDENTITY))
    assert arguments_read(streamed) == arguments_read(whole)
