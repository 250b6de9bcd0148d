"""Short texts for JSON values."""

from __future__ import annotations

import pytest

from mockllm.core.display import brief, brief_ends, counted, kind, shortened
from mockllm.core.json.codec import MISSING, Json


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
def test_brief_shows_value_as_short_json(value: Json, words: str) -> None:
    assert brief(value) == words


def test_brief_of_deep_value_reads_only_shown_levels() -> None:
    deep: Json = 1
    for _ in range(5000):
        deep = {"a": [deep]}
    assert brief(deep) == ('{"a": [' * 20)[:79] + "…"


def test_cut_shortens_only_longer_texts() -> None:
    assert shortened("x" * 80) == "x" * 80
    assert len(shortened("x" * 81)) == 80


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
def test_kind_names_json_type(value: Json, word: str) -> None:
    assert kind(value) == word


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5, "5"),
        (["a", "b" * 100], '["a", "' + "b" * 72 + "…"),
        ("short", '"short"'),
        ("a\n" * 500, '"' + "a\\n" * 30 + " … " + "a\\n" * 20 + '" (1000 characters)'),
        (("get_time", "get_weather"), '["get_time", "get_weather"]'),
        ((), "[]"),
        (("a", 1), '["a", 1]'),
        (("x" * 70,) * 20, "[" + f'"{"x" * 70}", ' * 14 + "… 6 more]"),
    ],
)
def test_brief_ends_shows_both_ends_and_all_names(value: Json, words: str) -> None:
    assert brief_ends(value) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 rules"), (1, "1 rule"), (2, "2 rules")])
def test_counted_adds_plural(count: int, words: str) -> None:
    assert counted(count, "rule") == words
