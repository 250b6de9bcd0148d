"""JSON equality, and the keys by which the index sees it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.json.codec import Json
from mockllm.core.json.equality import DEPTH, equal, freeze, is_deep, subset


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (0, False, False),
        (True, True, True),
        (None, None, True),
        (None, 0, False),
        (None, False, False),
        ("1", 1, False),
        ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": 1}, {"a": True}, False),
        ({}, [], False),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        ([1], (1.0,), True),
        ([], "", False),
    ],
)
def test_equal_compares_type_and_content(left: Json, right: Json, same: bool) -> None:
    assert equal(left, right) is same
    assert equal(right, left) is same
    assert (freeze(left) == freeze(right)) is same


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(0, 2)
    | st.sampled_from([1.0, 0.0, 2.0, 1.5])
    | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
)


@given(json_values, json_values)
def test_freeze_has_equal_keys_for_equal_values_only(left: Json, right: Json) -> None:
    assert (freeze(left) == freeze(right)) is equal(left, right)


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        ({"a": 1}, {"a": 1.0, "b": 2}, True),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, True),
        ({"a": {"b": 1}}, {"a": {"c": 1}}, False),
        ({"a": 1}, [1], False),
        ({}, {"a": 1}, True),
        ([2, 1], [1, 3, 2], True),
        ([{"a": 1}], [{"b": 0}, {"a": 1, "b": 2}], True),
        ([4], [1, 2], False),
        ([], {}, False),
        (1, 1.0, True),
        (1, True, False),
    ],
)
def test_subset_compares_members_and_items(part: Json, whole: Json, expected: bool) -> None:
    assert subset(part, whole) is expected


@pytest.mark.parametrize(
    "wrap", [lambda value: [value], lambda value: {"a": value}], ids=["lists", "objects"]
)
def test_freeze_of_too_deep_value_equals_no_other(wrap: Json) -> None:
    value: Json = "bottom"
    for _ in range(DEPTH):
        value = wrap(value)
    deeper, shallower = wrap(value), value["a"] if isinstance(value, dict) else value[0]
    assert (is_deep(shallower), is_deep(value), is_deep(deeper)) == (False, False, True)
    assert len({freeze(shallower), freeze(value), freeze(deeper)}) == 3
