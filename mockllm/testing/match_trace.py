"""Trace of one request through the rules: the tried rules in order, the result of each, and the response. Nothing
is counted: the trace shows the response to the next such request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.matching.conditions import Condition, Equals
from mockllm.core.randomness import Randomness
from mockllm.core.rendering.plan import WaitStep
from mockllm.core.selection.decision import Decision, SelectedCandidate
from mockllm.engine import Engine
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.near_misses import (
    NEAREST,
    SEQUENCE_ENDED,
    ended_line,
    guard_line,
    location_and_name,
    near_miss_line,
    nearest,
    percentage,
)
from mockllm.engine.response_builder import ResponseBuilder
from mockllm.scenario.catalog import CatalogItem
from mockllm.scenario.diagnostics import suggestion
from mockllm.scenario.rule_ids import names_in
from mockllm.testing.expectations import Outcome

MAX_SHOWN_ALL: Final = 10
"""Up to this number of rules, all are shown. Among more, only matching ones and the nearest others."""
NEAREST_RULES: Final = 5
LATER: Final = 3

RuleResult: TypeAlias = Literal["answers", "would answer", "stood aside", "did not match", "comes later"]


class TraceEntry(Struct, frozen=True):
    """A rule with its result. `why` is a line that begins with the rule's position."""

    rule: str
    where: str
    number: int
    fate: RuleResult
    why: str


class MatchTrace(Struct, frozen=True):
    """The trace of a request. `tried` contains the rules in order up to the selected one, and later rules that match
    too. `unshown` is the number of further rules that did not match."""

    request: EngineRequest
    outcome: Outcome
    decision: Decision
    tried: Sequence[TraceEntry]
    unshown: int
    applied: Sequence[CatalogItem]
    blocked_modifiers: Sequence[tuple[CatalogItem, str]]
    """Matching modifiers that a guard blocked, each with a line about the reason."""
    step: str | None
    """The selected response, if the rule has several."""
    won_chances: Mapping[str, str]
    """The `chance` of the selected rule and of the modifiers that apply, by their ids, where it is below 100%."""

    @property
    def ttft(self) -> float | None:
        """Seconds from the request to the first chunk of a stream; None without one."""
        plan = self.outcome.response.plan
        total = plan.delay
        for step in plan.steps if plan.streamed else ():
            if isinstance(step, WaitStep):
                total += step.seconds
            elif step.chunk_number:
                return total
        return None


def match_trace(engine: Engine, request: EngineRequest, builder: ResponseBuilder | None = None) -> MatchTrace:
    """Return the trace of a request. The server refuses one with an invalid override or session. `builder`: that of
    its preview, if there is one."""
    builder = builder or engine.preview(request)
    decision, catalog = builder.decision, engine.catalog
    override, refused = request.override_or_failure, None
    if isinstance(override, Failure):
        decision = replace(decision, outcome="invalid", selected_modifiers=())
        refused = engine.refuse(override, request)
    tried, unshown = _tried(engine, request, decision)
    items = [
        (catalog.items[candidate.item_index], candidate, why) for candidate, why in decision.blocked_modifiers
    ]
    blocked_modifiers = [(item, guard_line(item, candidate, why)) for item, candidate, why in items]
    outcome = Outcome(request, refused or builder.build())
    step = (
        _step(engine, decision.selected_rule)
        if decision.outcome == "rule" and decision.selected_rule
        else None
    )
    return MatchTrace(
        request,
        outcome,
        decision,
        tried,
        unshown,
        () if refused else builder.modifier_items,
        blocked_modifiers,
        step,
        dict(_won_chances(engine, decision)),
    )


def _won_chances(engine: Engine, decision: Decision) -> Iterator[tuple[str, str]]:
    for selected in (
        *decision.selected_modifiers,
        *((decision.selected_rule,) if decision.selected_rule else ()),
    ):
        guard = selected.candidate.guard
        if guard is not None and guard.chance is not None and guard.chance < 1:
            yield engine.catalog.items[selected.candidate.item_index].id, percentage(guard.chance)


def _tried(engine: Engine, request: EngineRequest, decision: Decision) -> tuple[list[TraceEntry], int]:
    catalog = engine.catalog
    items = catalog.items
    end = (
        catalog.rule_count if decision.selected_rule is None else decision.selected_rule.candidate.item_index
    )
    blocked = {candidate.item_index: (candidate, why) for candidate, why in decision.blocked_rules}
    others = [number for number in range(end) if number not in blocked]
    if end > MAX_SHOWN_ALL:
        others = [
            number
            for number, _ in catalog.index.nearest(request, NEAREST_RULES, end)
            if number not in blocked
        ]
    found = []
    for number in sorted({*blocked, *others}):
        item = items[number]
        if number in blocked:
            found.append(_trace_entry(item, number, "stood aside", guard_line(item, *blocked[number])))
        else:
            line = near_miss_line(item, item.matcher.test_results(request))
            found.append(_trace_entry(item, number, "did not match", line))
    if decision.selected_rule is not None:
        if has_ended(engine, decision.selected_rule):
            found.append(_trace_entry(items[end], end, "stood aside", ended_line(items[end])))
        else:
            fate: RuleResult = "answers" if decision.outcome == "rule" else "would answer"
            found.append(_trace_entry(items[end], end, fate))
        later = (
            number for number in range(end + 1, catalog.rule_count) if items[number].matcher.matches(request)
        )
        found += [_trace_entry(items[number], number, "comes later") for number in islice(later, LATER)]
    return found, end - len(blocked) - len(others)


def _trace_entry(item: CatalogItem, number: int, fate: RuleResult, why: str = "") -> TraceEntry:
    return TraceEntry(item.id, item.file_and_line, number + 1, fate, why)


def response_index(engine: Engine, selected: SelectedCandidate) -> int | None:
    """Return the index of the selected response; None if the sequence has ended."""
    item = engine.catalog.items[selected.candidate.item_index]
    if item.selector is None:
        return None
    tries = 0 if item.selector.sticky else selected.tries
    randomness = Randomness(engine.seed, item.id, selected.candidate.scope, tries)
    return item.selector.pick(selected.earlier_responses, randomness)


def has_ended(engine: Engine, selected: SelectedCandidate) -> bool:
    """Return whether the selected rule has a sequence that has ended: the request is unmatched then."""
    item = engine.catalog.items[selected.candidate.item_index]
    return item.selector is not None and response_index(engine, selected) is None


def _step(engine: Engine, selected: SelectedCandidate) -> str | None:
    """Return `step 2 of 3` for a sequence, `branch 1 of 4` for a choice, else None."""
    item = engine.catalog.items[selected.candidate.item_index]
    selector = item.selector
    if selector is None or selector.mode == "one":
        return None
    picked = response_index(engine, selected)
    if picked is None:
        return SEQUENCE_ENDED
    word = "step" if selector.mode == "sequence" else "branch"
    return f"{word} {picked + 1} of {len(selector.responses)}"


_BEFORE: Final = {
    "modifier": "a modifier's error",
    "limited": "a modifier's limit",
    "overloaded": "a modifier's load",
    "invalid": "the request's validation",
}
"""The origin of the response that replaces a matching rule, by the outcome."""


class MismatchReport:
    """Explains the decision on a request, taken before the request is counted."""

    def __init__(self, engine: Engine, request: EngineRequest) -> None:
        self._engine = engine
        self._request = request
        self.decision: Decision = engine.preview(request).decision

    @property
    def _has_ended(self) -> bool:
        selected = self.decision.selected_rule
        return selected is not None and has_ended(self._engine, selected)

    def lines(self, expected_condition: Condition) -> Iterator[str]:
        """Yield a line for each rule whose name matches the condition, with the reason."""
        catalog, decision = self._engine.catalog, self.decision
        rules = catalog.items[: catalog.rule_count]
        found = [item for item in rules if any(map(expected_condition.matches, names_in(item.id)))]
        for item in found[:NEAREST]:
            yield self._one(item)
        if not found and isinstance(expected_condition, Equals):
            known = dict.fromkeys(names_in(item.id)[0] for item in rules)
            yield f"no rule is called {expected_condition.value}{suggestion(str(expected_condition.value), known)}"
        if decision.selected_rule is not None:
            selected = catalog.items[decision.selected_rule.candidate.item_index]
            if not self._has_ended:
                yield f"{location_and_name(selected)}: matched"
            elif selected not in found[:NEAREST]:
                yield ended_line(selected)
        elif not found:
            for item, test_results in nearest(catalog, self._request, NEAREST):
                yield near_miss_line(item, test_results)

    def _one(self, item: CatalogItem) -> str:
        test_results = item.matcher.test_results(self._request)
        if not all(result.matched for result in test_results):
            return near_miss_line(item, test_results)
        for candidate, blocked in self.decision.blocked_rules:
            if candidate.key == item.key:
                return guard_line(item, candidate, blocked)
        selected = self.decision.selected_rule
        if selected is not None and selected.candidate.key == item.key and self._has_ended:
            return ended_line(item)
        before = _BEFORE.get(self.decision.outcome, "another rule")
        return f"{location_and_name(item)}: matched, but {before} came first"
