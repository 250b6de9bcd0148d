"""The order of chunks by choice and part, and a reply that is cut after one."""

from __future__ import annotations

import pytest

from mockllm.core.rendering.encoder import chunk_texts_of, first_chunks, timed_chunks
from mockllm.core.reply.reply import Choice, NativePart, Pause, Reply, Text, Thinking, ToolCall, Verbatim

BLOCK = NativePart("openai", {"x": 1})
ONE = Choice(
    (Thinking(("hm",)), Text(("a", Pause(1.0), "b")), BLOCK, ToolCall("f", ("{", Verbatim(b": \n"), "}")))
)
TWO = Choice((Text(()), Text(("x", "y"))))
REPLY = Reply((ONE, TWO))


def test_chunk_texts_alternate_choices() -> None:
    assert chunk_texts_of(REPLY) == (
        (0, "hm"), (-1, "x"), (1, "a"), (-1, "y"), (1, "b"), (-1, ""), (3, "{"), (3, "}"),
    )  # fmt: skip
    assert [text for _, text in chunk_texts_of(REPLY)] == [each.text for each in timed_chunks(REPLY)[0]]
    assert chunk_texts_of(Reply(())) == ()


@pytest.mark.parametrize(
    ("count", "one", "two"),
    [
        (0, (), ()),
        (1, (ONE.parts[0],), ()),
        (2, (ONE.parts[0],), (Text(()), Text(("x",)))),
        (3, (ONE.parts[0], Text(("a",))), (Text(()), Text(("x",)))),
        (5, ONE.parts[:2], TWO.parts),
        (6, ONE.parts[:3], TWO.parts),
        (7, (*ONE.parts[:3], ToolCall("f", ("{",))), TWO.parts),
        (8, ONE.parts, TWO.parts),
        (9, ONE.parts, TWO.parts),
    ],
)
def test_first_chunks_truncate_behind_a_chunk(
    count: int, one: tuple[object, ...], two: tuple[object, ...]
) -> None:
    assert tuple(choice.parts for choice in first_chunks(REPLY, count).choices) == (one, two)
    assert len(chunk_texts_of(first_chunks(REPLY, count))) == min(count, 8)
