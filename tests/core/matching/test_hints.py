"""Values in a few words, never a dump."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import MISSING, Json
from mockllm.core.matching.hints import CASE, brief, cut, kind, nearest_word, of_equal, of_text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (MISSING, "missing"),
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1.5, "1.5"),
        ("a\nb", '"a\\nb"'),
        ("x" * 200, '"' + "x" * 79 + '…"'),
        ({"a": [1, "b"], "c": {}}, '{"a": [1, "b"], "c": {}}'),
        (("a", "b"), '["a", "b"]'),
        (
            list(range(1000)),
            "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, …",
        ),
    ],
)
def test_brief(value: Json, words: str) -> None:
    assert brief(value) == words


def test_brief_looks_no_deeper_than_it_shows() -> None:
    deep: Json = 1
    for _ in range(5000):
        deep = {"a": [deep]}
    assert brief(deep) == ('{"a": [' * 20)[:79] + "…"


def test_cut_leaves_what_is_short() -> None:
    assert cut("x" * 80) == "x" * 80
    assert len(cut("x" * 81)) == 80


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (MISSING, "missing"),
        (None, "null"),
        (True, "true or false"),
        (1, "a number"),
        ("", "a text"),
        ([], "a list"),
        ((), "a list"),
        ({}, "an object"),
    ],
)
def test_kind(value: Json, word: str) -> None:
    assert kind(value) == word


def test_nearest_word() -> None:
    assert nearest_word("get_wether", ["get_news", "get_weather"]) == "get_weather"
    assert nearest_word("something", ["get_news"]) is None
    assert nearest_word(5, ["5"]) is None


def test_of_a_very_long_text_no_hint_is_looked_for() -> None:
    assert of_text("HELLO", "hello " * 10, str.__contains__) == CASE
    assert of_text("HELLO", "hello " * 20_000, str.__contains__) is None
    assert of_equal("A" * 90_000, "a" * 90_000) == CASE
    assert of_equal("A" * 110_000, "a" * 110_000) is None
