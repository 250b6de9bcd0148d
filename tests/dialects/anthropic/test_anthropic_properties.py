"""Properties of any reply: a legal order of Anthropic's events, equal in content to the message."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.json.codec import loads
from mockllm.core.reply.reply import (
    Choice,
    NativePart,
    Refusal,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from tests.dialects.anthropic.messages_requests import encode_body, encode_stream

CHUNKS = st.lists(st.text(max_size=3), max_size=3).map(tuple)
PARTS = st.one_of(
    st.builds(Text, CHUNKS),
    st.builds(Refusal, CHUNKS),
    st.builds(Thinking, CHUNKS, st.none() | st.just("sig"), st.booleans()),
    st.builds(ToolCall, st.just("get"), CHUNKS, st.none() | st.just("id")),
    st.builds(
        NativePart, st.sampled_from(["anthropic", "openai"]), st.just({"type": "tool_use", "input": {"a": 1}})
    ),
)
FINISHES = st.sampled_from(["stop", "length", "tool_calls", "content_filter", "refusal"])
CHOICES = st.builds(Choice, st.lists(PARTS, max_size=4).map(tuple), FINISHES)
REPLIES = st.builds(Reply, st.lists(CHOICES, max_size=2).map(tuple), st.just(Usage(3, 4)))


@given(REPLIES, st.booleans())
def test_any_reply_has_a_legal_order_of_events(reply: Reply, omitted: bool) -> None:
    fields = {"thinking": {"type": "adaptive", "display": "omitted"}} if omitted else {}
    events = encode_stream(reply, **fields)
    assert [event["type"] for event in events if event["type"] == "ping"] == ["ping"] * bool(events[1:-2])
    assert [events[0]["type"], events[-2]["type"], events[-1]["type"]] == [
        "message_start",
        "message_delta",
        "message_stop",
    ]
    opened: int | None = None
    following = 0
    for event in events[1:-2]:
        match event["type"]:
            case "content_block_start":
                assert (opened, event["index"]) == (None, following)
                opened, following = event["index"], following + 1
            case "content_block_delta":
                assert event["index"] == opened
            case "content_block_stop":
                assert event["index"] == opened
                opened = None
            case other:
                assert other == "ping"
    assert opened is None


@given(REPLIES)
def test_stream_and_body_of_any_reply_have_equal_content(reply: Reply) -> None:
    blocks: list[Any] = []
    for event in encode_stream(reply):
        if event["type"] == "content_block_start":
            blocks.append(dict(event["content_block"]))
            fragments = ""
        elif event["type"] == "content_block_delta":
            delta = event["delta"]
            match delta["type"]:
                case "text_delta":
                    blocks[-1]["text"] += delta["text"]
                case "thinking_delta":
                    blocks[-1]["thinking"] += delta["thinking"]
                case "signature_delta":
                    blocks[-1]["signature"] = delta["signature"]
                case "input_json_delta":
                    fragments += delta["partial_json"]
        elif event["type"] == "content_block_stop" and "input" in blocks[-1]:
            blocks[-1]["input"] = fragments
    expected = encode_body(reply)["content"]
    for block, other in zip(blocks, expected, strict=True):
        if "input" in block and isinstance(other["input"], str):
            streamed, whole = block["input"].strip(), other["input"]
            assert streamed == whole.strip() or loads(streamed) == whole  # a raw text, or a text in JSON
        elif "input" in block:
            assert loads(block["input"].strip() or b"{}") == other["input"]
        else:
            assert block == other
