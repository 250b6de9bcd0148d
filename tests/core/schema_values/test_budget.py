"""The generation of a value takes no more work than its budget, for any schema."""

from __future__ import annotations

from random import Random

import pytest

from mockllm.core.budget import Budget, BudgetExceeded
from mockllm.core.schema_values import document, normal_schema, patterns
from mockllm.core.schema_values.document import Unsatisfiable
from mockllm.core.schema_values.generator import generate
from mockllm.core.schema_values.patterns import (
    ParsedPattern,
    Pattern,
    _PatternGenerator,
    match_cost,
    pattern_size,
)
from mockllm.core.schema_values.violations import BudgetedCheck
from tests.core.schema_values.hostile import HOSTILE, LARGE, array


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


@pytest.mark.parametrize("name", LARGE)
def test_large_schema_is_refused_before_it_is_walked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def walked(*_: object) -> None:
        raise AssertionError("the schema is walked")

    schema, limit = LARGE[name]
    monkeypatch.setattr(patterns, "_parsed", walked)
    if "bytes" in limit:
        monkeypatch.setattr(normal_schema, "normalize", walked)
        monkeypatch.setattr(document, "normalize", walked)
    for refuse in (lambda: generate(schema, Random(0)), lambda: BudgetedCheck(schema, Budget())):
        with pytest.raises(BudgetExceeded) as exceeded:
            refuse()
        assert limit in str(exceeded.value)


def test_large_schema_is_read_within_a_raised_budget() -> None:
    schema = {"enum": ["a" * 100_000]}
    assert generate(schema, Random(0), budget=Budget(20_000)).value == "a" * 100_000


def test_small_budget_reads_schemas_of_the_usual_size() -> None:
    schema = {"const": 1, "description": "a" * 90_000}
    assert generate(schema, Random(0), budget=Budget(1_000)).value == 1


def test_long_pattern_is_parsed_once_for_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    original = patterns._parsed

    def parse(source: str) -> ParsedPattern:
        parsed.append(source)
        return original(source)

    monkeypatch.setattr(patterns, "_parsed", parse)
    costs = {match_cost("^a*" + "(?=x)" * 1_000, length) for length in range(0, 5_000, 50)}
    assert len(costs) > 50
    assert len(parsed) <= 2


def test_long_pattern_that_is_parsed_often_exceeds_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed = 0
    original = patterns._parsed

    def parse(source: str) -> ParsedPattern:
        nonlocal parsed
        parsed += len(source)
        return original(source)

    monkeypatch.setattr(patterns, "_parsed", parse)
    with pytest.raises(BudgetExceeded, match="1,000,000 characters"):
        generate(array({"type": "string", "pattern": "^" + "(?=x|)" * 3_000 + "x$"}, 400), Random(0))
    assert parsed <= 200_000


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
