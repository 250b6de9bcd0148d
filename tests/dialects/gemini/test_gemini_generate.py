"""Replies in Google's form, beyond the golden files."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, WaitStep
from mockllm.core.reply.reply import (
    Choice,
    Finish,
    NativePart,
    Part,
    Pause,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from mockllm.dialects.gemini.generate import GENERATE
from mockllm.dialects.gemini.generate_request import GenerateRequest
from tests.dialects.gemini.generate_requests import IDENTITY, VERTEX, body_of, generate, objects_of

USAGE = Usage(12, 9)
WHOLE, STREAM = generate(), generate(stream=True, query="alt=sse")


def make_reply(*parts: Part, finish: Finish = "stop", **more: Any) -> Reply:
    return replace(Reply((Choice(parts, finish),), USAGE), **more)


def encode_body(reply: Reply, request: GenerateRequest = WHOLE) -> Any:
    return body_of(GENERATE.encode_body(GENERATE.supported_reply(reply, request), request, IDENTITY))


def encode_stream(reply: Reply, request: GenerateRequest = STREAM) -> Plan:
    return GENERATE.encode_stream(GENERATE.supported_reply(reply, request), request, IDENTITY)


def chunks(reply: Reply, request: GenerateRequest = STREAM) -> list[Any]:
    return objects_of(encode_stream(reply, request))


def parts_of(body: Any, candidate: int = 0) -> Any:
    return body["candidates"][candidate]["content"].get("parts")


# --- supported replies ------------------------------------------------------------------------------


def test_supported_reply_of_text_is_unchanged() -> None:
    reply = make_reply(Text(("a", "b")))
    assert GENERATE.supported_reply(reply, WHOLE) is reply


def test_supported_reply_omits_hidden_parts() -> None:
    reply = make_reply(
        Thinking((), redacted=True),
        NativePart("openai", {"x": 1}),
        NativePart("gemini", "no part"),
        Thinking(("hm",)),
        Text(("a",)),
    )
    assert GENERATE.supported_reply(reply, WHOLE).choices[0].parts == (Thinking(("hm",)), Text(("a",)))
    declined = generate(generationConfig={"thinkingConfig": {"includeThoughts": False}})
    assert GENERATE.supported_reply(reply, declined).choices[0].parts == (Text(("a",)),)


def test_call_has_one_chunk_after_its_waits() -> None:
    reply = make_reply(ToolCall("look", ('{"a":', Pause(1.0), "1}")), finish="tool_calls")
    (call,) = GENERATE.supported_reply(reply, WHOLE).choices[0].parts
    assert call == ToolCall("look", (Pause(1.0), '{"a":1}'))
    first, *_ = encode_stream(reply).steps
    assert first == WaitStep(1.0, 0, explicit=True)


def test_incomplete_call_of_a_broken_reply_is_omitted() -> None:
    half = make_reply(Text(("a",)), ToolCall("look", ('{"a":',)), failure=Failure("overloaded"))
    assert [type(part) for part in GENERATE.supported_reply(half, WHOLE).choices[0].parts] == [Text]
    full = make_reply(Text(("a",)), ToolCall("look", ("{}",)), failure=Failure("overloaded"))
    assert [type(part) for part in GENERATE.supported_reply(full, WHOLE).choices[0].parts] == [Text, ToolCall]


ARGUMENTS: list[tuple[str, Json]] = [("", {}), (" ", {}), ('{"a": 1}', {"a": 1})]


@pytest.mark.parametrize(("text", "args"), ARGUMENTS)
def test_call_arguments_become_args(text: str, args: Json) -> None:
    reply = make_reply(ToolCall("look", (text,)), finish="tool_calls")
    assert parts_of(encode_body(reply))[0]["functionCall"]["args"] == args


def test_call_with_invalid_arguments_ends_as_malformed() -> None:
    reply = make_reply(Text(("So",)), ToolCall("look", ('{"a": ',)), finish="tool_calls")
    (candidate,) = encode_body(reply)["candidates"]
    assert [part["text"] for part in candidate["content"]["parts"]] == ["So"]
    assert candidate["finishReason"] == "MALFORMED_FUNCTION_CALL"
    assert candidate["finishMessage"] == 'Malformed function call: look({"a": )'
    first, second, last = chunks(reply)
    assert parts_of(first) == [{"text": "So"}]
    assert second["candidates"][0]["content"] == {"role": "model"}
    assert last["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"


def test_call_cut_by_a_limit_is_omitted() -> None:
    (candidate,) = encode_body(make_reply(ToolCall("look", ('{"a": ',)), finish="length"))["candidates"]
    assert (candidate["content"], candidate["finishReason"]) == ({"role": "model"}, "MAX_TOKENS")
    assert "finishMessage" not in candidate


def test_body_uses_the_text_for_non_streaming_responses() -> None:
    reply = make_reply(Text(("a", "b"), whole="abc"))
    assert parts_of(encode_body(reply)) == [{"text": "abc"}]
    assert [parts_of(chunk)[0]["text"] for chunk in chunks(reply)] == ["a", "b", ""]


def test_filtered_candidate_has_no_content() -> None:
    (candidate,) = encode_body(make_reply(finish="content_filter"))["candidates"]
    assert candidate == {"finishReason": "SAFETY", "index": 0}
    (candidate,) = encode_body(make_reply(finish="length"))["candidates"]
    assert candidate == {"content": {"role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}
    (chunk,) = chunks(make_reply(finish="length"))
    assert chunk["candidates"] == [candidate]


@pytest.mark.parametrize(
    ("model", "counted"), [("gemini-2.5-flash", True), ("gemini-3-flash-preview", False)]
)
def test_chunk_of_thoughts_counts_them_in_some_models(model: str, counted: bool) -> None:
    """Recorded in January and August 2026."""
    reply = Reply((Choice((Thinking(("t",)), Text(("a",)))),), Usage(12, 9, reasoning=3))
    wire = generate(
        {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}, stream=True, model=model
    )
    usage = chunks(reply, wire)[0]["usageMetadata"]
    assert ("thoughtsTokenCount" in usage, "candidatesTokenCount" in usage) == (counted, False)


def test_chunk_of_executed_code_counts_output_and_thoughts() -> None:
    """Recorded in August 2026."""
    code = NativePart("gemini", {"executableCode": {"language": "PYTHON", "code": "1"}})
    usage = Usage(12, 9, reasoning=3)
    for parts in ((code, Text(("a",))), (code,)):
        counts = chunks(Reply((Choice(parts),), usage))[0]["usageMetadata"]
        assert {"candidatesTokenCount", "thoughtsTokenCount"} < set(counts)


def test_last_candidate_chunk_has_the_full_usage() -> None:
    reply = Reply((Choice((Text(("a", "b")),)), Choice((Text(("c",)),))), USAGE)
    request = generate(stream=True, query="alt=sse", model="gemini-2.5-flash")
    match = chunks(reply, request)
    assert [
        (
            chunk["candidates"][0]["index"],
            parts_of(chunk)[0]["text"],
            "finishReason" in chunk["candidates"][0],
        )
        for chunk in match
    ] == [(0, "a", False), (1, "c", True), (0, "b", True)]
    assert [chunk["usageMetadata"]["candidatesTokenCount"] for chunk in match] == [3, 6, 9]
    on_vertex = encode_body(reply, generate(base=VERTEX))
    assert [candidate.get("index") for candidate in on_vertex["candidates"]] == [None, 1]


def test_last_chunk_of_older_models_has_finish_reason() -> None:
    request = generate(stream=True, query="alt=sse", model="gemini-2.5-flash")
    code = NativePart("gemini", {"executableCode": {"code": "x"}})
    for last in (Text(("a", "b")), code, ToolCall("look", ("{}",))):
        match = chunks(make_reply(Text(("a",)), last), request)
        assert ["finishReason" in chunk["candidates"][0] for chunk in match] == [
            *(False for _ in match[1:]),
            True,
        ]


# --- signatures ------------------------------------------------------------------------------------

SIGNED: dict[str, tuple[str, int, tuple[Part, ...], list[bool]]] = {
    "a text after thinking": ("gemini-3.5-flash", 2, (Text(("a",)), Text(("b",))), [False, True]),
    "a text without thinking": ("gemini-3.5-flash", 0, (Text(("a",)),), [False]),
    "the first call": (
        "gemini-3.5-flash",
        0,
        (Text(("a",)), ToolCall("x", ("{}",)), ToolCall("y", ("{}",))),
        [False, True, False],
    ),
    "an older text": ("gemini-2.5-flash", 2, (Text(("a",)),), [False]),
    "an older call after thinking": ("gemini-2.5-flash", 2, (ToolCall("x", ("{}",)),), [True]),
    "an older call without thinking": ("gemini-2.5-flash", 0, (ToolCall("x", ("{}",)),), [False]),
    "a still older call": ("gemini-2.0-flash", 2, (ToolCall("x", ("{}",)),), [False]),
    "what a scenario signed": (
        "gemini-2.0-flash",
        0,
        (Thinking(("a",), "c2VhbA=="), Text(("b",))),
        [False, True],
    ),
    "nothing to sign": ("gemini-3.5-flash", 2, (Thinking(("a",)),), [False]),
}


@pytest.mark.parametrize("name", SIGNED)
def test_thought_signature_follows_the_family(name: str) -> None:
    model, thought, parts, signed = SIGNED[name]
    reply = make_reply(*parts, usage=replace(USAGE, reasoning=thought))
    body = encode_body(reply, generate(model=model))
    assert ["thoughtSignature" in part for part in parts_of(body)] == signed
    match = chunks(reply, generate(model=model, stream=True, query="alt=sse"))
    count = sum("thoughtSignature" in part for chunk in match for part in parts_of(chunk))
    assert count == (1 if name == "nothing to sign" else sum(signed))


@pytest.mark.parametrize(("tool", "signed"), [("functionDeclarations", True), ("googleSearch", False)])
def test_older_text_is_signed_beside_functions(tool: str, signed: bool) -> None:
    offered: Json = [{tool: [{"name": "x"}] if tool == "functionDeclarations" else {}}]
    reply = make_reply(Text(("a",)), usage=replace(USAGE, reasoning=2))
    body = encode_body(reply, generate(model="gemini-2.5-flash", tools=offered))
    assert ["thoughtSignature" in part for part in parts_of(body)] == [signed]


@pytest.mark.parametrize("base", ["/v1beta", VERTEX])
@pytest.mark.parametrize(
    ("model", "identified"), [("gemini-2.5-flash", False), ("gemini-3-flash-preview", True)]
)
def test_calls_have_ids_since_the_third_generation(model: str, identified: bool, base: str) -> None:
    body = encode_body(make_reply(ToolCall("x", ("{}",))), generate(model=model, base=base))
    assert ["id" in part["functionCall"] for part in parts_of(body)] == [identified]


# --- usage -----------------------------------------------------------------------------------------


def test_usage_excludes_thoughts_and_zeros() -> None:
    counted = encode_body(make_reply(Text(("a",)), usage=Usage(92, 10, cache_read=4, reasoning=3)))[
        "usageMetadata"
    ]
    assert counted == {
        "promptTokenCount": 92,
        "candidatesTokenCount": 7,
        "totalTokenCount": 102,
        "cachedContentTokenCount": 4,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 92}],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 4}],
        "thoughtsTokenCount": 3,
        "serviceTier": "standard",
    }
    assert encode_body(make_reply(usage=Usage(0, 0)))["usageMetadata"] == {"serviceTier": "standard"}


def test_enums_are_numbers_on_request() -> None:
    body = encode_body(make_reply(Text(("a",))), generate(base=VERTEX, query="$alt=json;enum-encoding=int"))
    assert body["candidates"][0]["finishReason"] == 1
    assert body["usageMetadata"]["trafficType"] == 1
    assert body["usageMetadata"]["promptTokensDetails"] == [{"modality": 1, "tokenCount": 12}]


# --- extras ----------------------------------------------------------------------------------------


def extras(**own: Json) -> Reply:
    return make_reply(Text(("a", "b")), extras={"gemini": own})


def test_extras_are_merged_at_their_level() -> None:
    payload = extras(
        candidates=[{"groundingMetadata": {"x": 1}, "finishReason": "RECITATION"}],
        usageMetadata={"toolUsePromptTokenCount": 5},
        modelStatus={"stage": "y"},
    )
    body = encode_body(payload)
    assert body["candidates"][0]["groundingMetadata"] == {"x": 1}
    assert body["candidates"][0]["finishReason"] == "RECITATION"
    assert body["usageMetadata"]["toolUsePromptTokenCount"] == 5
    assert body["modelStatus"] == {"stage": "y"}
    first, *_, last = chunks(payload)
    assert first["candidates"][0]["groundingMetadata"] == {}
    assert last["candidates"][0]["groundingMetadata"] == {"x": 1}
    assert first["usageMetadata"]["toolUsePromptTokenCount"] == 5
    assert first["modelStatus"] == {"stage": "y"}


@pytest.mark.parametrize("odd", [3, [], [3]])
def test_extras_of_invalid_form_are_ignored(odd: Json) -> None:
    assert encode_body(extras(candidates=odd, usageMetadata=odd)) == encode_body(make_reply(Text(("a", "b"))))


def test_blocked_prompt_has_no_candidates() -> None:
    assert "candidates" not in encode_body(extras(promptFeedback={"blockReason": "SAFETY"}))
    assert "candidates" in encode_body(extras(promptFeedback={"safetyRatings": []}))


# --- framing and errors inside -----------------------------------------------------------------------


def test_stream_is_sse_or_a_json_array() -> None:
    reply = make_reply(Text(("a",)))
    assert encode_stream(reply).framing is Framing.SSE_CRLF
    array = encode_stream(reply, generate(stream=True))
    assert array.framing is Framing.JSON_ARRAY
    assert dict(array.head.headers)["content-type"] == "application/json; charset=UTF-8"
    assert objects_of(array) == chunks(reply)


def test_error_inside_stream_is_unframed_or_an_array_item() -> None:
    broken = make_reply(Text(("a",)), failure=Failure("overloaded"))
    *_, last = encode_stream(broken).steps
    assert isinstance(last, RawStep)
    assert last.data.startswith(b'{\n  "error"')
    *_, item = objects_of(encode_stream(broken, generate(stream=True)))
    assert item["error"]["code"] == 503


def test_block_inside_a_stream_ends_it_with_safety() -> None:
    broken = make_reply(Text(("a",)), failure=Failure("content_filter"))
    *_, last = encode_stream(broken).steps
    assert isinstance(last, EventStep)
    *_, chunk = chunks(broken)
    assert chunk["candidates"] == [{"finishReason": "SAFETY", "index": 0}]


def test_key_contains_all_that_changes_the_bytes() -> None:
    requests = [
        generate(),
        generate(stream=True),
        generate(stream=True, query="alt=sse"),
        generate(base=VERTEX),
        generate(base=VERTEX, query="$alt=json;enum-encoding=int"),
        generate(generationConfig={"thinkingConfig": {"includeThoughts": False}}),
    ]
    assert len({GENERATE.encoding_key(request) for request in requests}) == 5
    assert GENERATE.encoding_key(requests[0]) == GENERATE.encoding_key(requests[1]), (
        "that it streams is known"
    )
