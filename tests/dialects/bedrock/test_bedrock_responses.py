"""Responses of Converse and InvokeModel beside those of the golden files: usage, extras, errors, bodies read back."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.failure import NEVER, Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.aws_event_stream import write_bytes_event
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead, WaitStep
from mockllm.core.reply.reply import (
    Choice,
    Finish,
    Media,
    NativePart,
    Pause,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from mockllm.dialects.bedrock.invoke_anthropic import claude_name
from mockllm.dialects.bedrock.provider import CONVERSE, INVOKE
from tests.dialects.bedrock.bedrock_requests import CLAUDE, IDENTITY, body_of, converse, invoke, objects_of
from tests.dialects.bedrock.test_bedrock_golden import BODIES

HELLO = Reply((Choice((Text(("Hel", "lo")),)),), Usage(20, 9))


def converse_body(reply: Reply) -> Any:
    return body_of(CONVERSE.encode_body(CONVERSE.supported_reply(reply, converse()), converse(), IDENTITY))


def converse_events(reply: Reply) -> list[Any]:
    request = converse(stream=True)
    return objects_of(CONVERSE.encode_stream(CONVERSE.supported_reply(reply, request), request, IDENTITY))


# --- converse ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "caches"), [("amazon.nova-lite-v1:0", 0), (CLAUDE, 4), ("us.anthropic.claude-sonnet-5", 2)]
)
def test_only_whole_response_of_claude_counts_empty_caches(model: str, caches: int) -> None:
    counts = {"inputTokens": 20, "outputTokens": 9, "serverToolUsage": {}, "totalTokens": 29}
    whole = body_of(CONVERSE.encode_body(HELLO, converse(model=model), IDENTITY))["usage"]
    *_, last = objects_of(CONVERSE.encode_stream(HELLO, converse(model=model, stream=True), IDENTITY))
    assert last["usage"] == counts
    assert {name: whole[name] for name in counts} == counts
    assert sum(name.startswith("cache") and count == 0 for name, count in whole.items()) == caches


def test_only_claude_signs_thinking_and_types_calls() -> None:
    reply = Reply((Choice((Thinking(("Hm.",)), ToolCall("look", ("{}",), "t1")), "tool_calls"),))
    request = converse(model="amazon.nova-lite-v1:0")
    thinking, call = body_of(CONVERSE.encode_body(reply, request, IDENTITY))["output"]["message"]["content"]
    assert thinking["reasoningContent"]["reasoningText"] == {"text": "Hm."}
    assert "type" not in call["toolUse"]
    thinking, call = converse_body(reply)["output"]["message"]["content"]
    assert thinking["reasoningContent"]["reasoningText"]["signature"].startswith("ErUB")
    assert call["toolUse"]["type"] == "tool_use"
    events = objects_of(
        CONVERSE.encode_stream(reply, converse(model="amazon.nova-lite-v1:0", stream=True), IDENTITY)
    )
    assert not any("signature" in str(event) for event in events)


def test_input_tokens_exclude_those_of_a_cache() -> None:
    usage = converse_body(HELLO.with_usage(Usage(20, 9, 4, 2)))["usage"]
    assert (usage["inputTokens"], usage["totalTokens"]) == (14, 29)
    assert (usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (4, 2)
    assert usage["cacheDetails"] == [{"inputTokens": 2, "ttl": "5m"}]


def test_extras_are_merged_where_a_stream_has_them() -> None:
    extras: dict[str, Json] = {
        "trace": {"guardrail": {}},
        "additionalModelResponseFields": {"a": 1},
        "usage": {"serverToolUsage": {"searches": 1}},
    }
    reply = replace(HELLO, extras={"bedrock": extras})
    body = converse_body(reply)
    assert body["trace"] == {"guardrail": {}}
    assert body["additionalModelResponseFields"] == {"a": 1}
    assert body["usage"]["serverToolUsage"] == {"searches": 1}
    *_, stop, metadata = converse_events(reply)
    assert stop["additionalModelResponseFields"] == {"a": 1}
    assert metadata["trace"] == {"guardrail": {}}
    assert metadata["usage"]["serverToolUsage"] == {"searches": 1}


def test_parts_without_a_form_are_omitted() -> None:
    parts = (Media("image/png", "AA=="), NativePart("anthropic", {}), NativePart("bedrock", 1), Text(("a",)))
    reply = Reply((Choice(parts), Choice((Text(("b",)),))))
    assert converse_body(reply)["output"]["message"]["content"] == [{"text": "a"}]
    assert converse_body(Reply(()))["output"]["message"]["content"] == []


def test_no_field_of_request_changes_the_response() -> None:
    assert CONVERSE.encoding_key(converse()) == CONVERSE.encoding_key(
        converse(system=[{"text": "Be brief."}])
    )


def test_supported_reply_is_returned_unchanged() -> None:
    assert CONVERSE.supported_reply(HELLO, converse()) is HELLO
    redacted = Reply((Choice((Thinking(("x",), redacted=True),)),))
    (part,) = CONVERSE.supported_reply(redacted, converse()).choices[0].parts
    assert part == Thinking((), redacted=True)


@pytest.mark.parametrize(
    ("arguments", "shown"), [("", {}), (" ", {}), ('{"a": 1}', {"a": 1}), ('{"a":', '{"a":')]
)
def test_arguments_are_json_where_they_can_be(arguments: str, shown: Json) -> None:
    reply = Reply((Choice((ToolCall("look", (arguments,), "t1"),), "tool_calls"),))
    (block,) = converse_body(reply)["output"]["message"]["content"]
    assert block["toolUse"] == {"input": shown, "name": "look", "toolUseId": "t1", "type": "tool_use"}


def test_signature_of_scenario_is_shown() -> None:
    thinking = Thinking(("Hm.",), "c2VhbGVk")
    (block,) = converse_body(Reply((Choice((thinking,)),)))["output"]["message"]["content"]
    assert block["reasoningContent"]["reasoningText"]["signature"] == "c2VhbGVk"


# --- errors --------------------------------------------------------------------------------------


def error_of(failure: Failure) -> tuple[int, dict[str, str], Any]:
    plan = CONVERSE.error(failure, converse(), IDENTITY)
    return plan.head.status, dict(plan.head.headers), body_of(plan)


def test_status_of_scenario_selects_the_type() -> None:
    status, headers, body = error_of(Failure("rate_limit", 503, "Busy.", fields={"a": 1}))
    assert (status, body) == (503, {"message": "Busy.", "a": 1})
    assert headers["x-amzn-errortype"].startswith("ServiceUnavailableException:")
    assert error_of(Failure("rate_limit", 418))[1]["x-amzn-errortype"].startswith("ThrottlingException:")


def test_header_of_scenario_replaces_the_type() -> None:
    _, headers, _ = error_of(Failure("rate_limit", headers=(("x-amzn-errortype", "ModelNotReadyException"),)))
    assert headers["x-amzn-errortype"] == "ModelNotReadyException"


def test_wait_is_a_header_only_where_it_is_set() -> None:
    assert error_of(Failure("rate_limit", retry_after=1.5))[1]["retry-after"] == "2"
    assert "retry-after" not in error_of(Failure("rate_limit"))[1]
    assert "retry-after" not in error_of(Failure("rate_limit", retry_after=NEVER))[1]


@pytest.mark.parametrize(
    ("type", "converse_name", "invoke_name"),
    [
        ("rate_limit", "throttlingException", "throttlingException"),
        ("insufficient_quota", "throttlingException", "throttlingException"),
        ("server_error", "internalServerException", "internalServerException"),
        ("timeout", "modelStreamErrorException", "modelTimeoutException"),
        ("bad_gateway", "modelStreamErrorException", "modelStreamErrorException"),
        ("permission", "modelStreamErrorException", "modelStreamErrorException"),
        ("context_length", "validationException", "validationException"),
    ],
)
def test_named_error_in_stream_is_an_exception(type: str, converse_name: str, invoke_name: str) -> None:
    broken = replace(HELLO, failure=Failure(type))
    for dialect, request, name in (
        (CONVERSE, converse(stream=True), converse_name),
        (INVOKE, invoke(stream=True), invoke_name),
    ):
        plan = dialect.encode_stream(broken, request, IDENTITY)
        last = plan.steps[-1]
        assert isinstance(last, EventStep)
        assert (last.kind, last.event) == ("error", name)


def test_error_of_the_models_stream_has_its_status() -> None:
    broken = replace(HELLO, failure=Failure("bad_gateway", 500, "Oh."))
    *_, last = converse_events(broken)
    assert last == {"message": "Oh.", "originalStatusCode": 500, "originalMessage": "Oh."}


# --- invoke --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("id", "name"),
    [
        (CLAUDE, "claude-sonnet-4-5-20250929"),
        ("us.anthropic.claude-3-5-sonnet-20241022-v2:0", "claude-3-5-sonnet-20241022"),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-opus-4-1", "claude-opus-4-1"),
        ("mine", "mine"),
    ],
)
def test_claudes_name_has_no_platform(id: str, name: str) -> None:
    assert claude_name(id) == name


def test_count_headers_follow_the_usage() -> None:
    head = INVOKE.encode_body(HELLO.with_usage(Usage(20, 9, 4, 2)), invoke(), IDENTITY).head
    counts = {name[15:-12]: value for name, value in head.headers if name.endswith("-token-count")}
    assert counts == {"input": "14", "output": "9", "cache-read-input": "4", "cache-write-input": "2"}
    silent = INVOKE.encode_body(HELLO.with_usage(Usage(20, 9, presence="missing")), invoke(), IDENTITY).head
    assert not any(name.endswith("-token-count") for name, _ in silent.headers)


def test_stream_of_claude_has_no_pings_and_counts_at_its_end() -> None:
    events = objects_of(INVOKE.encode_stream(HELLO, invoke(stream=True), IDENTITY))
    assert [event["type"] for event in events].count("ping") == 0
    assert events[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 9
    assert "inference_geo" not in events[0]["message"]["usage"]


def test_stream_of_claude_waits_between_chunks() -> None:
    reply = Reply((Choice((Text(("a", Pause(1.0), "b")),)),))
    plan = INVOKE.encode_stream(reply, invoke(stream=True), IDENTITY)
    assert [step.seconds for step in plan.steps if isinstance(step, WaitStep)] == [1.0]


@pytest.mark.parametrize("finish", ["stop", "length", "tool_calls", "content_filter", "refusal"])
@pytest.mark.parametrize("name", BODIES)
def test_bodies_of_makers_are_read_back(name: str, finish: Finish) -> None:
    model, body = BODIES[name]
    reply = Reply((Choice((Text(("Hel", "lo")),), finish),), Usage(20, 9))
    whole = INVOKE.encode_body(reply, invoke(body, model=model), IDENTITY)
    streamed = INVOKE.encode_stream(reply, invoke(body, model=model, stream=True), IDENTITY)
    for plan in (whole, streamed):
        decoded = INVOKE.decode(plan)
        assert decoded is not None
        assert decoded.text == "Hello"
        assert decoded.usage == Usage(20, 9)
        assert (decoded.finish == "length") is (finish == "length")


@pytest.mark.parametrize("name", BODIES)
def test_bodies_of_makers_have_exceptions_in_streams(name: str) -> None:
    model, body = BODIES[name]
    broken = replace(HELLO, failure=Failure("timeout"))
    decoded = INVOKE.decode(INVOKE.encode_stream(broken, invoke(body, model=model, stream=True), IDENTITY))
    assert decoded is not None
    assert decoded.error["message"].startswith("Model has timed out")


def test_nova_counts_caches_by_its_own_names() -> None:
    model, body = BODIES["nova"]
    reply = HELLO.with_usage(Usage(20, 9, 4, 2))
    for stream in (False, True):
        request = invoke(body, model=model, stream=stream)
        plan = (INVOKE.encode_stream if stream else INVOKE.encode_body)(reply, request, IDENTITY)
        *_, last = objects_of(plan)
        assert last.get("metadata", last)["usage"]["cacheReadInputTokenCount"] == 4
    decoded = INVOKE.decode(INVOKE.encode_body(reply, invoke(body, model=model), IDENTITY))
    assert decoded is not None
    assert decoded.usage == Usage(20, 9, 4, 2)


def test_stream_of_llama_counts_tokens_as_recorded() -> None:
    model, body = BODIES["llama"]
    reply = Reply((Choice((Text(("The", " text", " you")),), "length"),), Usage(10, 3))
    request = invoke(body, model=model, stream=True)
    *chunks, last = objects_of(INVOKE.encode_stream(reply, request, IDENTITY))
    counts = [(chunk["prompt_token_count"], chunk["generation_token_count"]) for chunk in chunks]
    assert counts == [(10, 1), (None, 2), (None, 3)]
    assert (last["prompt_token_count"], last["generation_token_count"]) == (None, 3)
    fewer = reply.with_usage(Usage(10, 2))
    *chunks, last = objects_of(INVOKE.encode_stream(fewer, request, IDENTITY))
    assert [chunk["generation_token_count"] for chunk in [*chunks, last]] == [1, 2, 2, 2]
    (last,) = objects_of(INVOKE.encode_stream(Reply((Choice(()),), usage=Usage(10, 0)), request, IDENTITY))
    assert (last["prompt_token_count"], last["generation_token_count"]) == (10, 0)


def test_texts_of_makers_omit_other_parts() -> None:
    request = invoke({"inputText": "hi"}, model="amazon.titan-text-express-v1")
    whole = Text(("a", "b"), whole="ab")
    reply = INVOKE.supported_reply(Reply((Choice((Thinking(("x",)), whole)),)), request)
    assert reply.choices[0].parts == (whole,)
    assert INVOKE.supported_reply(reply, request) is reply
    assert INVOKE.supported_reply(Reply(()), request).choices == (Choice(()),)
    assert body_of(INVOKE.encode_body(reply, request, IDENTITY))["results"][0]["outputText"] == "ab"
    assert INVOKE.encoding_key(request) != INVOKE.encoding_key(invoke())


def test_prompts_of_makers_are_the_users() -> None:
    titan = {"inputText": "hi", "textGenerationConfig": {"maxTokenCount": 7, "stopSequences": ["END", 1]}}
    request = invoke(titan, model="amazon.titan-text-express-v1")
    assert (request.user, request.output_bounds.max_tokens, request.output_bounds.stop) == ("hi", 7, ("END",))
    llama = invoke({"prompt": "hi", "max_gen_len": 0}, model="meta.llama3-8b-instruct-v1:0")
    assert (llama.user, llama.output_bounds.max_tokens) == ("hi", None)
    history = [{"role": "CHATBOT", "message": "Yes?"}, {"role": "OTHER", "message": "x"}, 1]
    cohere = invoke(
        {"message": "hi", "chat_history": history, "preamble": "Be brief."}, model="cohere.command-r-v1:0"
    )
    assert (cohere.user, cohere.system, cohere.turn) == ("hi", "Be brief.", 2)
    nova = invoke({"inferenceConfig": {"max_new_tokens": 5}}, model="amazon.nova-lite-v1:0")
    assert nova.output_bounds.max_tokens == 5
    assert cohere.input_tokens > titan_tokens(request) > 0


def titan_tokens(request: Any) -> int:
    tokens: int = request.input_tokens
    return tokens


def test_recorded_frames_are_read_by_their_bytes() -> None:
    text: Json = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}}
    wrapped = dumps({"bytes": b64encode(dumps(text)).decode(), "p": "ab"})
    plan = Plan(ResponseHead(200, ()), (EventStep(wrapped, 1, "chunk", "chunk"),), Framing.AWS_EVENT_STREAM)
    decoded = INVOKE.decode(Plan(plan.head, (*_opened(), *plan.steps), plan.framing))
    assert decoded is not None
    assert decoded.text == "Hi"


def _opened() -> tuple[RawStep]:
    start = dumps({"type": "message_start", "message": {"usage": {"input_tokens": 1}}})
    return (RawStep(write_bytes_event(EventStep(start, 0, "open")), 0),)


@pytest.mark.parametrize("payload", [b"no json", b"[]", b'{"amazon-bedrock-invocationMetrics": 1}'])
def test_events_of_tomorrow_are_not_read(payload: bytes) -> None:
    plan = Plan(ResponseHead(200, ()), (EventStep(payload, 0, "body"),))
    assert INVOKE.decode(plan) is None
    assert CONVERSE.decode(plan) is None


def test_citations_are_read_back() -> None:
    content: Json = [{"citationsContent": {"content": [{"text": "So."}]}}, {"tomorrow": 1}]
    body = dumps({"output": {"message": {"content": content, "role": "assistant"}}, "stopReason": "end_turn"})
    decoded = CONVERSE.decode(Plan(ResponseHead(200, ()), (EventStep(body, 0, "body"),)))
    assert decoded is not None
    assert decoded.text == "So."
