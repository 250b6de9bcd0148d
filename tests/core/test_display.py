"""Short texts for JSON values."""

from __future__ import annotations

import pytest

from mockllm.core.display import brief, cut, kind
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
def test_kind_names_json_type(value: Json, word: str) -> None:
    assert kind(value) == word
