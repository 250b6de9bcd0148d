"""Responses beyond the golden files: echoed fields, models, extras, native items, ids, chunks."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json, dumps, loads
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
from mockllm.dialects.decoded_response import DecodedToolCall
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.openai.provider import INPUT_TOKENS
from mockllm.dialects.openai.responses.dialect import RESPONSES
from mockllm.dialects.openai.responses.input_calls import InputTokensRequest
from mockllm.dialects.openai.responses.items import STAGES
from tests.dialects.openai.chat.chat_requests import IDENTITY, chat
from tests.dialects.openai.responses.responses_requests import of_bytes, responses

HI = Reply((Choice((Text(("Hi", "!")),)),))


def reply_of(*parts: Part) -> Reply:
    return Reply((Choice(parts),))


def body_of_reply(reply: Reply, **fields: Json) -> Json:
    plan = RESPONSES.encode_body(reply, responses(**fields), IDENTITY)
    assert isinstance(plan.steps[0], EventStep)
    return loads(plan.steps[0].payload)


def events(reply: Reply, **fields: Json) -> list[Json]:
    plan = RESPONSES.encode_stream(reply, responses(**fields), IDENTITY)
    return [loads(step.payload) for step in plan.steps if isinstance(step, EventStep)]


def event_types(reply: Reply, **fields: Json) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events(reply, **fields)]


@pytest.mark.parametrize(
    ("requested", "model"),
    [("gpt-4o", "gpt-4o-2024-08-06"), ("my-model", "my-model"), (None, "gpt-4o-mini-2024-07-18")],
)
def test_response_model_is_the_snapshot_of_an_alias(requested: str | None, model: str) -> None:
    assert body_of_reply(HI, model=requested)["model"] == model


def test_model_of_the_reply_overrides_the_request() -> None:
    assert body_of_reply(Reply(HI.choices, model="other"))["model"] == "other"


@pytest.mark.parametrize("stream", [False, True])
def test_any_body_is_echoed_as_far_as_it_is_valid(stream: bool) -> None:
    for raw in (b"", b"[]", b'{"tools": 1, "text": [], "reasoning": 7, "metadata": null, "top_p": "x"}'):
        request = of_bytes(raw)
        plan = (RESPONSES.encode_stream if stream else RESPONSES.encode_body)(HI, request, IDENTITY)
        last = plan.steps[-1]
        assert isinstance(last, EventStep)
        body = loads(last.payload)
        body = body["response"] if stream else body
        assert (body["tools"], body["metadata"], body["top_p"]) == ([], {}, 1.0)


def test_response_echoes_settings_with_defaults() -> None:
    body = body_of_reply(
        HI,
        model="gpt-5-mini",
        conversation="conv_1",
        prompt={"id": "p"},
        reasoning={"effort": "low", "summary": "auto"},
        temperature=0,
        text={"format": {"type": "json_schema", "name": "n", "schema": {}}},
        tools=[{"type": "function", "name": "f", "strict": None}, {"type": "mcp", "server_label": "x"}],
        service_tier="priority",
    )
    assert (body["conversation"], body["prompt"], body["temperature"]) == ({"id": "conv_1"}, {"id": "p"}, 0.0)
    assert body["reasoning"] == {
        "context": "current_turn",
        "effort": "low",
        "summary": "detailed",
        "mode": "standard",
    }
    assert body["text"]["format"]["strict"] is False
    assert body["tools"][0]["strict"] is True
    assert body["tools"][1] == {
        "type": "mcp",
        "server_label": "x",
        "headers": None,
        "server_description": None,
    }
    assert body["service_tier"] == "priority"
    assert body_of_reply(HI, conversation={"id": "conv_2"})["conversation"] == {"id": "conv_2"}


@pytest.mark.parametrize("part", [Thinking(()), Thinking(("secret",), redacted=True)])
def test_reasoning_without_text_is_added_and_done(part: Part) -> None:
    assert event_types(reply_of(part)) == [
        *("created", "in_progress", "output_item.added", "output_item.done", "completed")
    ]
    assert body_of_reply(reply_of(part))["output"][0]["summary"] == []


def test_empty_text_has_a_content_part() -> None:
    assert event_types(reply_of(Text(())))[3:-2] == [
        "content_part.added",
        "output_text.done",
        "content_part.done",
    ]


def test_extras_are_in_every_response_usage_in_the_last() -> None:
    reply = Reply(
        HI.choices, extras={"openai": {"provider": "x", "usage": {"input_tokens": 1}}, "anthropic": {"a": 1}}
    )
    body = body_of_reply(reply)
    assert (body["provider"], body["usage"]["input_tokens"], body["usage"]["total_tokens"]) == ("x", 1, 0)
    reported = [event["response"] for event in events(reply) if "response" in event]
    assert [(item["provider"], item["usage"]) for item in reported] == [
        ("x", None),
        ("x", None),
        ("x", body["usage"]),
    ]


def test_cache_write_tokens_appear_above_zero() -> None:
    details = body_of_reply(Reply(HI.choices, Usage(10, 2, 3, 4)))["usage"]["input_tokens_details"]
    assert details == {"cached_tokens": 3, "cache_write_tokens": 4}


@pytest.mark.parametrize(
    ("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_truncated_response_is_incomplete(finish: str, reason: str) -> None:
    reply = Reply((Choice((Text(("a",)), Text(("b",))), finish),))  # type: ignore[arg-type]
    body = body_of_reply(reply)
    assert (body["status"], body["incomplete_details"], body["completed_at"]) == (
        *("incomplete", {"reason": reason}),
        None,
    )
    assert [item["status"] for item in body["output"]] == ["completed", "incomplete"]
    assert event_types(reply)[-1] == "incomplete"


def test_response_contains_only_the_first_choice() -> None:
    reply = Reply((Choice((Text(("a",)),)), Choice((Text(("b",)),))))
    assert RESPONSES.supported_reply(reply, responses()) == reply_of(Text(("a",)))


@pytest.mark.parametrize(
    "part",
    [
        NativePart("anthropic", {"type": "x"}),
        NativePart("openai", "no object"),
        NativePart("openai", {"audio": {}}),
        NativePart("openai", {"type": 7}),
    ],
)
def test_supported_reply_omits_blocks_that_are_no_items(part: Part) -> None:
    call = ToolCall("f", ("{}",), "call_1")
    assert events(reply_of(part, call)) == events(reply_of(call))
    assert body_of_reply(reply_of(part, call)) == body_of_reply(reply_of(call))


def test_response_item_is_no_chat_delta() -> None:
    item = reply_of(NativePart("openai", {"type": "web_search_call"}))
    assert CHAT.supported_reply(item, chat()) == reply_of()


@pytest.mark.parametrize("kind", sorted(STAGES))
def test_server_tool_items_send_their_stages(kind: str) -> None:
    item = {"id": "i", "type": kind, "status": "completed", "code": "1+1", "arguments": "{}", "action": {}}
    payload = events(reply_of(NativePart("openai", item)))[2:-1]
    named = [event["type"].removeprefix("response.") for event in payload]
    assert [name for name in named if name.startswith(f"{kind}.")] == [
        f"{kind}.{stage}" for stage in STAGES[kind]
    ]
    assert (payload[0]["item"]["status"], payload[-1]["item"]) == ("in_progress", item)
    assert {event.get("item_id", "i") for event in payload} == {"i"}


def test_server_tool_code_and_arguments_are_deltas() -> None:
    item = {"type": "code_interpreter_call", "code": "1+1"}
    payload = events(reply_of(NativePart("openai", item)))
    assert payload[2]["item"]["code"] == ""
    assert [event["delta"] for event in payload if "delta" in event] == ["1+1"]
    assert payload[2]["item"]["id"] == payload[-2]["item"]["id"]


def test_native_message_streams_its_citations() -> None:
    citation = {"type": "url_citation", "url": "https://example.com"}
    content = [{"type": "output_text", "text": "Seen.", "annotations": [citation]}]
    item = {"id": "m", "type": "message", "role": "assistant", "content": content}
    payload = events(reply_of(NativePart("openai", item)))[2:-1]
    assert payload[0]["item"]["content"] == []
    assert [event["type"].removeprefix("response.") for event in payload[1:-1]] == [
        *("content_part.added", "output_text.delta", "output_text.annotation.added", "output_text.done"),
        "content_part.done",
    ]
    assert payload[3]["annotation"] == citation


@pytest.mark.parametrize("content", ["a text", [7], [{"type": "refusal", "annotations": 1}]])
def test_native_message_of_any_form_is_sent(content: Json) -> None:
    payload = events(reply_of(NativePart("openai", {"type": "message", "content": content})))
    assert payload[-2]["item"]["content"] == content


def test_body_uses_the_text_for_non_streaming_responses() -> None:
    assert body_of_reply(reply_of(Text(("a", "b"), whole="c")))["output"][0]["content"][0]["text"] == "c"


def test_custom_tool_call_has_text_input() -> None:
    tools = [{"type": "custom", "name": "sql"}]
    reply = reply_of(ToolCall("sql", ("select", " 1"), "call_1"))
    (item,) = body_of_reply(reply, tools=tools)["output"]
    assert (item["type"], item["input"], item["call_id"]) == ("custom_tool_call", "select 1", "call_1")
    assert item["id"].startswith("ctc_")
    assert event_types(reply, tools=tools)[3:6] == [
        *("custom_tool_call_input.delta", "custom_tool_call_input.delta", "custom_tool_call_input.done")
    ]
    for plan in (
        RESPONSES.encode_body(reply, responses(tools=tools), IDENTITY),
        RESPONSES.encode_stream(reply, responses(tools=tools), IDENTITY),
    ):
        decoded = RESPONSES.decode(plan)
        assert decoded is not None
        assert decoded.calls == (DecodedToolCall("sql", "select 1"),)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("shell", {"commands": ["ls"]}),
        ("shell", {"commands": ["ls"], "timeout_ms": 5}),
        ("local_shell", {"command": ["ls"]}),
        ("apply_patch", {"type": "delete_file", "path": "a.py"}),
        ("computer", {"type": "wait"}),
        ("computer_use_preview", {"type": "wait"}),
    ],
)
def test_call_of_client_tool_is_decoded_as_written(tool: str, arguments: Json) -> None:
    request = responses(tools=[{"type": tool}])
    reply = RESPONSES.supported_reply(reply_of(ToolCall(tool, (dumps(arguments).decode(),))), request)
    for encode in (RESPONSES.encode_body, RESPONSES.encode_stream):
        decoded = RESPONSES.decode(encode(reply, request, IDENTITY))
        assert decoded is not None
        assert (decoded.calls, decoded.finish) == ((DecodedToolCall(tool, arguments),), "tool_calls")
        assert decoded.left_out == ()


@pytest.mark.parametrize(
    "item",
    [
        {"type": "computer_call", "actions": [{"type": "wait"}, {"type": "screenshot"}]},
        {"type": "computer_call"},
        {"type": "shell_call", "action": {"commands": []}, "environment": {"type": "container_reference"}},
    ],
)
def test_item_that_no_tool_call_writes_is_left_out(item: Json) -> None:
    for encode in (RESPONSES.encode_body, RESPONSES.encode_stream):
        decoded = RESPONSES.decode(encode(reply_of(NativePart("openai", item)), responses(), IDENTITY))
        assert decoded is not None
        assert (decoded.calls, decoded.left_out) == ((), (item["type"],))


def test_ids_are_equal_in_body_and_every_event() -> None:
    reply = reply_of(
        Thinking(("a",)), Text(("b",)), Refusal(("c",)), ToolCall("f", ("{}",)), ToolCall("f", ("{}",))
    )
    payload = events(reply)
    items = body_of_reply(reply)["output"]
    assert payload[-1]["response"]["output"] == items
    assert len({item["id"] for item in items}) == len(items)
    assert {event["response"]["id"] for event in payload if "response" in event} == {
        body_of_reply(reply)["id"]
    }
    for event in payload:
        if "item_id" in event:
            assert event["item_id"] == items[event["output_index"]]["id"]
    assert [event["sequence_number"] for event in payload] == list(range(len(payload)))


def test_chunks_are_numbered_and_waits_keep_their_position() -> None:
    reply = reply_of(Text(("a", Pause(0.5), "b", Verbatim(b": hi\n\n"))))
    plan = RESPONSES.encode_stream(reply, responses(), IDENTITY)
    assert plan.framing is Framing.SSE
    assert [
        (step.kind, step.chunk_number) if isinstance(step, EventStep) else step for step in plan.steps
    ] == [
        *[("open", 0)] * 4,
        ("chunk", 1),
        WaitStep(0.5, 1, explicit=True),
        ("chunk", 2),
        RawStep(b": hi\n\n", 2),
        *[("close", 2)] * 3,
        ("end", 2),
    ]


def test_key_contains_all_that_changes_the_bytes() -> None:
    assert RESPONSES.encoding_key(responses()) is None
    assert RESPONSES.encoding_key(responses(input="other", stream=True)) is None
    fields: list[dict[str, Json]] = [{"user": "me"}, {"instructions": "x"}, {"tools": []}, {"temperature": 1}]
    assert len({RESPONSES.encoding_key(responses(**item)) for item in fields}) == len(fields)


# --- input tokens ----------------------------------------------------------------------------------


def count_request(raw: bytes) -> InputTokensRequest:
    return InputTokensRequest(method="POST", path="/v1/responses/input_tokens", headers={}, raw=raw)


def test_input_tokens_returns_the_estimate() -> None:
    request = count_request(b'{"model": "gpt-4o", "input": "Hello there"}')
    assert INPUT_TOKENS.check(request) is INPUT_TOKENS.check_readable(request) is None
    plan = INPUT_TOKENS.own_response(request, IDENTITY)
    assert isinstance(plan, Plan)
    step = plan.steps[0]
    assert isinstance(step, EventStep)
    assert loads(step.payload) == {
        "object": "response.input_tokens",
        "input_tokens": responses(input="Hello there").input_tokens,
    }


def test_input_tokens_of_invalid_input_is_refused() -> None:
    failure = INPUT_TOKENS.check(count_request(b'{"input": 7}'))
    assert failure is not None
    assert INPUT_TOKENS.error(failure, count_request(b"{}"), IDENTITY).head.status == 400
    assert INPUT_TOKENS.check_readable(count_request(b"[]")) is not None


def test_stream_without_finish_stops_after_its_last_item() -> None:
    reply = Reply((Choice((Text(("Hi",)),)),), unfinished=True)
    plan = RESPONSES.encode_stream(reply, responses(stream=True), IDENTITY)
    last = plan.steps[-1]
    assert isinstance(last, EventStep)
    assert last.event == "response.output_item.done"
