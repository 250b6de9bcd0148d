"""A small value is its own part of a key; a large one has a digest, which differs for other values."""

from __future__ import annotations

from collections.abc import Hashable

import pytest

from mockllm.core.request.response_parameters import OutputBounds
from mockllm.core.value_or_digest import MAX_PART, value_or_digest


@pytest.mark.parametrize("value", [None, (), "x", b"x" * MAX_PART, ("a", 1)])
def test_small_value_is_its_own_key(value: Hashable) -> None:
    assert value_or_digest(value) == value


@pytest.mark.parametrize(
    "values",
    [
        [b"x" * 9_000, b"x" * 8_999 + b"y"],
        ["x" * 9_000, "x" * 9_001, "\ud800" * 9_000],
        [("x" * 5_000, "x" * 4_000), ("x" * 4_000, "x" * 5_000)],
    ],
)
def test_large_value_has_a_digest(values: list[Hashable]) -> None:
    keys = [value_or_digest(value) for value in values]
    assert keys == [value_or_digest(value) for value in values]
    assert len(set(keys)) == len(values)
    assert {len(key) for key in keys if isinstance(key, bytes)} == {16}


def test_key_of_bounds_is_small_with_many_stops() -> None:
    many = OutputBounds(stop=("",) * 100_000)
    assert isinstance(many.key, bytes)
    assert OutputBounds(max_tokens=3).key == OutputBounds(max_tokens=3)
