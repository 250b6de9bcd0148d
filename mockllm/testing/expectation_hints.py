"""Hints for a wrong rule: why the expected rules were not selected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.matching.conditions import Condition, Equals
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Decision
from mockllm.engine import Engine
from mockllm.engine.near_misses import NEAREST, guard_line, near_miss_line, nearest, shown
from mockllm.scenario.catalog import CatalogItem
from mockllm.scenario.diagnostics import suggestion
from mockllm.testing.expectations import names_of

_BEFORE: Final = {
    "modifier": "a modifier's error",
    "limited": "a modifier's limit",
    "overloaded": "a modifier's load",
    "invalid": "the request's validation",
}
"""What replaces a matching rule, by the outcome."""


class MismatchReport:
    """Explains the decision on a request, taken before the request is counted."""

    def __init__(self, engine: Engine, request: Request) -> None:
        self._engine = engine
        self._request = request
        self.decision: Decision = engine.peek(request).decision

    def __call__(self, expected_condition: Condition) -> tuple[str, ...]:
        """Return a line for each rule whose name matches the condition, with the reason."""
        return tuple(self._lines(expected_condition))

    def _lines(self, expected_condition: Condition) -> Iterator[str]:
        catalog, decision = self._engine.catalog, self.decision
        rules = catalog.items[: catalog.rules]
        found = [item for item in rules if any(map(expected_condition.matches, names_of(item.id)))]
        for item in found[:NEAREST]:
            yield self._one(item)
        if not found and isinstance(expected_condition, Equals):
            known = dict.fromkeys(names_of(item.id)[0] for item in rules)
            yield f"no rule is called {expected_condition.value}{suggestion(str(expected_condition.value), known)}"
        if decision.rule is not None:
            yield f"{shown(catalog.items[decision.rule.candidate.item])}: matched"
        elif not found:
            for item, differences in nearest(catalog, self._request, NEAREST):
                yield near_miss_line(item, differences)

    def _one(self, item: CatalogItem) -> str:
        differences = item.matcher.differences(self._request)
        if not all(difference.matched for difference in differences):
            return near_miss_line(item, differences)
        for candidate, refused in self.decision.refused:
            if candidate.key == item.key:
                return guard_line(item, candidate, refused)
        before = _BEFORE.get(self.decision.outcome, "another rule")
        return f"{shown(item)}: matched, but {before} came first"
