"""Truncation at a stop sequence or at the maximum of tokens."""

from __future__ import annotations

import pytest

from mockllm.core.reply.reply import (
    Choice,
    ContentElement,
    Part,
    Pause,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    Verbatim,
    joined_text,
)
from mockllm.core.reply.truncation import first_characters, part_tokens, truncate
from mockllm.core.request.response_parameters import OutputBounds
from mockllm.core.tokens import estimate, split

WORDS = ("one", " two", " three", " four")
CALL = ToolCall("get_weather", ('{"city":', '"Paris"}'))


def cut(
    *parts: Part, stop: tuple[str, ...] = (), max_tokens: int | None = None, finish: str = "stop"
) -> Choice:
    return truncate(Choice(parts, finish), OutputBounds(stop=stop, max_tokens=max_tokens))  # type: ignore[arg-type]


def test_part_tokens_are_stated_or_estimated() -> None:
    assert part_tokens(Text(WORDS, tokens=9)) == 9
    assert part_tokens(Text(WORDS)) == 4
    assert part_tokens(Text(WORDS, whole="something else altogether")) == 3
    assert part_tokens(Thinking(WORDS)) == 4
    assert part_tokens(CALL) == len(split('get_weather{"city":"Paris"}'))


def test_truncate_long_text_in_proportion() -> None:
    text = "A sentence of several words stands here. " * 20
    needed = part_tokens(Text((text,)))
    assert needed == estimate(text)
    (half,) = cut(Text((text,)), max_tokens=needed // 2).parts
    assert isinstance(half, Text)
    assert half.tokens == needed // 2
    assert len(joined_text(half.chunks)) == pytest.approx(len(text) / 2, abs=10)


def test_truncate_within_limits_returns_same_choice() -> None:
    choice = Choice((Text(WORDS),))
    assert truncate(choice, OutputBounds()) is choice
    assert truncate(choice, OutputBounds(stop=("five", ""), max_tokens=100)) is choice


@pytest.mark.parametrize(
    ("stop", "content", "by"),
    [
        (("two",), ("one", " "), "two"),
        (("one",), (), "one"),
        (("e t",), ("on",), "e t"),
        (("four", "three"), ("one", " two", " "), "three"),
        (("two", "two three"), ("one", " "), "two"),
    ],
)
def test_truncate_at_first_stop_sequence(stop: tuple[str, ...], content: tuple[str, ...], by: str) -> None:
    choice = cut(Text(WORDS), CALL, stop=stop, finish="tool_calls")
    assert choice == Choice((Text(content),), "stop", by)


def test_truncate_finds_stop_sequence_in_texts_only() -> None:
    parts = (Thinking(("stop",)), Text(("one",)), Refusal(("stop",)), Text((" a stop b",)))
    assert cut(*parts, stop=("stop",)).parts == (*parts[:3], Text((" a ",)))


def test_truncate_after_max_tokens() -> None:
    assert cut(Text(WORDS), max_tokens=2) == Choice((Text(("one", " two"), 2),), "length")
    assert cut(Text(WORDS, tokens=4), max_tokens=3) == Choice((Text(("one", " two", " three"), 3),), "length")
    assert cut(Text(("one two", " three four"), tokens=4), max_tokens=3).parts == (
        Text(("one two", " three"), 3),
    )
    assert cut(Text(WORDS), max_tokens=0) == Choice((), "length")


def test_truncate_counts_thinking() -> None:
    parts = (Thinking(WORDS, "signature"), Text(WORDS))
    assert cut(*parts, max_tokens=2).parts == (Thinking(("one", " two"), "signature"),)
    used = 4
    assert cut(*parts, max_tokens=used + 1).parts == (parts[0], Text(("one",), 1))
    assert cut(*parts, max_tokens=used).parts == parts[:1]


def test_truncate_cuts_a_refusal_as_a_text() -> None:
    assert cut(Refusal(WORDS), max_tokens=3) == Choice((Refusal(("one", " two", " three")),), "length")
    assert cut(Text(WORDS), Refusal(WORDS), max_tokens=4).parts == (Text(WORDS),)


def test_truncate_leaves_calls_complete() -> None:
    assert cut(Text(("one",)), CALL, max_tokens=2, finish="tool_calls") == Choice((Text(("one",)),), "length")


def test_truncate_counts_tokens_after_stop_sequence() -> None:
    choice = cut(Text(WORDS), stop=(" four",), max_tokens=1)
    assert (choice.finish, choice.stopped_by) == ("length", None)


def test_first_characters_keep_pauses_before_text() -> None:
    texts: tuple[ContentElement, ...] = ("one", Pause(1.0), " two", Verbatim(b"x"), " three")
    assert first_characters(texts, 5) == ("one", Pause(1.0), " t")
    assert first_characters(texts, 3) == ("one",)
    assert first_characters(texts, 0) == ()
    assert first_characters(texts, 99) == texts
