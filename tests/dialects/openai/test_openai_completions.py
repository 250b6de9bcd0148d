"""Legacy completions: parsing, checks and encoding."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.plan import EventStep
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
from mockllm.core.request.messages import OtherPart
from mockllm.core.request.request import Message, TextPart
from mockllm.core.request.response_parameters import OutputBounds
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.openai.completions_request import CompletionsRequest
from mockllm.dialects.openai.provider import COMPLETIONS
from tests.dialects.openai.chat.chat_requests import IDENTITY
from tests.dialects.openai.completions_requests import body_of, completion, raw_completion
from tests.golden.wire import assert_golden

USAGE = Usage(5, 3)


def make_reply(*parts: Part, finish: Finish = "stop", choices: int = 1, **more: Json) -> Reply:
    return Reply((Choice(parts, finish),) * choices, USAGE, **more)


def body_of_reply(reply: Reply, request: CompletionsRequest) -> Json:
    return body_of(COMPLETIONS.encode_body(COMPLETIONS.supported_reply(reply, request), request, IDENTITY))


def chunks(reply: Reply, request: CompletionsRequest) -> list[Json]:
    plan = COMPLETIONS.encode_stream(COMPLETIONS.supported_reply(reply, request), request, IDENTITY)
    payloads = [step.payload for step in plan.steps if isinstance(step, EventStep)]
    return [loads(payload) if payload != b"[DONE]" else "[DONE]" for payload in payloads]


# --- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "prompts", "n"),
    [
        ({"prompt": "a"}, ("a",), 1),
        ({"prompt": ["a", "b"], "n": 2}, ("a", "b"), 4),
        ({"prompt": [1, 2, 3]}, ([1, 2, 3],), 1),
        ({"prompt": [[1, 2], [3]]}, ([1, 2], [3]), 2),
        ({"prompt": None}, ("",), 1),
        ({"prompt": []}, ("",), 1),
        ({"prompt": [True, {}, []]}, ("",), 1),
        ({"prompt": {"a": 1}, "n": "x"}, ("",), 1),
        ({"prompt": ["a"] * 1000, "n": 100}, ("a",) * 1000, 2000),  # of all together no more than 2048
        ({"prompt": ["a"] * 3000, "n": 2}, ("a",) * 2048, 2048),
    ],
)
def test_prompts_are_read_with_their_own_choices(fields: Json, prompts: Json, n: int) -> None:
    request = completion(**fields)
    assert request.prompts == prompts
    assert request.output_bounds.n == n


def test_completions_request_reads_its_settings() -> None:
    request = completion(prompt=["hello world", [1, 2, 3]], stop=["x", 3], max_tokens=0, stream=True)
    assert request.messages == (Message("user", (TextPart("hello world"), OtherPart("tokens"))),)
    assert request.user == "hello world"
    assert request.input_tokens == 2 + 3
    assert request.output_bounds == OutputBounds(2, ("x",), 0)
    assert (request.model, request.stream, request.include_usage) == ("gpt-3.5-turbo-instruct", True, False)
    assert completion(stop="x", max_tokens=-1).output_bounds == OutputBounds(1, ("x",), None)
    assert completion(prompt=["a", "b"], n=10**12).output_bounds == OutputBounds(256)
    assert completion(stream_options={"include_usage": True}).include_usage
    assert completion(echo=True, prompt=["a", [1]], n=2).echoed == ("a", "a", "", "")
    assert completion(echo="yes").echoed == ()


# --- refusing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"prompt": ["a", "b"], "n": 2, "best_of": 3, "echo": True, "logprobs": 5, "suffix": "x"},
        {"prompt": [1, 2], "stop": "x", "max_tokens": 0, "temperature": 0.5, "unknown": 1},
        {"prompt": ["a"] * 16, "n": 128},
        {"prompt": [[1], [2]], "stop": ["a", "b"], "stream": True, "stream_options": {"include_usage": True}},
        {"prompt": None, "logprobs": None, "stream_options": None},
    ],
)
def test_completions_check_on_valid_request_accepts_it(fields: Json) -> None:
    assert COMPLETIONS.check(completion(**fields)) is None
    assert COMPLETIONS.check_readable(completion(**fields)) is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, None),
        ({"model": 3}, "model"),
        ({"prompt": 3}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt"),
        ({"prompt": ["a"] * 2049}, "prompt"),
        ({"prompt": ["a"] * 17, "n": 128}, "prompt"),
        ({"n": 0}, "n"),
        ({"echo": 1}, "echo"),
        ({"logprobs": 6}, "logprobs"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"temperature": 3}, "temperature"),
        ({"stream_options": {}}, "stream_options"),
    ],
)
def test_completions_check_on_invalid_request_refuses(fields: Json, param: str | None) -> None:
    failure = COMPLETIONS.check(completion(**fields))
    assert failure is not None
    assert (failure.type, failure.fields["param"]) == ("bad_request", param)


def test_completions_body_that_is_no_object_is_refused() -> None:
    assert COMPLETIONS.check(raw_completion([])) is not None
    assert COMPLETIONS.check_readable(raw_completion([])) is not None


# --- saying --------------------------------------------------------------------------------------


def test_completions_reply_has_only_texts_and_refusals() -> None:
    result = body_of_reply(
        make_reply(
            Thinking(("hm",)),
            Text(("Hel", "lo")),
            ToolCall("f", ("{}",)),
            NativePart("openai", {}),
            finish="tool_calls",
        ),
        completion(),
    )
    assert result["choices"] == [{"text": "Hello", "index": 0, "logprobs": None, "finish_reason": "stop"}]
    result = body_of_reply(make_reply(Refusal(("I can", "not.")), finish="refusal"), completion())
    assert (result["choices"][0]["text"], result["choices"][0]["finish_reason"]) == ("I cannot.", "stop")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_echo_repeats_the_prompt_of_each_choice(stream: bool) -> None:
    request = completion(prompt=["a:", [1, 2]], n=2, echo=True, stream=stream)
    reply = make_reply(Text((" x",)), choices=4)
    if stream:
        texts = ["", "", "", ""]
        for chunk in chunks(reply, request)[:-1]:
            (choice,) = chunk["choices"]
            texts[choice["index"]] += choice["text"]
    else:
        texts = [choice["text"] for choice in body_of_reply(reply, request)["choices"]]
    assert texts == ["a: x", "a: x", " x", " x"]


def test_echo_precedes_the_text_of_non_streaming_bodies() -> None:
    result = body_of_reply(make_reply(Text(("a", "b"), whole="whole")), completion(echo=True))
    assert result["choices"][0]["text"] == "Say hiwhole"


@pytest.mark.parametrize(
    ("finish", "ends"),
    [
        ("stop", [("a", None), ("b", None), ("", "stop")]),
        ("content_filter", [("a", None), ("b", None), ("", "content_filter")]),
        ("length", [("a", None), ("b", "length")]),
    ],
)
def test_truncated_text_has_finish_reason_in_last_chunk(finish: Finish, ends: Json) -> None:
    result = chunks(make_reply(Text(("a", "b")), finish=finish), completion(stream=True))
    assert result.pop() == "[DONE]"
    assert [(chunk["choices"][0]["text"], chunk["choices"][0]["finish_reason"]) for chunk in result] == ends


def test_truncated_empty_text_has_a_last_chunk() -> None:
    result = chunks(make_reply(Text(()), finish="length"), completion(stream=True))
    assert [chunk["choices"][0]["finish_reason"] for chunk in result[:-1]] == ["length"]


def test_broken_completions_stream_has_no_end() -> None:
    broken = make_reply(Text(("a",)), finish="length", failure=Failure("overloaded", message="Busy."))
    first, error = chunks(broken, completion(stream=True))
    assert first["choices"][0]["finish_reason"] is None
    assert error["error"]["message"] == "Busy."


def test_completions_stream_has_usage_on_request() -> None:
    reported = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
    assert body_of_reply(make_reply(Text(("a",))), completion())["usage"] == reported
    *result, last, done = chunks(
        make_reply(Text(("a",))), completion(stream=True, stream_options={"include_usage": True})
    )
    assert done == "[DONE]"
    assert (last["choices"], last["usage"]) == ([], reported)
    assert [chunk["usage"] for chunk in result] == [None, None]
    assert all(
        "usage" not in chunk for chunk in chunks(make_reply(Text(("a",))), completion(stream=True))[:-1]
    )


def test_model_is_the_snapshot_or_the_replys_model() -> None:
    assert body_of_reply(make_reply(), completion())["model"] == "gpt-3.5-turbo-instruct:20230824-v2"
    assert body_of_reply(make_reply(), completion(model="mine"))["model"] == "mine"
    assert body_of_reply(make_reply(model="theirs"), completion())["model"] == "theirs"
    assert body_of_reply(make_reply(), raw_completion({}))["model"] == "gpt-3.5-turbo-instruct:20230824-v2"


def test_completions_extras_are_added() -> None:
    extras = {"openai": {"system_fingerprint": "fp_1", "usage": {"total_tokens": 1}}}
    result = body_of_reply(make_reply(Text(("a",)), extras=extras), completion())
    assert (result["system_fingerprint"], result["usage"]["total_tokens"]) == ("fp_1", 1)
    request = completion(stream=True, stream_options={"include_usage": True})
    streamed = chunks(make_reply(Text(("a",)), extras=extras), request)[:-1]
    assert {chunk["system_fingerprint"] for chunk in streamed} == {"fp_1"}
    assert streamed[-1]["usage"] == result["usage"]


def test_requests_of_equal_key_have_equal_bytes() -> None:
    assert COMPLETIONS.encoding_key(completion()) == COMPLETIONS.encoding_key(completion(prompt="other"))
    assert COMPLETIONS.encoding_key(completion(echo=True)) != COMPLETIONS.encoding_key(
        completion(prompt="b", echo=True)
    )


# --- decoding ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_completions_response_is_decoded(stream: bool) -> None:
    requested = COMPLETIONS.build_request(
        NeutralRequest(user="Hello", stream=stream, max_tokens=5, stop=("x",), n=2, api_key="k")
    )
    assert requested.path == "/v1/completions"
    request = CompletionsRequest(
        method="POST", path=requested.path, headers=requested.headers, raw=dumps(requested.body)
    )
    assert COMPLETIONS.check(request) is None
    assert (request.user, request.api_key, request.output_bounds) == (
        "Hello",
        "k",
        OutputBounds(2, ("x",), 5),
    )
    reply = COMPLETIONS.supported_reply(make_reply(Text(("Hel", "lo")), choices=2), request)
    plan = (
        COMPLETIONS.encode_stream(reply, request, IDENTITY)
        if stream
        else COMPLETIONS.encode_body(reply, request, IDENTITY)
    )
    decoded = COMPLETIONS.decode(plan)
    assert decoded is not None
    assert (decoded.text, decoded.finish, decoded.usage) == ("Hello", "stop", USAGE)
    assert decoded.chunks == (("Hel", "Hel", "lo", "lo") if stream else None)


def test_unreadable_completions_decode_to_nothing() -> None:
    strange = {"object": "text_completion", "choices": [1, {"index": 0}, {"index": 0, "text": "a"}]}
    plan = COMPLETIONS.encode_body(make_reply(), completion(), IDENTITY)
    decoded = COMPLETIONS.decode(replace(plan, steps=(EventStep(dumps(strange), 0, "body"),)))
    assert decoded is not None
    assert (decoded.text, decoded.finish, decoded.usage) == ("a", None, None)
    assert COMPLETIONS.decode(replace(plan, steps=(EventStep(b"{}", 0, "body"),))) is None


# --- golden --------------------------------------------------------------------------------------

GOLDEN: dict[str, tuple[Reply, dict[str, Json]]] = {
    "text": (make_reply(Text(("Hello", " there", "!"))), {}),
    "cut": (make_reply(Text(("Hello", " there")), finish="length"), {"max_tokens": 2}),
    "echo": (make_reply(Text((" Hi", "!")), choices=2), {"echo": True, "n": 2}),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_completions_wire_equals_golden_file(name: str) -> None:
    value, fields = GOLDEN[name]
    request = completion(**fields)
    plan = COMPLETIONS.encode_body(COMPLETIONS.supported_reply(value, request), request, IDENTITY)
    assert_golden(f"openai/completions-{name}.txt", plan)
    request = completion(**fields, stream=True, stream_options={"include_usage": True})
    plan = COMPLETIONS.encode_stream(COMPLETIONS.supported_reply(value, request), request, IDENTITY)
    assert_golden(f"openai/completions-{name}-stream.txt", plan)


def test_completions_error_equals_golden_file() -> None:
    plan = COMPLETIONS.error(Failure("insufficient_quota", 402), completion(), IDENTITY)
    assert_golden("openai/completions-error.txt", plan)
    broken = Reply((Choice((Text(("Hel", "lo")),)),), USAGE, failure=Failure("server_error"))
    plan = COMPLETIONS.encode_stream(broken, completion(stream=True), IDENTITY)
    assert_golden("openai/completions-error-in-stream.txt", plan)


def test_completions_error_equals_the_chat_error() -> None:
    plan = COMPLETIONS.error(Failure("insufficient_quota", 402), completion(), IDENTITY)
    assert plan.head.status == 402
    assert body_of(plan)["error"]["code"] == "insufficient_quota"
    decoded = COMPLETIONS.decode(plan)
    assert decoded is not None
    assert decoded.error["code"] == "insufficient_quota"
