"""Likely texts of fields."""

from __future__ import annotations

from random import Random

import pytest

from mockllm.core.reply.chunking import filler_sentence
from mockllm.core.schema_values.realistic import (
    _CHOICES,
    TEXTS,
    FieldContext,
    Words,
    skipping,
    uuid,
)
from mockllm.core.schema_values.strings import expected_text, expected_texts

FIELDS = [
    *(FieldContext(name) for name in (*TEXTS, "unknown", "count", "page_number")),
    FieldContext("value", "The text of a note, for example 'short'."),
    FieldContext("text", "A summary. For example: 'nothing'."),
    FieldContext("name", "", "city"),
]


@pytest.mark.parametrize(
    "field", FIELDS, ids=lambda field: f"{field.name}-{field.owner}-{bool(field.description)}"
)
def test_likeliest_text_has_draws_of_all_texts(field: FieldContext) -> None:
    for seed in range(20):
        all_texts, likeliest = Random(seed), Random(seed)
        assert expected_text(field)(likeliest) == expected_texts(field)(all_texts)[0]
        assert likeliest.getstate() == all_texts.getstate()


@pytest.mark.parametrize("words", [*_CHOICES, filler_sentence, uuid, ("a",), ("a", "b", "c")])
def test_skipping_draws_what_a_text_draws(words: Words) -> None:
    for seed in range(200):
        drawn, skipped = Random(seed), Random(seed)
        for _ in range(2):
            if callable(words):
                words(drawn)
            else:
                drawn.choice(words)
        skipping([words, words])(skipped)
        assert skipped.getstate() == drawn.getstate()
