"""Bedrock's wire bytes, compared with golden files."""

from __future__ import annotations

import pytest

from mockllm.core.failure import Failure
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
from mockllm.dialects.bedrock.provider import CONVERSE, INVOKE
from tests.dialects.bedrock.bedrock_requests import IDENTITY, converse, invoke
from tests.golden.wire import assert_golden

WEATHER = ToolCall("get_weather", ('{"city":', '"Paris"', "}"))
USAGE = Usage(12, 7, cache_read=4, cache_write=3)
TITLED = Citation("https://a.example/b", "A", "It boils.", 0, 11)


def make_reply(*parts: Part, finish: Finish = "stop", stopped_by: str | None = None) -> Reply:
    return Reply((Choice(parts, finish, stopped_by),), USAGE)


REPLIES: dict[str, Reply] = {
    "text": Reply((Choice((Text(("Hello", " there", "!")),)),), Usage(12, 7)),
    "thinking": make_reply(Thinking(("Let me", " see.")), Text(("Seen.",))),
    "thinking-redacted": make_reply(Thinking((), redacted=True), Text(("Seen.",))),
    "text-and-tools": make_reply(
        Text(("Let me look.",)), WEATHER, ToolCall("now", (), "tooluse_given"), finish="tool_calls"
    ),
    "stop-sequence": make_reply(Text(("Hello",)), stopped_by="END"),
    "refusal": make_reply(Refusal(("I can", "not."))),
    "cited": make_reply(Text(("Water", " boils", "."), citations=(TITLED,))),
    "native": make_reply(NativePart("bedrock", {"image": {"format": "png", "source": {"bytes": "AA=="}}})),
}
BODIES: dict[str, tuple[str, dict[str, str]]] = {
    "nova": ("amazon.nova-lite-v1:0", {}),
    "titan": ("amazon.titan-text-express-v1", {"inputText": "hi"}),
    "llama": ("meta.llama3-3-70b-instruct-v1:0", {"prompt": "hi"}),
    "mistral": ("mistral.mistral-7b-instruct-v0:2", {"prompt": "hi"}),
    "cohere": ("cohere.command-r-v1:0", {"message": "hi"}),
}
FAILURES: dict[str, Failure] = {
    "authentication": Failure("authentication"),
    "model-not-found": Failure("model_not_found"),
    "rate-limit": Failure("rate_limit", retry_after=16.0),
    "overloaded": Failure("overloaded", fields={"resourceName": "x"}),
}
BROKEN = Reply((Choice((Text(("Hel", "lo")),)),), failure=Failure("overloaded"))


@pytest.mark.parametrize("name", REPLIES)
def test_converse_body_equals_golden_file(name: str) -> None:
    request = converse()
    reply = CONVERSE.supported_reply(REPLIES[name], request)
    assert_golden(f"bedrock/{name}.txt", CONVERSE.encode_body(reply, request, IDENTITY))


@pytest.mark.parametrize("name", REPLIES)
def test_converse_stream_equals_golden_file(name: str) -> None:
    request = converse(stream=True)
    reply = CONVERSE.supported_reply(REPLIES[name], request)
    assert_golden(f"bedrock/{name}-stream.bin", CONVERSE.encode_stream(reply, request, IDENTITY))


def test_invoked_claude_equals_golden_files() -> None:
    reply = INVOKE.supported_reply(REPLIES["text-and-tools"], invoke())
    assert_golden("bedrock/invoke-anthropic.txt", INVOKE.encode_body(reply, invoke(), IDENTITY))
    stream = invoke(stream=True)
    assert_golden("bedrock/invoke-anthropic-stream.bin", INVOKE.encode_stream(reply, stream, IDENTITY))


@pytest.mark.parametrize("name", BODIES)
def test_invoked_model_equals_golden_files(name: str) -> None:
    model, body = BODIES[name]
    whole, stream = invoke(body, model=model), invoke(body, model=model, stream=True)
    reply = INVOKE.supported_reply(REPLIES["thinking"], whole)
    assert_golden(f"bedrock/invoke-{name}.txt", INVOKE.encode_body(reply, whole, IDENTITY))
    assert_golden(f"bedrock/invoke-{name}-stream.bin", INVOKE.encode_stream(reply, stream, IDENTITY))


@pytest.mark.parametrize("name", FAILURES)
def test_error_for_streaming_request_is_plain_json(name: str) -> None:
    for stream in (False, True):
        plan = CONVERSE.error(FAILURES[name], converse(stream=stream), IDENTITY)
        assert_golden(f"bedrock/error-{name}.txt", plan)
        assert not plan.streamed


def test_error_inside_a_stream_equals_golden_file() -> None:
    assert_golden(
        "bedrock/error-in-stream.bin", CONVERSE.encode_stream(BROKEN, converse(stream=True), IDENTITY)
    )
    plan = INVOKE.encode_stream(BROKEN, invoke(stream=True), IDENTITY)
    assert_golden("bedrock/invoke-error-in-stream.bin", plan)
