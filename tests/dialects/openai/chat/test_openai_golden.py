"""OpenAI's wire bytes, compared with golden files."""

from __future__ import annotations

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Choice, Finish, Refusal, Reply, Text, Thinking, ToolCall, Usage
from mockllm.dialects.openai.chat.dialect import CHAT
from tests.dialects.openai.chat.chat_requests import IDENTITY, chat
from tests.golden.wire import assert_golden

WEATHER = ToolCall("get_weather", ('{"city":', '"Paris"', "}"))
USAGE = Usage(12, 7, cache_read=4, reasoning=2)
TOOL: Json = {"type": "function", "function": {"name": "get_weather"}}


def make_reply(*parts: Text | ToolCall | Thinking | Refusal, finish: Finish = "stop") -> Reply:
    return Reply((Choice(parts, finish),), USAGE)


REPLIES: dict[str, tuple[Reply, dict[str, Json]]] = {
    "text": (make_reply(Text(("Hello", " there", "!"))), {}),
    "text-usage": (make_reply(Text(("Hello",))), {"stream_options": {"include_usage": True}}),
    "text-unpadded": (make_reply(Text(("Hello",))), {"stream_options": {"include_obfuscation": False}}),
    "thinking": (make_reply(Thinking(("hidden",)), Text(("Seen",))), {"model": "gpt-5"}),
    "call": (make_reply(WEATHER, finish="tool_calls"), {}),
    "calls": (make_reply(WEATHER, ToolCall("now", ("{}",), "call_given"), finish="tool_calls"), {}),
    "text-and-calls": (make_reply(Text(("Let me look.",)), WEATHER, finish="tool_calls"), {}),
    "forced-call": (
        make_reply(WEATHER, finish="tool_calls"),
        {"tools": [TOOL], "tool_choice": TOOL},
    ),
    "refusal": (make_reply(Refusal(("I can", "not.")), finish="refusal"), {}),
    "two-choices": (Reply((Choice((Text(("A", "B")),)), Choice((Text(("C",)),), "length")), USAGE), {"n": 2}),
}
STREAMED_ONLY = ("text-usage", "text-unpadded")
"""What these ask for changes streams alone."""
FAILURES: dict[str, Failure] = {
    "rate-limit": Failure("rate_limit", retry_after=20.0),
    "server-error": Failure("server_error"),
    "model-not-found": Failure("model_not_found"),
    "bad-request": Failure("bad_request", message="No.", fields={"param": "n", "code": "invalid_value"}),
}


@pytest.mark.parametrize("name", [name for name in REPLIES if name not in STREAMED_ONLY])
def test_chat_body_equals_golden_file(name: str) -> None:
    reply, fields = REPLIES[name]
    assert_golden(f"openai/chat-{name}.txt", CHAT.encode_body(reply, chat(**fields), IDENTITY))


@pytest.mark.parametrize("name", REPLIES)
def test_chat_stream_equals_golden_file(name: str) -> None:
    reply, fields = REPLIES[name]
    assert_golden(
        f"openai/chat-{name}-stream.txt", CHAT.encode_stream(reply, chat(**fields, stream=True), IDENTITY)
    )


@pytest.mark.parametrize("name", FAILURES)
def test_error_for_streaming_request_is_plain_json(name: str) -> None:
    for stream in (False, True):
        plan = CHAT.error(FAILURES[name], chat(stream=stream), IDENTITY)
        assert_golden(f"openai/error-{name}.txt", plan)
        assert not plan.streamed


def test_error_inside_a_stream_equals_golden_file() -> None:
    broken = Reply((Choice((Text(("Hel", "lo")),)),), failure=Failure("overloaded", message="Too busy."))
    assert_golden("openai/chat-error-in-stream.txt", CHAT.encode_stream(broken, chat(stream=True), IDENTITY))
