"""Truncation by faults: after chunks, or a fraction of the characters."""

from __future__ import annotations

import pytest

from mockllm.core.reply.reply import (
    Choice,
    ContentElement,
    NativePart,
    Part,
    Pause,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from mockllm.core.reply.truncation import cut_chunks, cut_fraction, rechunked

HELLO = Text(("Hel", "lo ", "you", "."))
THOUGHT = Thinking(("Hm", "m."))
CALL = ToolCall("look", ('{"city":', '"Paris"}'))
ITEM = NativePart("openai", {"type": "web_search_call"})


@pytest.mark.parametrize(
    ("parts", "chunks", "remaining"),
    [
        pytest.param((HELLO,), 2, (Text(("Hel", "lo ")),), id="a text"),
        pytest.param((HELLO,), 4, (HELLO,), id="all of it"),
        pytest.param((HELLO,), 0, (), id="nothing"),
        pytest.param((THOUGHT, HELLO), 1, (Thinking(("Hm",)),), id="thinking that is shown counts"),
        pytest.param((THOUGHT, HELLO), 2, (THOUGHT,), id="at the end of a part"),
        pytest.param((HELLO, CALL), 5, (HELLO, ToolCall("look", ('{"city":',))), id="in a call"),
        pytest.param((ITEM, HELLO), 2, (ITEM, Text(("Hel",))), id="a foreign block is a chunk"),
        pytest.param((Refusal(("No", ".")),), 1, (Refusal(("No",)),), id="a refusal"),
        pytest.param(
            (Text(("a", Pause(1.0), "b", Pause(2.0), "c")),),
            2,
            (Text(("a", Pause(1.0), "b")),),
            id="waits between stay",
        ),
        pytest.param((Text(("a", "b"), tokens=8),), 1, (Text(("a",), tokens=4),), id="tokens are counted on"),
        pytest.param(
            (Text(("a", "b"), whole="abcd"),),
            1,
            (Text(("a",), whole="ab"),),
            id="what is said whole is cut alike",
        ),
        pytest.param((Text(("", "")),), 1, (Text(()),), id="empty pieces"),
    ],
)
def test_cut_chunks_returns_first_chunks(
    parts: tuple[Part, ...], chunks: int, remaining: tuple[Part, ...]
) -> None:
    assert cut_chunks(Choice(parts), chunks) == Choice(remaining)


def test_cut_chunks_beyond_the_end_is_none() -> None:
    assert cut_chunks(Choice((HELLO,)), 5) is None


@pytest.mark.parametrize(
    ("parts", "fraction", "remaining"),
    [
        pytest.param((HELLO,), 0.5, (Text(("Hel", "lo")),), id="in the middle of a piece"),
        pytest.param((HELLO,), 1.0, (HELLO,), id="all of it"),
        pytest.param((HELLO,), 0.0, (), id="nothing"),
        pytest.param((HELLO,), 0.05, (), id="less than a character"),
        pytest.param((THOUGHT, HELLO), 0.1, (THOUGHT, Text(("H",))), id="thinking stays whole"),
        pytest.param((HELLO, CALL), 0.5, (HELLO, ToolCall("look", ('{"c',))), id="in a call"),
        pytest.param((ITEM, HELLO), 0.1, (ITEM, Text(("H",))), id="a foreign block before it stays"),
    ],
)
def test_cut_fraction_returns_part_of_characters(
    parts: tuple[Part, ...], fraction: float, remaining: tuple[Part, ...]
) -> None:
    assert cut_fraction(Choice(parts), fraction) == Choice(remaining)


@pytest.mark.parametrize(
    ("texts", "text", "content"),
    [
        pytest.param(("abc", "de"), "12345", ("123", "45"), id="as long"),
        pytest.param(("abc", "de"), "123456789", ("123", "456789"), id="longer"),
        pytest.param(("abc", "de"), "12", ("12",), id="shorter"),
        pytest.param(("abc", Pause(1.0), "de"), "12345", ("123", Pause(1.0), "45"), id="waits stay"),
        pytest.param((), "12", ("12",), id="of nothing"),
        pytest.param(("a", Pause(1.0)), "", (Pause(1.0),), id="nothing"),
    ],
)
def test_rechunked_preserves_chunk_boundaries(
    texts: tuple[ContentElement, ...], text: str, content: tuple[ContentElement, ...]
) -> None:
    assert rechunked(texts, text) == content
