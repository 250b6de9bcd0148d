"""Encoding of a reply as Anthropic's events and as one message."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, RawStep, WaitStep
from mockllm.core.reply.reply import (
    Choice,
    ContentElement,
    Finish,
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
from mockllm.dialects.anthropic.messages import MESSAGES
from tests.dialects.anthropic.messages_requests import (
    IDENTITY,
    body_of,
    encode_body,
    encode_stream,
    events_of,
    messages,
)


def make_reply(*parts: Part, finish: Finish = "stop", stopped_by: str | None = None, **more: Any) -> Reply:
    return Reply((Choice(parts, finish, stopped_by),), **more)


def deltas(events: list[Any]) -> list[Any]:
    return [event["delta"] for event in events if event["type"] == "content_block_delta"]


STOPS: list[Any] = [
    ("stop", None, "end_turn", None),
    ("stop", "END", "stop_sequence", "END"),
    ("length", None, "max_tokens", None),
    ("length", "END", "max_tokens", None),
    ("tool_calls", None, "tool_use", None),
    ("content_filter", None, "refusal", None),
    ("refusal", None, "refusal", None),
    ("paused", None, "pause_turn", None),
]


@pytest.mark.parametrize(("finish", "stopped_by", "reason", "sequence"), STOPS)
def test_stop_reason_follows_the_finish(
    finish: Finish, stopped_by: str | None, reason: str, sequence: str | None
) -> None:
    reply = make_reply(Text(("x",)), finish=finish, stopped_by=stopped_by)
    last = encode_stream(reply)[-2]["delta"]
    body = encode_body(reply)
    details = {"type": "refusal", "category": None, "explanation": None} if reason == "refusal" else None
    expected = {"stop_reason": reason, "stop_sequence": sequence, "stop_details": details}
    assert last == expected
    assert {key: body[key] for key in expected} == expected


def test_complete_refusal_has_the_stop_reason_refusal() -> None:
    body = encode_body(make_reply(Refusal(("No",))))
    assert (body["content"], body["stop_reason"]) == ([{"type": "text", "text": "No"}], "refusal")


def test_usage_input_excludes_caches_and_is_never_negative() -> None:
    reply = make_reply(Text(("x",)), usage=Usage(20, 9, cache_read=4, cache_write=6, reasoning=2))
    usage = encode_body(reply)["usage"]
    assert usage == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 6,
        "cache_read_input_tokens": 4,
        "cache_creation": {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 2},
        "service_tier": "standard",
        "inference_geo": "global",
    }
    assert encode_body(make_reply(usage=Usage(1, 1, cache_read=5)))["usage"]["input_tokens"] == 0


def test_stream_has_input_tokens_first_and_totals_last() -> None:
    events = encode_stream(make_reply(Text(("x",)), usage=Usage(20, 9, cache_read=4, reasoning=2)))
    first, last = events[0]["message"]["usage"], events[-2]["usage"]
    assert (first["input_tokens"], first["output_tokens"], "output_tokens_details" in first) == (16, 1, False)
    assert last == {
        "input_tokens": 16,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 4,
        "output_tokens": 9,
        "output_tokens_details": {"thinking_tokens": 2},
    }


FAMILIES: list[Any] = [
    ("claude-sonnet-5", "global", True),
    ("my-own-model", "global", True),
    ("claude-opus-4-8", "global", True),
    ("claude-opus-4-7", "global", False),
    ("claude-haiku-4-5-20251001", "not_available", False),
    ("claude-sonnet-4-20250514", None, False),
    ("claude-3-7-sonnet-20250219", "not_available", False),
]


@pytest.mark.parametrize(("model", "geo", "details"), FAMILIES)
def test_usage_fields_follow_the_model_family(model: str, geo: str | None, details: bool) -> None:
    usage = encode_body(make_reply(Text(("x",))), model=model)["usage"]
    assert (usage.get("inference_geo"), "output_tokens_details" in usage) == (geo, details)


@pytest.mark.parametrize(("kind", "counted"), [("adaptive", True), ("enabled", True), ("disabled", False)])
def test_usage_counts_thinking_where_the_request_enables_it(kind: str, counted: bool) -> None:
    reply = make_reply(Text(("x",)))
    fields: Any = {"model": "claude-haiku-4-5", "thinking": {"type": kind}}
    assert ("output_tokens_details" in encode_body(reply, **fields)["usage"]) is counted
    assert ("output_tokens_details" in encode_stream(reply, **fields)[-2]["usage"]) is counted


def test_models_of_older_recordings_have_no_details() -> None:
    reply = make_reply(ToolCall("a", ("{}",)), finish="tool_calls")
    for model in ("claude-3-5-haiku-20241022", "claude-opus-4-1", "claude-sonnet-4-0"):
        body = encode_body(reply, model=model)
        assert ("stop_details" in body, "caller" in body["content"][0]) == (False, False)
        events = encode_stream(reply, model=model)
        assert not ["stop_details" for event in events if "stop_details" in str(event)]
    assert "stop_details" in encode_body(reply, model="claude-sonnet-4-5")


def test_model_comes_from_reply_then_request_then_default() -> None:
    assert encode_body(make_reply(model="other"))["model"] == "other"
    assert encode_body(make_reply(), model="asked")["model"] == "asked"
    assert body_of(MESSAGES.encode_body(make_reply(), messages({}), IDENTITY))["model"] == "claude-sonnet-5"


ALIASES: list[Any] = [
    ("claude-sonnet-4-0", "claude-sonnet-4-20250514"),
    ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
    ("claude-3-7-sonnet-latest", "claude-3-7-sonnet-20250219"),
    ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929"),
    ("claude-opus-4-7", "claude-opus-4-7"),
]


@pytest.mark.parametrize(("alias", "served"), ALIASES)
def test_response_names_the_dated_model_of_an_alias(alias: str, served: str) -> None:
    assert encode_body(make_reply(), model=alias)["model"] == served
    assert encode_stream(make_reply(), model=alias)[0]["message"]["model"] == served
    assert encode_body(make_reply(model=alias), model="x")["model"] == alias


def test_ids_have_the_providers_form_and_are_stable() -> None:
    reply = make_reply(ToolCall("a", ("{}",)), ToolCall("b", ("{}",)), ToolCall("c", ("{}",), "mine"))
    plan = MESSAGES.encode_body(reply, messages(), IDENTITY)
    body = body_of(plan)
    ids = [block["id"] for block in body["content"]]
    assert [(id[:8], len(id)) for id in ids[:2]] == [("toolu_01", 30)] * 2
    assert len(set(ids)) == 3
    assert ids[2] == "mine"
    assert (body["id"][:6], len(body["id"])) == ("msg_01", 28)
    request_id = dict(plan.head.headers)["request-id"]
    assert (request_id[:6], len(request_id)) == ("req_01", 28)
    events = encode_stream(reply)
    assert events[0]["message"]["id"] == body["id"]
    blocks = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    assert [block["id"] for block in blocks] == ids


ARGUMENTS: list[Any] = [
    pytest.param(('{"a":', "1}"), ["", '{"a":', "1}"], {"a": 1}, id="an empty fragment comes first"),
    pytest.param(("{}",), [""], {}, id='no arguments are "" and never {}'),
    pytest.param((), [""], {}, id="nothing said"),
    pytest.param((Pause(1.0),), [""], {}, id="only a wait"),
    pytest.param(("{", "}"), ["", ""], {}, id="no arguments in two pieces"),
    pytest.param(('{"a": ',), ["", '{"a": '], '{"a": ', id="broken on purpose"),
]


@pytest.mark.parametrize(("chunks", "fragments", "options"), ARGUMENTS)
def test_call_arguments_become_the_input(
    chunks: tuple[ContentElement, ...], fragments: list[str], options: Any
) -> None:
    reply = make_reply(ToolCall("get", chunks), finish="tool_calls")
    assert [delta["partial_json"] for delta in deltas(encode_stream(reply))] == fragments
    assert encode_body(reply)["content"][0]["input"] == options


def test_thinking_stream_ends_with_a_signature() -> None:
    reply = make_reply(Thinking(("a", "b")), Thinking(("c",), "c2VhbA=="))
    first, second = encode_body(reply)["content"]
    assert (first["thinking"], second) == (
        "ab",
        {"type": "thinking", "thinking": "c", "signature": "c2VhbA=="},
    )
    assert len(first["signature"]) == 256
    assert deltas(encode_stream(reply)) == [
        {"type": "thinking_delta", "thinking": "a"},
        {"type": "thinking_delta", "thinking": "b"},
        {"type": "signature_delta", "signature": first["signature"]},
        {"type": "thinking_delta", "thinking": "c"},
        {"type": "signature_delta", "signature": "c2VhbA=="},
    ]


def test_redacted_thinking_has_no_text() -> None:
    reply = make_reply(Thinking(("secret",), "b3BhcXVl", redacted=True))
    block = {"type": "redacted_thinking", "data": "b3BhcXVl"}
    assert encode_body(reply)["content"] == [block]
    events = encode_stream(reply)
    assert events[1]["content_block"] == block
    assert deltas(events) == []


def test_disabled_thinking_is_omitted() -> None:
    reply = make_reply(Thinking(("Hm.",)), Text(("Yes.",)))
    disabled: dict[str, Json] = {"thinking": {"type": "disabled"}}
    assert [block["type"] for block in encode_body(reply, **disabled)["content"]] == ["text"]
    opened = [
        event["content_block"]["type"]
        for event in encode_stream(reply, **disabled)
        if "content_block" in event
    ]
    assert opened == ["text"]
    assert MESSAGES.encoding_key(messages(**disabled)) != MESSAGES.encoding_key(messages())


def test_thinking_text_is_omitted_only_on_request() -> None:
    reply = make_reply(Thinking(("a",), "c2VhbA=="))
    omitted = {"thinking": {"type": "adaptive", "display": "omitted"}}
    assert encode_body(reply, **omitted)["content"][0] == {
        "type": "thinking",
        "thinking": "",
        "signature": "c2VhbA==",
    }
    assert deltas(encode_stream(reply, **omitted)) == [{"type": "signature_delta", "signature": "c2VhbA=="}]
    assert encode_body(reply)["content"][0]["thinking"] == "a"
    assert MESSAGES.encoding_key(messages(**omitted)) != MESSAGES.encoding_key(messages())


def test_body_uses_the_text_for_non_streaming_responses() -> None:
    assert encode_body(make_reply(Text(("a", "b"), whole="AB")))["content"] == [
        {"type": "text", "text": "AB"}
    ]


def test_message_contains_only_the_first_choice() -> None:
    reply = Reply((Choice((Text(("first",)),)), Choice((Text(("second",)),))))
    assert encode_body(reply)["content"] == [{"type": "text", "text": "first"}]
    assert [delta["text"] for delta in deltas(encode_stream(reply))] == ["first"]


def test_empty_reply_is_an_empty_message() -> None:
    for reply in (Reply(()), make_reply()):
        assert encode_body(reply)["content"] == []
        assert [event["type"] for event in encode_stream(reply)] == [
            "message_start",
            "message_delta",
            "message_stop",
        ]


def test_blocks_of_other_dialects_leave_no_index_gap() -> None:
    reply = make_reply(
        NativePart("openai", {"x": 1}), Text(("a",)), NativePart("anthropic", {"type": "compaction"})
    )
    assert encode_body(reply)["content"] == [{"type": "text", "text": "a"}, {"type": "compaction"}]
    starts = [event for event in encode_stream(reply) if event["type"] == "content_block_start"]
    assert [(event["index"], event["content_block"]["type"]) for event in starts] == [
        (0, "text"),
        (1, "compaction"),
    ]


NATIVES: list[Any] = [
    pytest.param({"type": "web_search_tool_result", "content": []}, None, [], id="a result is whole at once"),
    pytest.param(
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": 1}},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        [
            {"type": "input_json_delta", "partial_json": ""},
            {"type": "input_json_delta", "partial_json": '{"q":1}'},
        ],
        id="a call's input comes in fragments",
    ),
    pytest.param(
        {"type": "mcp_tool_use", "input": {}},
        None,
        [{"type": "input_json_delta", "partial_json": ""}],
        id="a call without input",
    ),
    pytest.param(
        {"type": "text", "text": "So.", "citations": [{"cited_text": "x"}]},
        {"type": "text", "text": "", "citations": []},
        [{"type": "citations_delta", "citation": {"cited_text": "x"}}, {"type": "text_delta", "text": "So."}],
        id="citations come before their text",
    ),
    pytest.param({"type": "text", "text": "So."}, None, [], id="a text written as a block"),
    pytest.param("odd", None, [], id="what is no block"),
]


@pytest.mark.parametrize(("block", "opened", "payload"), NATIVES)
def test_native_block_streams_in_its_deltas(block: Any, opened: Any, payload: list[Any]) -> None:
    events = encode_stream(make_reply(NativePart("anthropic", block)))
    assert events[1]["content_block"] == (block if opened is None else opened)
    assert deltas(events) == payload
    assert encode_body(make_reply(NativePart("anthropic", block)))["content"] == [block]


def test_extras_are_placed_as_the_service_places_them() -> None:
    extras = {
        "anthropic": {
            "container": {"id": "c"},
            "context_management": {"applied_edits": []},
            "usage": {"server_tool_use": {"web_search_requests": 1}},
            "fruit": "apple",
        },
        "openai": {"fruit": "pear"},
    }
    reply = make_reply(Text(("x",)), extras=extras)
    body = encode_body(reply)
    assert (body["fruit"], body["container"]) == ("apple", {"id": "c"})
    assert body["usage"]["server_tool_use"] == {"web_search_requests": 1}
    events = encode_stream(reply)
    assert events[0]["message"]["fruit"] == "apple"
    assert not {"container", "context_management"} & set(events[0]["message"])
    assert events[-2]["delta"]["container"] == {"id": "c"}
    assert events[-2]["context_management"] == {"applied_edits": []}
    assert events[-2]["usage"]["server_tool_use"] == {"web_search_requests": 1}
    assert "input_tokens" in encode_body(make_reply(extras={"anthropic": {"usage": "odd"}}))["usage"]


def test_waits_between_chunks_keep_their_positions() -> None:
    reply = make_reply(Text(("a", Pause(0.2), "b", Verbatim(b": hi\n\n"))))
    steps = MESSAGES.encode_stream(reply, messages(stream=True), IDENTITY).steps
    shown = [
        (step.kind, step.chunk_number) if isinstance(step, EventStep) else step
        for step in steps
        if not (isinstance(step, EventStep) and step.kind == "open")
    ]
    assert shown == [
        ("chunk", 1),
        WaitStep(0.2, 1, explicit=True),
        ("chunk", 2),
        RawStep(b": hi\n\n", 2),
        ("close", 2),
        ("finish", 2),
        ("end", 2),
    ]


def test_error_inside_a_stream_closes_no_block() -> None:
    reply = make_reply(
        Text(("a",)), failure=Failure("server_error", message="Gone.", fields={"details": {"x": 1}})
    )
    plan = MESSAGES.encode_stream(reply, messages(stream=True), IDENTITY)
    events = events_of(plan)
    assert [event["type"] for event in events] == [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "error",
    ]
    assert events[-1] == {
        "type": "error",
        "error": {"details": {"x": 1}, "type": "api_error", "message": "Gone."},
        "request_id": dict(plan.head.headers)["request-id"],
    }


def test_message_headers_have_id_organization_and_limits() -> None:
    headers = dict(MESSAGES.encode_body(make_reply(), messages(), IDENTITY).head.headers)
    assert headers["content-type"] == "application/json"
    for name in ("requests", "tokens", "input-tokens", "output-tokens"):
        limit, remaining = (
            int(headers[f"anthropic-ratelimit-{name}-{key}"]) for key in ("limit", "remaining")
        )
        assert 0 < remaining <= limit
        assert headers[f"anthropic-ratelimit-{name}-reset"] == "2025-10-09T08:53:20Z"
    assert headers["anthropic-organization-id"]
    streams = dict(MESSAGES.encode_stream(make_reply(), messages(), IDENTITY).head.headers)
    assert (streams["content-type"], streams["cache-control"]) == (
        "text/event-stream; charset=utf-8",
        "no-cache",
    )
