"""Values that clients send have the expected type, or are replaced by a harmless value."""

from __future__ import annotations

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import truncated_count, whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("7", 7),
        ("999999999", 999_999_999),
        ("9" * 10, -1),
        ("9" * 5_000, -1),
        ("-1", -1),
        ("x", -1),
    ],
)
def test_whole_number_of_a_text_is_bounded(text: str, number: int) -> None:
    assert whole_number(text, -1) == number


def test_whole_number_without_a_text_is_the_default() -> None:
    assert whole_number(None, 20) == 20


@pytest.mark.parametrize(
    ("value", "count"), [(2, 2), (2.7, 2), (0, None), (0.5, None), (True, None), ("2", None), (None, None)]
)
def test_truncated_count_is_of_a_number_of_at_least_1(value: Json, count: int | None) -> None:
    assert truncated_count(value) == count
