"""Hints for values that nearly meet a condition."""

from __future__ import annotations

from mockllm.core.matching.hints import CASE, equality_hint, nearest_word, text_hint


def test_nearest_word_returns_similar_word_or_none() -> None:
    assert nearest_word("get_wether", ["get_news", "get_weather"]) == "get_weather"
    assert nearest_word("something", ["get_news"]) is None
    assert nearest_word(5, ["5"]) is None


def test_hint_of_text_above_maximum_length_is_none() -> None:
    assert text_hint("HELLO", "hello " * 10, str.__contains__) == CASE
    assert text_hint("HELLO", "hello " * 20_000, str.__contains__) is None
    assert equality_hint("A" * 90_000, "a" * 90_000) == CASE
    assert equality_hint("A" * 110_000, "a" * 110_000) is None
