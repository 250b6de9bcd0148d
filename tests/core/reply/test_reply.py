"""Replies before any wire format."""

from __future__ import annotations

import pytest

from mockllm.core.reply.reply import (
    Choice,
    ContentElement,
    Pause,
    Refusal,
    Reply,
    Text,
    ToolCall,
    Usage,
    Verbatim,
    joined_text,
)


@pytest.mark.parametrize(
    ("chunks", "text"),
    [((), ""), (("a",), "a"), ((Pause(1.0),), ""), (("a", Pause(1.0), "b", Verbatim(b"x")), "ab")],
)
def test_joined_text_is_the_text_of_the_chunks(chunks: tuple[ContentElement, ...], text: str) -> None:
    assert joined_text(chunks) == text


def test_choice_has_calls_and_non_streaming_text() -> None:
    call = ToolCall("f", ("{}",))
    choice = Choice((Text(("a", "b")), call, Refusal(("no",)), Text(("c",), whole="instead")))
    assert (choice.tool_calls, choice.text) == ((call,), "abinstead")


def test_usage_total_adds_input_and_output() -> None:
    usage = Usage(10, 5, cache_read=3)
    assert usage.total == 15
    assert Reply(()).with_usage(usage) == Reply((), usage)
