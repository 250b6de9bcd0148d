"""JSON that breaks a schema: by one change, in the requested way, at a drawn place."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.budget import Budget, BudgetExceeded
from mockllm.core.json.codec import Json
from mockllm.core.schema_values.generator import generate
from mockllm.core.schema_values.violations import (
    EXTRA,
    VIOLATION_KINDS,
    BudgetedCheck,
    ViolationKind,
    invalid_value,
)
from tests.examples import examples

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "enum": ["Paris", "Rome"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1},
        "exact": {"type": "boolean"},
        "share": {"type": "number", "maximum": 1},
        "nothing": {"type": "null"},
    },
    "required": ["city", "days", "tags", "exact", "share", "nothing"],
    "additionalProperties": False,
}
VALUE: dict[str, Json] = {
    "city": "Paris",
    "days": 3,
    "tags": ["sea"],
    "exact": True,
    "share": 0.5,
    "nothing": None,
}


def broken(value: Json, schema: Json, *ways: ViolationKind, seed: int = 0) -> Json:
    return invalid_value(
        value, BudgetedCheck(schema, Budget(100_000)).matches, ways or VIOLATION_KINDS, Random(seed)
    )


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("way", VIOLATION_KINDS)
def test_invalid_value_has_one_change(way: ViolationKind, seed: int) -> None:
    built = broken(VALUE, CITY, way, seed=seed)
    assert isinstance(built, dict)
    assert not BudgetedCheck(CITY, Budget()).matches(built)
    gone, come = VALUE.keys() - built.keys(), built.keys() - VALUE.keys()
    if way == "missing":
        assert (len(gone), come) == (1, set())
    elif way == "extra":
        assert (gone, come) == (set(), {EXTRA})
    else:
        assert (
            sum(built[name] != VALUE[name] or type(built[name]) is not type(VALUE[name]) for name in built)
            == 1
        )


def test_invalid_value_place_is_drawn_by_seed() -> None:
    assert broken(VALUE, CITY, "missing", seed=4) == broken(VALUE, CITY, "missing", seed=4)
    assert len({str(broken(VALUE, CITY, "missing", seed=seed)) for seed in range(30)}) > 3


@pytest.mark.parametrize(
    ("value", "schema", "way", "changed"),
    [
        pytest.param({"a": {"b": 1}}, {"properties": {"a": {"required": ["b"]}}}, "missing", {"a": {}}, id="inside"),
        pytest.param(
            [{"b": 1}], {"items": {"additionalProperties": False, "properties": {"b": {}}}}, "extra",
            [{"b": 1, EXTRA: True}], id="in a list",
        ),
        pytest.param("a", {"type": "string"}, "type", 7, id="a text becomes a number"),
        pytest.param(5, {"type": "integer"}, "type", "5", id="a number a text"),
        pytest.param([1], {"type": "array"}, "type", 1, id="a list its first item"),
        pytest.param([], {"type": "array"}, "type", "", id="an empty one a text"),
        pytest.param(None, {"type": "null"}, "type", "null", id="null a word"),
        pytest.param(True, {"type": "boolean"}, "type", "true", id="a boolean a word"),
        pytest.param({}, {"type": "object"}, "type", [{}], id="an object a list"),
        pytest.param({"a": 1}, {"properties": {"a": {"const": 1}}}, "value", {"a": 2}, id="another number"),
        pytest.param(True, {"const": True}, "value", False, id="the other truth"),
        pytest.param(0.5, {"maximum": 0.9}, "value", 1.0, id="a fraction too much"),
        pytest.param("a", {"enum": ["a"]}, "value", "not-a", id="a word of no list"),
        pytest.param([1], {"minItems": 1}, "value", [], id="a list without items"),
    ],
)  # fmt: skip
def test_invalid_value_by_kind(value: Json, schema: Json, way: ViolationKind, changed: Json) -> None:
    assert broken(value, schema, way) == changed


@pytest.mark.parametrize(
    ("value", "schema", "ways"),
    [
        pytest.param({"a": 1}, True, VIOLATION_KINDS, id="anything is allowed"),
        pytest.param({}, {"type": "object"}, ("value",), id="an object has no other value"),
        pytest.param({"a": 1}, {"type": "object"}, ("missing", "extra"), id="nothing is asked of it"),
    ],
)
def test_invalid_value_of_permissive_schema_is_none(
    value: Json, schema: Json, ways: tuple[ViolationKind, ...]
) -> None:
    assert broken(value, schema, *ways) is None


def test_invalid_value_of_gemini_schema() -> None:
    assert broken({"a": 1}, {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}}, "type") == {
        "a": "1"
    }


def test_budgeted_check_of_invalid_schema_raises() -> None:
    with pytest.raises(ValueError, match="not a valid JSON Schema"):
        BudgetedCheck({"type": 5, "pattern": "("}, Budget())


def test_invalid_value_search_is_bounded() -> None:
    value: Json = 1
    for _ in range(900):
        value = [value]
    assert broken(value, True) is None


@given(seed=st.integers(0, 1000))
@settings(max_examples=examples(60), deadline=None)
def test_invalid_value_of_generated_value(seed: int) -> None:
    built = generate(CITY, Random(seed)).value
    assert not BudgetedCheck(CITY, Budget()).matches(broken(built, CITY, seed=seed))


def test_budgeted_check_counts_patterns_and_values() -> None:
    budget = Budget()
    check = BudgetedCheck({"type": "string", "pattern": "^a{98}$"}, budget)
    assert budget.characters == 10 * 100
    assert check.matches("a" * 98)
    assert budget.matching == 99 + 99 * 100 // 1_000
    assert BudgetedCheck({}, budget).matches({"a": [1, "b"]})
    assert budget.matching == 99 + 99 * 100 // 1_000 + 7


def test_budgeted_check_beyond_its_budget_raises() -> None:
    with pytest.raises(BudgetExceeded):
        BudgetedCheck({"pattern": "^a{200000}$"}, Budget())
    check = BudgetedCheck({}, Budget(10))
    with pytest.raises(BudgetExceeded):
        check.matches("a" * 1_000)


def test_budgeted_check_of_deep_schema_raises_value_error() -> None:
    schema: Json = {}
    for _ in range(5_000):
        schema = {"items": schema}
    with pytest.raises(ValueError, match="nested too deep"):
        BudgetedCheck(schema, Budget())


def test_budgeted_check_beyond_stack_raises_value_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(schema: Json) -> Json:
        raise RecursionError  # what coverage records of a real one varies

    monkeypatch.setattr("mockllm.core.schema_values.document.normalize", overflow)
    with pytest.raises(ValueError, match="nested too deep"):
        BudgetedCheck({}, Budget())
