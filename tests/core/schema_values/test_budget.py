"""The generation of a value takes no more work than its budget, for any schema."""

from __future__ import annotations

from random import Random

import pytest

from mockllm.core.budget import Budget, BudgetExceeded
from mockllm.core.schema_values.document import Unsatisfiable
from mockllm.core.schema_values.generator import generate
from mockllm.core.schema_values.patterns import Pattern, _PatternGenerator, match_cost, pattern_size
from tests.core.schema_values.hostile import HOSTILE


@pytest.mark.parametrize("name", HOSTILE)
def test_make_hostile_schema_exceeds_budget(name: str) -> None:
    schema, limit = HOSTILE[name]
    budget = Budget()
    with pytest.raises(BudgetExceeded) as exceeded:
        generate(schema, Random(0), budget=budget)
    assert limit in str(exceeded.value)
    assert "--max-generated-values" in str(exceeded.value)
    assert budget.values <= 10_000
    assert budget.characters <= 1_000_000


def test_make_array_within_raised_budget_succeeds() -> None:
    schema = {"type": "array", "items": {"type": "null"}, "minItems": 11_000}
    built = generate(schema, Random(0), budget=Budget(20_000))
    assert built.flaw is None
    assert built.value == [None] * 11_000


def test_make_array_up_to_the_budget_succeeds() -> None:
    schema = {"type": "array", "items": {"type": "null"}, "minItems": 9}
    assert generate(schema, Random(0), budget=Budget(10)).value == [None] * 9
    with pytest.raises(BudgetExceeded, match="more than 9 values"):
        generate(schema, Random(0), budget=Budget(9))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 200_000},
        {"type": "string", "pattern": "^a{9000}$"},
        {"type": "array", "minItems": 9_000, "items": {"type": "integer"}},
        {"type": "array", "minItems": 3, "contains": {"const": 7}, "prefixItems": [True, True, True]},
        {"type": "array", "minItems": 2, "contains": {"const": 7}, "minContains": 2.0},
    ],
    ids=["a long text", "a long pattern", "a long array", "contains in prefixItems", "a float as a count"],
)
def test_make_large_schema_within_budget_is_valid(schema: dict[str, object]) -> None:
    assert generate(schema, Random(0)).flaw is None


def test_pattern_text_deeply_nested_is_impossible(monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(*_: object) -> None:
        raise RecursionError

    pattern = Pattern("((a))", Budget())
    monkeypatch.setattr(_PatternGenerator, "generate", overflow)
    with pytest.raises(Unsatisfiable, match="nested too deep"):
        pattern.text(Random(0))


@pytest.mark.parametrize(("pattern", "size"), [("(?>ab)+", 2), ("(?=a)(bb|cc){3}", 13), ("a{2,}[a-z]*", 3)])
def test_pattern_size_counts_repeated_parts(pattern: str, size: int) -> None:
    assert pattern_size(pattern) == size


@pytest.mark.parametrize(
    ("pattern", "cost"),
    [
        ("^a{98}$", 100),
        ("^a{1,98}$", 100),
        ("^(a{1,7}){1,14}$", 50_000),
        ("^a{1,49}b{1,49}$", 50_000),
        ("(", 500),
    ],
)
def test_match_cost(pattern: str, cost: int) -> None:
    assert match_cost(pattern, 1_000) == cost


@pytest.mark.parametrize("pattern", ["^(){20000}$", "^((){99}){200}$"])
def test_make_empty_part_repeated_often_reports_a_flaw(pattern: str) -> None:
    built = generate({"type": "string", "pattern": pattern}, Random(0))
    assert built.flaw is not None
