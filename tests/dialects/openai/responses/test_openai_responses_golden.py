"""The wire bytes of OpenAI's responses, compared with golden files."""

from __future__ import annotations

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import (
    Choice,
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
from mockllm.dialects.openai.responses.dialect import RESPONSES
from tests.dialects.openai.chat.chat_requests import IDENTITY
from tests.dialects.openai.responses.responses_requests import responses
from tests.golden.wire import assert_golden

WEATHER = ToolCall("get_weather", ('{"city":', '"Paris"', "}"))
USAGE = Usage(12, 7, cache_read=4, reasoning=2)
TOOL: Json = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
FORMAT: Json = {"type": "json_schema", "name": "city", "schema": {"type": "object"}, "strict": True}
SEARCH: Json = {
    "id": "ws_1",
    "type": "web_search_call",
    "status": "completed",
    "action": {"type": "search", "query": "Paris"},
}


def make_reply(*parts: Part, finish: Finish = "stop") -> Reply:
    return Reply((Choice(parts, finish),), USAGE)


REPLIES: dict[str, tuple[Reply, dict[str, Json]]] = {
    "text": (make_reply(Text(("Hello", " there", "!"))), {}),
    "text-unpadded": (make_reply(Text(("Hello",))), {"stream_options": {"include_obfuscation": False}}),
    "thinking": (make_reply(Thinking(("Let", " me see.")), Text(("Seen",))), {"model": "gpt-5"}),
    "call": (make_reply(WEATHER, finish="tool_calls"), {"tools": [TOOL]}),
    "calls": (make_reply(WEATHER, ToolCall("now", ("{}",), "call_given"), finish="tool_calls"), {}),
    "phases": (
        make_reply(Text(("Let me look.",)), WEATHER, finish="tool_calls"),
        {"model": "gpt-5.4", "tools": [TOOL]},
    ),
    "structured": (make_reply(Text(('{"city":', '"Paris"}'))), {"text": {"format": FORMAT}}),
    "refusal": (make_reply(Refusal(("I can", "not.")), finish="refusal"), {}),
    "max-tokens": (make_reply(Text(("Hel",)), finish="length"), {"max_output_tokens": 16}),
    "server-tool": (
        make_reply(NativePart("openai", SEARCH), Text(("Sunny.",))),
        {"tools": [{"type": "web_search"}]},
    ),
}
STREAMED_ONLY = ("text-unpadded",)
"""What these ask for changes streams alone."""
FAILURES: dict[str, Failure] = {
    "authentication": Failure("authentication"),
    "rate-limit": Failure("rate_limit", retry_after=20.0),
    "server-error": Failure("server_error"),
    "model-not-found": Failure("model_not_found"),
    "bad-request": Failure("bad_request", message="No.", fields={"param": "input", "code": "invalid_value"}),
}


@pytest.mark.parametrize("name", [name for name in REPLIES if name not in STREAMED_ONLY])
def test_responses_body_equals_golden_file(name: str) -> None:
    reply, fields = REPLIES[name]
    assert_golden(f"openai/responses-{name}.txt", RESPONSES.encode_body(reply, responses(**fields), IDENTITY))


@pytest.mark.parametrize("name", REPLIES)
def test_responses_stream_equals_golden_file(name: str) -> None:
    reply, fields = REPLIES[name]
    plan = RESPONSES.encode_stream(reply, responses(**fields, stream=True), IDENTITY)
    assert_golden(f"openai/responses-{name}-stream.txt", plan)


@pytest.mark.parametrize("name", FAILURES)
def test_error_for_streaming_request_is_plain_json(name: str) -> None:
    for stream in (False, True):
        request = responses(None, {"authorization": "Bearer sk-0123456789abcdef"}, stream=stream)
        plan = RESPONSES.error(FAILURES[name], request, IDENTITY)
        assert_golden(f"openai/responses-error-{name}.txt", plan)
        assert not plan.streamed


def test_error_inside_a_stream_equals_golden_file() -> None:
    broken = Reply(
        (Choice((Text(("Whole.",)), Text(("Hel", "lo")))),),
        failure=Failure("overloaded", message="Too busy."),
    )
    assert_golden(
        "openai/responses-error-in-stream.txt",
        RESPONSES.encode_stream(broken, responses(stream=True), IDENTITY),
    )
