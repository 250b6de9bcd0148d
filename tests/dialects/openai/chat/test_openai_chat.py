"""Chat responses beyond the golden files: models, extras, native parts, custom tools, chunks."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, WaitStep
from mockllm.core.reply.reply import (
    Choice,
    NativePart,
    Part,
    Pause,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
    Verbatim,
)
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.openai.model_families import FAMILIES, SNAPSHOTS, family
from tests.dialects.openai.chat.chat_requests import IDENTITY, chat, of_bytes

HI = Reply((Choice((Text(("Hi", "!")),)),))


def reply_of(*parts: Part) -> Reply:
    return Reply((Choice(parts),))


def body_of_reply(reply: Reply, **fields: Json) -> Json:
    plan = CHAT.encode_body(reply, chat(**fields), IDENTITY)
    assert isinstance(plan.steps[0], EventStep)
    return loads(plan.steps[0].payload)


def chunks(plan: Plan) -> list[Json]:
    return [
        loads(step.payload)
        for step in plan.steps
        if isinstance(step, EventStep) and step.payload != b"[DONE]"
    ]


def deltas(reply: Reply, **fields: Json) -> list[Json]:
    payload = chunks(CHAT.encode_stream(reply, chat(**fields), IDENTITY))
    return [chunk["choices"][0]["delta"] for chunk in payload if chunk["choices"]]


@pytest.mark.parametrize(
    ("requested", "model"),
    [("gpt-4o", "gpt-4o-2024-08-06"), ("my-model", "my-model"), ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13")],
)
def test_alias_becomes_its_snapshot_other_names_stay(requested: str, model: str) -> None:
    assert body_of_reply(HI, model=requested)["model"] == model
    assert chunks(CHAT.encode_stream(HI, chat(model=requested), IDENTITY))[0]["model"] == model


def test_model_of_the_reply_overrides_the_request() -> None:
    assert body_of_reply(Reply(HI.choices, model="other"))["model"] == "other"


def test_request_without_model_gets_the_default_model() -> None:
    assert chunks(CHAT.encode_stream(HI, of_bytes(b""), IDENTITY))[0]["model"] == "gpt-4o-mini-2024-07-18"


def test_alias_and_snapshot_have_one_family() -> None:
    assert {alias for alias, dated in SNAPSHOTS.items() if family(alias) != family(dated)} == set()
    assert FAMILIES[-1][0] == "*"


@pytest.mark.parametrize("model", ["gpt-4.1-mini", "gpt-4o", "gpt-audio-mini", "o3-mini"])
def test_families_with_a_system_fingerprint_send_it(model: str) -> None:
    assert body_of_reply(HI, model=model)["system_fingerprint"].startswith("fp_")


@pytest.mark.parametrize("model", ["gpt-5", "o3", "o4-mini", "gpt-3.5-turbo"])
def test_other_families_have_no_system_fingerprint(model: str) -> None:
    assert body_of_reply(HI, model=model)["system_fingerprint"] is None


@pytest.mark.parametrize("model", ["gpt-audio-mini", "gpt-4o-audio-preview"])
def test_usage_of_audio_model_counts_texts_and_images(model: str) -> None:
    body = body_of_reply(Reply(HI.choices, Usage(5, 2)), model=model)
    prompt, completion = (body["usage"][f"{name}_tokens_details"] for name in ("prompt", "completion"))
    assert (prompt["text_tokens"], prompt["image_tokens"], completion["text_tokens"]) == (5, 0, 2)
    assert "logprobs" not in body["choices"][0]


def test_usage_of_gpt_5_6_always_counts_cache_writes() -> None:
    usage = body_of_reply(Reply(HI.choices, Usage(5, 2)), model="gpt-5.6")["usage"]
    assert usage["prompt_tokens_details"]["cache_write_tokens"] == 0


def test_search_model_has_no_service_tier() -> None:
    body = body_of_reply(HI, model="gpt-4o-mini-search-preview")
    assert "service_tier" not in body
    assert body["system_fingerprint"] == ""


def test_requested_tier_is_returned() -> None:
    assert body_of_reply(HI, service_tier="priority")["service_tier"] == "priority"


def test_extras_are_in_the_body_and_in_every_chunk() -> None:
    reply = Reply(
        HI.choices, extras={"openai": {"provider": "x", "system_fingerprint": "fp"}, "anthropic": {"a": 1}}
    )
    body = body_of_reply(reply)
    assert (body["provider"], body["system_fingerprint"]) == ("x", "fp")
    assert "a" not in body
    assert {
        (item["provider"], item["system_fingerprint"])
        for item in chunks(CHAT.encode_stream(reply, chat(), IDENTITY))
    } == {("x", "fp")}


def test_extras_usage_and_moderation_have_separate_chunks() -> None:
    reply = Reply(
        HI.choices, extras={"openai": {"usage": {"prompt_tokens": 1}, "moderation": {"flagged": False}}}
    )
    payload = chunks(CHAT.encode_stream(reply, chat(stream_options={"include_usage": True}), IDENTITY))
    assert [(item["choices"], (item["usage"] or {}).get("prompt_tokens")) for item in payload[-2:]] == [
        ([], 1),
        ([], None),
    ]
    assert payload[-2]["usage"]["total_tokens"] == 0
    assert ["moderation" in item for item in payload] == [False] * (len(payload) - 1) + [True]


def test_cache_write_tokens_appear_above_zero() -> None:
    reported = body_of_reply(Reply(HI.choices, Usage(10, 2, cache_read=3, cache_write=4)))["usage"]
    details = {"cached_tokens": 3, "audio_tokens": 0, "cache_write_tokens": 4}
    assert (reported["prompt_tokens"], reported["prompt_tokens_details"]) == (10, details)


def test_native_part_is_a_delta_and_a_message_member() -> None:
    reply = reply_of(Text(("Hi",)), NativePart("openai", {"audio": {"id": "a"}}))
    assert {"audio": {"id": "a"}} in deltas(reply)
    assert body_of_reply(reply)["choices"][0]["message"]["audio"] == {"id": "a"}


@pytest.mark.parametrize(
    "part", [NativePart("anthropic", {"type": "x"}), NativePart("openai", "no object"), Thinking(("a",))]
)
def test_supported_reply_omits_hidden_parts(part: Part) -> None:
    call = ToolCall("f", ("{}",), "call_1")
    assert deltas(reply_of(part, call)) == deltas(reply_of(call))
    assert body_of_reply(reply_of(part, call)) == body_of_reply(reply_of(call))


def test_reply_without_visible_parts_is_empty() -> None:
    assert deltas(reply_of(Thinking(("a",)))) == [{"role": "assistant", "content": "", "refusal": None}, {}]
    assert body_of_reply(reply_of())["choices"][0]["message"]["content"] == ""


def test_refusal_after_text_is_sent() -> None:
    reply = reply_of(Text(("Hm",)), Refusal(("no",)))
    assert deltas(reply)[1:3] == [{"content": "Hm"}, {"refusal": "no"}]
    message = body_of_reply(reply)["choices"][0]["message"]
    assert (message["content"], message["refusal"]) == ("Hm", "no")


def test_body_uses_the_text_for_non_streaming_responses() -> None:
    assert body_of_reply(reply_of(Text(("a", "b"), whole="c")))["choices"][0]["message"]["content"] == "c"


def test_custom_tool_call_has_text_input() -> None:
    tools = [{"type": "custom", "custom": {"name": "sql"}}]
    reply = reply_of(ToolCall("sql", ("select", " 1"), "call_1"))
    called = {"id": "call_1", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}
    assert body_of_reply(reply, tools=tools)["choices"][0]["message"]["tool_calls"] == [called]
    first, chunk, *_ = deltas(reply, tools=tools)
    assert first["tool_calls"][0]["custom"] == {"name": "sql", "input": ""}
    assert chunk == {"tool_calls": [{"index": 0, "custom": {"input": "select"}}]}


def test_call_ids_are_equal_in_body_and_stream() -> None:
    reply = reply_of(ToolCall("f", ("{}",)), ToolCall("f", ("{}",)))
    ids = [call["id"] for call in body_of_reply(reply)["choices"][0]["message"]["tool_calls"]]
    streamed = [call["id"] for delta in deltas(reply) for call in delta.get("tool_calls", ()) if "id" in call]
    assert ids == streamed
    assert len(set(ids)) == 2
    assert all(len(id) == 29 for id in ids)


def test_chunks_are_numbered_and_waits_keep_their_position() -> None:
    reply = reply_of(Text(("a", Pause(0.5), "b", Verbatim(b": hi\n\n"))))
    plan = CHAT.encode_stream(reply, chat(stream_options={"include_usage": True}), IDENTITY)
    assert plan.framing is Framing.SSE
    assert [
        (step.kind, step.chunk_number) if isinstance(step, EventStep) else step for step in plan.steps
    ] == [
        ("open", 0),
        ("chunk", 1),
        WaitStep(0.5, 1, explicit=True),
        ("chunk", 2),
        RawStep(b": hi\n\n", 2),
        ("finish", 2),
        ("usage", 2),
        ("end", 2),
    ]


def test_padding_fills_to_sixteen_and_varies_by_chunk() -> None:
    payload = chunks(CHAT.encode_stream(reply_of(Text(("Hello", "x" * 40))), chat(), IDENTITY))
    padding = [chunk["obfuscation"] for chunk in payload]
    assert [len(text) for text in padding] == [16, 11, 8, 16]
    assert len(set(padding)) == 4


def test_padding_of_many_chunks_has_the_right_length() -> None:
    payload = chunks(CHAT.encode_stream(reply_of(Text(("x",) * 200)), chat(), IDENTITY))
    assert {len(chunk["obfuscation"]) for chunk in payload} == {15, 16}


def test_key_contains_all_that_changes_the_bytes() -> None:
    keys = {
        CHAT.encoding_key(chat(**fields))
        for fields in (
            {},
            {"user": "me"},
            {"stream_options": {"include_usage": True}},
            {"stream_options": {"include_obfuscation": False}},
            {"service_tier": "flex"},
            {"tool_choice": {"type": "function", "function": {"name": "f"}}},
            {"tools": [{"type": "custom", "custom": {"name": "f"}}]},
        )
    }
    assert len(keys) == 6
