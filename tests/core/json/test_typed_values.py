"""Values that clients send have the expected type, or are replaced by a harmless value."""

from __future__ import annotations

import pytest

from mockllm.core.json.typed_values import whole_number


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
