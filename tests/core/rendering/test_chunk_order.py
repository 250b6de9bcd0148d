"""Whose turn it is: beats by choice and part, and a reply cut behind one."""

from __future__ import annotations

import pytest

from mockllm.core.rendering.chunk_order import first_beats, spoken_beats
from mockllm.core.rendering.encoder import beats
from mockllm.core.reply.reply import Call, Choice, Native, Pause, Reply, Text, Thinking, Verbatim

BLOCK = Native("openai", {"x": 1})
ONE = Choice(
    (Thinking(("hm",)), Text(("a", Pause(1.0), "b")), BLOCK, Call("f", ("{", Verbatim(b": \n"), "}")))
)
TWO = Choice((Text(()), Text(("x", "y"))))
REPLY = Reply((ONE, TWO))


def test_choices_take_turns() -> None:
    assert spoken_beats(REPLY) == (
        (0, "hm"), (-1, "x"), (1, "a"), (-1, "y"), (1, "b"), (-1, ""), (3, "{"), (3, "}"),
    )  # fmt: skip
    assert [text for _, text in spoken_beats(REPLY)] == [each.text for each in beats(REPLY)[0]]
    assert spoken_beats(Reply(())) == ()


@pytest.mark.parametrize(
    ("count", "one", "two"),
    [
        (0, (), ()),
        (1, (ONE.parts[0],), ()),
        (2, (ONE.parts[0],), (Text(()), Text(("x",)))),
        (3, (ONE.parts[0], Text(("a",))), (Text(()), Text(("x",)))),
        (5, ONE.parts[:2], TWO.parts),
        (6, ONE.parts[:3], TWO.parts),
        (7, (*ONE.parts[:3], Call("f", ("{",))), TWO.parts),
        (8, ONE.parts, TWO.parts),
        (9, ONE.parts, TWO.parts),
    ],
)
def test_a_reply_is_cut_behind_a_beat(count: int, one: tuple[object, ...], two: tuple[object, ...]) -> None:
    assert tuple(choice.parts for choice in first_beats(REPLY, count).choices) == (one, two)
    assert len(spoken_beats(first_beats(REPLY, count))) == min(count, 8)
