"""What is cached of a schema changes neither a value nor its cost."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from mockllm.core.budget import Budget, BudgetExceeded
from mockllm.core.json.codec import loads
from mockllm.core.schema_values import normal_schema
from mockllm.core.schema_values.generator import generate
from mockllm.core.schema_values.normal_schema import MAX_PARTS, NormalSchema, PartKey
from tests.core.schema_values.test_generator_properties import SCHEMAS, Schema
from tests.examples import examples


def generated(schema: Any, seed: int, most: int) -> tuple[Any, str | None, int, int] | str:
    budget = Budget(most)
    try:
        found = generate(schema, Random(seed), "x", budget=budget)
    except BudgetExceeded as exceeded:
        return str(exceeded)
    return found.value, found.flaw, budget.values, budget.characters


@settings(max_examples=examples(600), deadline=None)
@given(SCHEMAS)
def test_value_and_cost_are_equal_for_known_schema(schema: Schema) -> None:
    known = [generated(schema, seed, most) for seed in (1, 2, 1) for most in (5, 1_000)]
    cached = normal_schema._cached
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normal_schema, "_cached", lambda key: normal_schema._normalized(loads(key)))
        alone = [generated(schema, seed, most) for seed in (1, 2, 1) for most in (5, 1_000)]
    assert normal_schema._cached is cached
    assert known == alone


def test_parts_of_schema_are_bounded() -> None:
    schema, key = NormalSchema({}), PartKey[int]()
    parts = [{"type": "string"} for _ in range(MAX_PARTS + 1)]
    for number, part in enumerate(parts):
        schema.put(part, key, number)
    assert schema.known(parts[0], key) == 0
    assert schema.known(parts[-1], key) is None
    assert schema.known({"type": "string"}, key) is None


def test_schema_that_cannot_be_written_is_normalized() -> None:
    deep: Any = {"type": "string"}
    for _ in range(300):
        deep = {"type": "array", "items": deep}
    assert normal_schema.normal_schema(deep, Budget()).root["type"] == "array"


HUGE = "9" * 5_000


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "null"}, "minItems": HUGE},
        {"type": "string", "description": f"A name. {{minLength: {HUGE}}}"},
        {"$ref": f"#/$defs/{HUGE}", "$defs": [{"type": "null"}]},
    ],
    ids=["bound", "described bound", "reference"],
)
def test_numbers_of_5000_digits_are_no_bounds(schema: Any) -> None:
    generated(schema, 1, 100)


@pytest.mark.parametrize(
    ("notes", "pattern", "longest"),
    [
        ("{pattern: ^[0-9]{3}$}", "^[0-9]{3}$", None),
        ("A code.\n\n{minLength: 2, pattern: ^[a-z, ]{2,5}$, maxLength: 4}", "^[a-z, ]{2,5}$", 4),
        ("{maxLength: 4}", None, 4),
        ("Such as {pattern: x}", None, None),
        ("{pattern: x} is no note", None, None),
        ("{minLength: 1}\n\n{pattern: ^(a|b){2}$, maxLength: 4}\n", "^(a|b){2}$", 4),
        ("{pattern: x\n\n{maxLength: 4}", None, 4),
        ("{default: {}, pattern: x}", None, None),
        ("{default: pattern: x}", None, None),
        ("{" + ", pattern: " * 60 + ", a: " * 100 + "}", "", None),
    ],
)
def test_described_pattern_is_one_of_the_schema(notes: str, pattern: str | None, longest: int | None) -> None:
    schema = {"type": "string", "description": notes}
    root = normal_schema.normal_schema(schema, Budget()).root
    assert (root.get("pattern"), root.get("maxLength")) == (pattern, longest)
