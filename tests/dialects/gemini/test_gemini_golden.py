"""Google's wire bytes, compared with golden files."""

from __future__ import annotations

import pytest

from mockllm.core.failure import Failure
from mockllm.core.reply.reply import (
    Choice,
    Citation,
    Finish,
    Media,
    NativePart,
    Part,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from mockllm.dialects.gemini.generate import GENERATE
from tests.dialects.gemini.generate_requests import IDENTITY, VERTEX, generate
from tests.golden.wire import assert_golden

WEATHER = ToolCall("get_weather", ('{"city":', '"Paris"', "}"))
USAGE = Usage(12, 9, cache_read=4, reasoning=2)


def make_reply(*parts: Part, finish: Finish = "stop") -> Reply:
    return Reply((Choice(parts, finish),), USAGE)


CODE = NativePart("gemini", {"executableCode": {"language": "PYTHON", "code": "print(1 < 2)"}})
REPLIES: dict[str, tuple[Reply, str]] = {
    "text": (make_reply(Text(("Hello", " there", "!"))), "gemini-3.5-flash"),
    "text-2-5": (make_reply(Text(("Hello", " <there>"))), "gemini-2.5-flash"),
    "text-2-0": (make_reply(Text(("Hello", " there"))), "gemini-2.0-flash"),
    "thinking": (make_reply(Thinking(("Let me", " see.")), Text(("Seen.",))), "gemini-3.5-flash"),
    "thinking-signed": (
        make_reply(Thinking(("Let me see.",), "c2VhbA=="), Text(("Seen.",))),
        "gemini-2.5-pro",
    ),
    "call": (make_reply(WEATHER, finish="tool_calls"), "gemini-3.5-flash"),
    "call-2-5": (make_reply(WEATHER, finish="tool_calls"), "gemini-2.5-flash"),
    "text-and-calls": (
        make_reply(Text(("Let me look.",)), WEATHER, ToolCall("now", ("{}",), "given"), finish="tool_calls"),
        "gemini-3.5-flash",
    ),
    "max-tokens": (make_reply(Text(("Hello",)), finish="length"), "gemini-2.5-flash"),
    "refusal": (make_reply(Refusal(("I can", "not.")), finish="refusal"), "gemini-2.5-flash"),
    "cited": (
        make_reply(Text(("Water", " boils."), citations=(Citation("https://a.example", "A", end=11),))),
        "gemini-2.5-flash",
    ),
    "image": (make_reply(Text(("Here.",)), Media("image/png", "aGk=")), "gemini-3.5-flash"),
    "code": (make_reply(CODE, Text(("Yes.",))), "gemini-2.5-flash"),
}
ON_VERTEX = ("text", "text-2-5", "thinking", "call", "call-2-5")
FAILURES: dict[str, Failure] = {
    "bad-request": Failure("bad_request"),
    "authentication": Failure("authentication"),
    "model-not-found": Failure("model_not_found"),
    "rate-limit": Failure("rate_limit"),
    "insufficient-quota": Failure("insufficient_quota", retry_after=1.5),
    "overloaded": Failure("overloaded"),
    "content-filter": Failure("content_filter"),
}


@pytest.mark.parametrize("name", REPLIES)
def test_generate_body_equals_golden_file(name: str) -> None:
    reply, model = REPLIES[name]
    request = generate(model=model)
    assert_golden(
        f"gemini/{name}.txt",
        GENERATE.encode_body(GENERATE.supported_reply(reply, request), request, IDENTITY),
    )


@pytest.mark.parametrize("name", REPLIES)
def test_generate_sse_stream_equals_golden_file(name: str) -> None:
    reply, model = REPLIES[name]
    request = generate(model=model, stream=True, query="alt=sse")
    assert_golden(
        f"gemini/{name}-stream.txt",
        GENERATE.encode_stream(GENERATE.supported_reply(reply, request), request, IDENTITY),
    )


@pytest.mark.parametrize("name", ["text", "call-2-5"])
def test_generate_array_stream_equals_golden_file(name: str) -> None:
    reply, model = REPLIES[name]
    request = generate(model=model, stream=True)
    assert_golden(
        f"gemini/{name}-array.txt",
        GENERATE.encode_stream(GENERATE.supported_reply(reply, request), request, IDENTITY),
    )


@pytest.mark.parametrize("name", ON_VERTEX)
def test_vertex_response_equals_golden_file(name: str) -> None:
    reply, model = REPLIES[name]
    body_request, stream = (
        generate(model=model, base=VERTEX, stream=streamed, query="alt=sse") for streamed in (False, True)
    )
    reply = GENERATE.supported_reply(reply, body_request)
    assert_golden(f"gemini/vertex-{name}.txt", GENERATE.encode_body(reply, body_request, IDENTITY))
    assert_golden(f"gemini/vertex-{name}-stream.txt", GENERATE.encode_stream(reply, stream, IDENTITY))


@pytest.mark.parametrize("name", FAILURES)
def test_gemini_error_equals_golden_file(name: str) -> None:
    failure = FAILURES[name]
    assert_golden(f"gemini/error-{name}.txt", GENERATE.error(failure, generate(), IDENTITY))
    on_vertex = GENERATE.error(failure, generate(base=VERTEX), IDENTITY)
    assert_golden(f"gemini/vertex-error-{name}.txt", on_vertex)


@pytest.mark.parametrize("name", ["overloaded", "content-filter"])
def test_error_for_streaming_request_equals_golden_file(name: str) -> None:
    for form, query in (("stream", "alt=sse"), ("array", "")):
        plan = GENERATE.error(FAILURES[name], generate(stream=True, query=query), IDENTITY)
        assert_golden(f"gemini/error-{name}-{form}.txt", plan)


def test_error_inside_a_stream_equals_golden_file() -> None:
    broken = Reply((Choice((Text(("Hel", "lo")),)),), USAGE, failure=Failure("overloaded"))
    for form, query in (("stream", "alt=sse"), ("array", "")):
        plan = GENERATE.encode_stream(broken, generate(stream=True, query=query), IDENTITY)
        assert_golden(f"gemini/error-inside-{form}.txt", plan)
    plan = GENERATE.encode_stream(broken, generate(base=VERTEX, stream=True, query="alt=sse"), IDENTITY)
    assert_golden("gemini/vertex-error-inside-stream.txt", plan)
