"""Anthropic's wire bytes, compared with golden files."""

from __future__ import annotations

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import (
    Choice,
    Citation,
    Finish,
    NativePart,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from mockllm.dialects.anthropic.messages import MESSAGES
from tests.dialects.anthropic.messages_requests import IDENTITY, messages
from tests.golden.wire import assert_golden

WEATHER = ToolCall("get_weather", ('{"city":', '"Paris"', "}"))
SEARCH: Json = {
    "type": "server_tool_use",
    "id": "srvtoolu_1",
    "name": "web_search",
    "input": {"query": "news"},
}
FOUND: Json = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
CITED: Json = {
    "type": "text",
    "text": "So it is.",
    "citations": [{"type": "char_location", "cited_text": "x"}],
}
USAGE = Usage(12, 7, cache_read=4, cache_write=3, reasoning=2)


def make_reply(*parts: Part, finish: Finish = "stop", stopped_by: str | None = None) -> Reply:
    return Reply((Choice(parts, finish, stopped_by),), USAGE)


def natives(*blocks: Json) -> tuple[NativePart, ...]:
    return tuple(NativePart("anthropic", block) for block in blocks)


REPLIES: dict[str, tuple[Reply, dict[str, Json]]] = {
    "text": (make_reply(Text(("Hello", " there", "!"))), {}),
    "older-model": (make_reply(Text(("Hello",))), {"model": "claude-haiku-4-5"}),
    "thinking": (make_reply(Thinking(("Let me", " see.")), Text(("Seen.",))), {}),
    "thinking-omitted": (
        make_reply(Thinking(("Let me", " see."), "c2VhbGVk"), Text(("Seen.",))),
        {"thinking": {"type": "adaptive", "display": "omitted"}},
    ),
    "thinking-redacted": (make_reply(Thinking((), redacted=True), Text(("Seen.",))), {}),
    "tool-use": (make_reply(WEATHER, finish="tool_calls"), {}),
    "text-and-tools": (
        make_reply(
            Text(("Let me look.",)), WEATHER, ToolCall("now", ("{}",), "toolu_given"), finish="tool_calls"
        ),
        {},
    ),
    "stop-sequence": (make_reply(Text(("Hello",)), stopped_by="END"), {}),
    "max-tokens": (make_reply(Text(("Hello",)), finish="length"), {}),
    "refusal": (make_reply(Refusal(("I can", "not."))), {}),
    "cited": (
        make_reply(
            Text(
                ("Water", " boils", "."), citations=(Citation("https://a.example", "A", "It boils.", 0, 11),)
            ),
        ),
        {},
    ),
    "server-tool": (make_reply(*natives(SEARCH, FOUND, CITED)), {}),
}
FAILURES: dict[str, Failure] = {
    "bad-request": Failure("bad_request", message="max_tokens: Field required"),
    "authentication": Failure("authentication"),
    "insufficient-quota": Failure("insufficient_quota"),
    "model-not-found": Failure("model_not_found"),
    "request-too-large": Failure("request_too_large"),
    "rate-limit": Failure("rate_limit", retry_after=16.0),
    "overloaded": Failure("overloaded", fields={"details": {"error_code": "busy"}}),
}


@pytest.mark.parametrize("name", REPLIES)
def test_messages_body_equals_golden_file(name: str) -> None:
    reply, fields = REPLIES[name]
    assert_golden(f"anthropic/{name}.txt", MESSAGES.encode_body(reply, messages(**fields), IDENTITY))


@pytest.mark.parametrize("name", REPLIES)
def test_messages_stream_equals_golden_file(name: str) -> None:
    reply, fields = REPLIES[name]
    assert_golden(
        f"anthropic/{name}-stream.txt",
        MESSAGES.encode_stream(reply, messages(**fields, stream=True), IDENTITY),
    )


@pytest.mark.parametrize("name", FAILURES)
def test_error_for_streaming_request_is_plain_json(name: str) -> None:
    for stream in (False, True):
        plan = MESSAGES.error(FAILURES[name], messages(stream=stream), IDENTITY)
        assert_golden(f"anthropic/error-{name}.txt", plan)
        assert not plan.streamed


def test_error_inside_a_stream_equals_golden_file() -> None:
    broken = Reply((Choice((Text(("Hel", "lo")),)),), failure=Failure("overloaded"))
    assert_golden(
        "anthropic/error-in-stream.txt", MESSAGES.encode_stream(broken, messages(stream=True), IDENTITY)
    )
