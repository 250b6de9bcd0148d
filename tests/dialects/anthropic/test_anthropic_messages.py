"""How a reply is said in Anthropic's events and as one message."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, RawStep, WaitStep
from mockllm.core.reply.reply import (
    Call,
    Choice,
    ContentChunk,
    Finish,
    NativePart,
    Part,
    Pause,
    Refusal,
    Reply,
    Text,
    Thinking,
    Usage,
    Verbatim,
)
from mockllm.dialects.anthropic import MESSAGES
from tests.dialects.anthropic.messages_requests import STAMP, body_of, events_of, messages, streamed, whole


def reply(*parts: Part, finish: Finish = "stop", stopped_by: str | None = None, **more: Any) -> Reply:
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
]


@pytest.mark.parametrize(("finish", "stopped_by", "reason", "sequence"), STOPS)
def test_stop_reason(finish: Finish, stopped_by: str | None, reason: str, sequence: str | None) -> None:
    said = reply(Text(("x",)), finish=finish, stopped_by=stopped_by)
    last = streamed(said)[-2]["delta"]
    body = whole(said)
    details = {"type": "refusal", "category": None, "explanation": None} if reason == "refusal" else None
    wanted = {"stop_reason": reason, "stop_sequence": sequence, "stop_details": details}
    assert last == wanted
    assert {key: body[key] for key in wanted} == wanted


def test_a_refusal_that_ended_by_itself_is_a_refusal() -> None:
    body = whole(reply(Refusal(("No",))))
    assert (body["content"], body["stop_reason"]) == ([{"type": "text", "text": "No"}], "refusal")


def test_usage_leaves_out_the_caches_and_never_falls_below_zero() -> None:
    said = reply(Text(("x",)), usage=Usage(20, 9, cached_read=4, cache_write=6, reasoning=2))
    usage = whole(said)["usage"]
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
    assert whole(reply(usage=Usage(1, 1, cached_read=5)))["usage"]["input_tokens"] == 0


def test_a_stream_tells_the_input_first_and_the_totals_last() -> None:
    events = streamed(reply(Text(("x",)), usage=Usage(20, 9, cached_read=4, reasoning=2)))
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
    ("claude-opus-4-7", "global", False),
    ("claude-haiku-4-5-20251001", "not_available", False),
    ("claude-sonnet-4-20250514", "not_available", False),
    ("claude-3-7-sonnet-20250219", "not_available", False),
]


@pytest.mark.parametrize(("model", "geo", "details"), FAMILIES)
def test_families(model: str, geo: str, details: bool) -> None:
    usage = whole(reply(Text(("x",))), model=model)["usage"]
    assert (usage["inference_geo"], "output_tokens_details" in usage) == (geo, details)


def test_the_model_is_the_replys_else_the_requests_else_a_default() -> None:
    assert whole(reply(model="other"))["model"] == "other"
    assert whole(reply(), model="asked")["model"] == "asked"
    assert body_of(MESSAGES.encode_body(reply(), messages({}), STAMP))["model"] == "claude-sonnet-5"


def test_ids_have_the_providers_form_and_are_the_same_whenever_they_are_asked() -> None:
    said = reply(Call("a", ("{}",)), Call("b", ("{}",)), Call("c", ("{}",), "mine"))
    plan = MESSAGES.encode_body(said, messages(), STAMP)
    body = body_of(plan)
    ids = [block["id"] for block in body["content"]]
    assert [(id[:8], len(id)) for id in ids[:2]] == [("toolu_01", 30)] * 2
    assert len(set(ids)) == 3
    assert ids[2] == "mine"
    assert (body["id"][:6], len(body["id"])) == ("msg_01", 28)
    request_id = dict(plan.head.headers)["request-id"]
    assert (request_id[:6], len(request_id)) == ("req_01", 28)
    events = streamed(said)
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


@pytest.mark.parametrize(("pieces", "fragments", "given"), ARGUMENTS)
def test_arguments(pieces: tuple[ContentChunk, ...], fragments: list[str], given: Any) -> None:
    said = reply(Call("get", pieces), finish="tool_calls")
    assert [delta["partial_json"] for delta in deltas(streamed(said))] == fragments
    assert whole(said)["content"][0]["input"] == given


def test_thinking_ends_with_its_signature() -> None:
    said = reply(Thinking(("a", "b")), Thinking(("c",), "c2VhbA=="))
    first, second = whole(said)["content"]
    assert (first["thinking"], second) == (
        "ab",
        {"type": "thinking", "thinking": "c", "signature": "c2VhbA=="},
    )
    assert len(first["signature"]) == 256
    assert deltas(streamed(said)) == [
        {"type": "thinking_delta", "thinking": "a"},
        {"type": "thinking_delta", "thinking": "b"},
        {"type": "signature_delta", "signature": first["signature"]},
        {"type": "thinking_delta", "thinking": "c"},
        {"type": "signature_delta", "signature": "c2VhbA=="},
    ]


def test_redacted_thinking_never_shows_its_text() -> None:
    said = reply(Thinking(("secret",), "b3BhcXVl", redacted=True))
    block = {"type": "redacted_thinking", "data": "b3BhcXVl"}
    assert whole(said)["content"] == [block]
    events = streamed(said)
    assert events[1]["content_block"] == block
    assert deltas(events) == []


def test_thinking_that_is_disabled_is_not_shown() -> None:
    said = reply(Thinking(("Hm.",)), Text(("Yes.",)))
    disabled: dict[str, Json] = {"thinking": {"type": "disabled"}}
    assert [block["type"] for block in whole(said, **disabled)["content"]] == ["text"]
    opened = [
        event["content_block"]["type"] for event in streamed(said, **disabled) if "content_block" in event
    ]
    assert opened == ["text"]
    assert MESSAGES.variant(messages(**disabled)) != MESSAGES.variant(messages())


def test_thinking_is_omitted_only_where_the_client_says_so() -> None:
    said = reply(Thinking(("a",), "c2VhbA=="))
    omitted = {"thinking": {"type": "adaptive", "display": "omitted"}}
    assert whole(said, **omitted)["content"][0] == {
        "type": "thinking",
        "thinking": "",
        "signature": "c2VhbA==",
    }
    assert deltas(streamed(said, **omitted)) == [{"type": "signature_delta", "signature": "c2VhbA=="}]
    assert whole(said)["content"][0]["thinking"] == "a"
    assert MESSAGES.variant(messages(**omitted)) != MESSAGES.variant(messages())


def test_a_whole_answer_says_its_own_text_where_the_script_has_one() -> None:
    assert whole(reply(Text(("a", "b"), whole="AB")))["content"] == [{"type": "text", "text": "AB"}]


def test_only_the_first_choice_is_said() -> None:
    said = Reply((Choice((Text(("first",)),)), Choice((Text(("second",)),))))
    assert whole(said)["content"] == [{"type": "text", "text": "first"}]
    assert [delta["text"] for delta in deltas(streamed(said))] == ["first"]


def test_an_answer_without_anything_is_an_empty_message() -> None:
    for said in (Reply(()), reply()):
        assert whole(said)["content"] == []
        assert [event["type"] for event in streamed(said)] == [
            "message_start",
            "message_delta",
            "message_stop",
        ]


def test_other_dialects_blocks_leave_no_gap() -> None:
    said = reply(
        NativePart("openai", {"x": 1}), Text(("a",)), NativePart("anthropic", {"type": "compaction"})
    )
    assert whole(said)["content"] == [{"type": "text", "text": "a"}, {"type": "compaction"}]
    starts = [event for event in streamed(said) if event["type"] == "content_block_start"]
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


@pytest.mark.parametrize(("block", "opened", "said"), NATIVES)
def test_native_blocks(block: Any, opened: Any, said: list[Any]) -> None:
    events = streamed(reply(NativePart("anthropic", block)))
    assert events[1]["content_block"] == (block if opened is None else opened)
    assert deltas(events) == said
    assert whole(reply(NativePart("anthropic", block)))["content"] == [block]


def test_extras_stand_where_the_service_puts_them() -> None:
    extras = {
        "anthropic": {
            "container": {"id": "c"},
            "context_management": {"applied_edits": []},
            "usage": {"server_tool_use": {"web_search_requests": 1}},
            "fruit": "apple",
        },
        "openai": {"fruit": "pear"},
    }
    said = reply(Text(("x",)), extras=extras)
    body = whole(said)
    assert (body["fruit"], body["container"]) == ("apple", {"id": "c"})
    assert body["usage"]["server_tool_use"] == {"web_search_requests": 1}
    events = streamed(said)
    assert events[0]["message"]["fruit"] == "apple"
    assert not {"container", "context_management"} & set(events[0]["message"])
    assert events[-2]["delta"]["container"] == {"id": "c"}
    assert events[-2]["context_management"] == {"applied_edits": []}
    assert events[-2]["usage"]["server_tool_use"] == {"web_search_requests": 1}
    assert "input_tokens" in whole(reply(extras={"anthropic": {"usage": "odd"}}))["usage"]


def test_what_a_script_puts_between_pieces_stays_between_them() -> None:
    said = reply(Text(("a", Pause(0.2), "b", Verbatim(b": hi\n\n"))))
    steps = MESSAGES.encode_stream(said, messages(stream=True), STAMP).steps
    shown = [
        (step.kind, step.chunk_index) if isinstance(step, EventStep) else step
        for step in steps
        if not (isinstance(step, EventStep) and step.kind == "open")
    ]
    assert shown == [
        ("say", 1),
        WaitStep(0.2, 1, scripted=True),
        ("say", 2),
        RawStep(b": hi\n\n", 2),
        ("close", 2),
        ("finish", 2),
        ("end", 2),
    ]


def test_an_error_inside_a_stream_closes_nothing() -> None:
    said = reply(Text(("a",)), broken=Failure("server_error", message="Gone.", fields={"details": {"x": 1}}))
    plan = MESSAGES.encode_stream(said, messages(stream=True), STAMP)
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


def test_the_headers_of_an_answer() -> None:
    headers = dict(MESSAGES.encode_body(reply(), messages(), STAMP).head.headers)
    assert headers["content-type"] == "application/json"
    for name in ("requests", "tokens", "input-tokens", "output-tokens"):
        limit, remaining = (
            int(headers[f"anthropic-ratelimit-{name}-{key}"]) for key in ("limit", "remaining")
        )
        assert 0 < remaining <= limit
        assert headers[f"anthropic-ratelimit-{name}-reset"] == "2025-10-09T08:53:20Z"
    assert headers["anthropic-organization-id"]
    streams = dict(MESSAGES.encode_stream(reply(), messages(), STAMP).head.headers)
    assert (streams["content-type"], streams["cache-control"]) == (
        "text/event-stream; charset=utf-8",
        "no-cache",
    )
