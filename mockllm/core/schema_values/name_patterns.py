"""The patterns of `patternProperties` in one generation of a value. Each is compiled once, however many names it is
matched with."""

from __future__ import annotations

from typing import Final

from mockllm.core.budget import Budget
from mockllm.core.json.schema import Validator
from mockllm.core.schema_values.patterns import budgeted_validator, pattern_size, steps_per_character

_MATCH_COST: Final = 10
"""The cost in characters of matching a name with a pattern, beside that of the name's length."""


class NamePatterns:
    """Matches names of members with patterns, and counts that work in a budget, which also bounds what is stored."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._known: dict[str, tuple[Validator, int, int]] = {}
        """By pattern, its validator and what `match_cost` reads: size and steps for each character."""

    def matches(self, pattern: str, name: str) -> bool:
        """Return whether a name matches a pattern. Raise BudgetExceeded where that is too much work."""
        known = self._known.get(pattern)
        if known is None:
            check = budgeted_validator({"pattern": pattern}, self._budget)
            known = self._known[pattern] = (check, pattern_size(pattern), steps_per_character(pattern))
        check, size, steps = known
        self._budget.add_characters(_MATCH_COST + len(name) * size // steps)
        return check.matches(name)
