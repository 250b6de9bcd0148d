"""Why another rule answered than the expected one: what kept those from it that were meant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.matching.conditions import Condition, Equals
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Decision
from mockllm.engine import Engine
from mockllm.engine.near_misses import NEAREST, guard_line, near_miss_line, nearest, shown
from mockllm.scenario.catalog import CatalogItem
from mockllm.scenario.diagnostics import meant
from mockllm.testing.expectations import names_of

_BEFORE: Final = {
    "modifier": "a modifier's error",
    "limited": "a modifier's limit",
    "overloaded": "a modifier's load",
    "invalid": "the request's validation",
}
"""What answers although a rule matched, by the outcome."""


class MismatchReport:
    """What could answer a request, seen before it is answered and counted."""

    def __init__(self, engine: Engine, request: Request) -> None:
        self._engine = engine
        self._request = request
        self.settled: Decision = engine.peek(request).decision

    def __call__(self, wanted: Condition) -> tuple[str, ...]:
        """Of the rules whose name meets the condition, why they did not answer."""
        return tuple(self._lines(wanted))

    def _lines(self, wanted: Condition) -> Iterator[str]:
        catalog, settled = self._engine.catalog, self.settled
        rules = catalog.items[: catalog.rules]
        found = [item for item in rules if any(map(wanted.matches, names_of(item.id)))]
        for item in found[:NEAREST]:
            yield self._one(item)
        if not found and isinstance(wanted, Equals):
            known = dict.fromkeys(names_of(item.id)[0] for item in rules)
            yield f"no rule is called {wanted.value}{meant(str(wanted.value), known)}"
        if settled.rule is not None:
            yield f"{shown(catalog.items[settled.rule.candidate.item])}: matched"
        elif not found:
            for item, differences in nearest(catalog, self._request, NEAREST):
                yield near_miss_line(item, differences)

    def _one(self, item: CatalogItem) -> str:
        differences = item.matcher.differences(self._request)
        if not all(difference.matched for difference in differences):
            return near_miss_line(item, differences)
        for candidate, refused in self.settled.refused:
            if candidate.key == item.key:
                return guard_line(item, candidate, refused)
        before = _BEFORE.get(self.settled.outcome, "another rule")
        return f"{shown(item)}: matched, but {before} came first"
