"""Patterns of names: what they match, and what that costs."""

from __future__ import annotations

import pytest

from mockllm.core.budget import Budget, BudgetExceeded
from mockllm.core.schema_values.name_patterns import NamePatterns


@pytest.mark.parametrize(
    ("pattern", "name", "expected"), [("^x", "xy", True), ("^x", "yx", False), ("y$", "xy", True)]
)
def test_name_matches_pattern_at_any_place(pattern: str, name: str, expected: bool) -> None:
    patterns = NamePatterns(Budget())
    assert [patterns.matches(pattern, name) for _ in range(2)] == [expected] * 2


def test_pattern_costs_its_compilation_once() -> None:
    budget = Budget()
    patterns, costs = NamePatterns(budget), []
    for name in ("ab", "cd", "ef"):
        before = budget.characters
        patterns.matches("^x{50}", name)
        costs.append(budget.characters - before)
    assert costs[0] > costs[1] == costs[2] > 0


def test_matches_beyond_the_budget_are_refused() -> None:
    patterns = NamePatterns(Budget(values=1))  # 100 characters
    assert not patterns.matches("^x", "a")
    with pytest.raises(BudgetExceeded):
        [patterns.matches("^x", f"a{number}") for number in range(10)]
