"""The way of one request through the rules: which were tried, in order, what became of each, and what would
be sent. Nothing is counted: it is what the next such request to a fresh server gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from mockllm.core.randomness import Randomness
from mockllm.core.rendering.plan import WaitStep
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Decision, Selected
from mockllm.engine import Engine
from mockllm.engine.near_misses import guard_line, near_miss_line
from mockllm.scenario.catalog import CatalogItem
from mockllm.testing.expectations import Outcome

ALL: Final = 10
"""Up to so many rules all are shown; of more, those that matched and the nearest of the others."""
NEAREST: Final = 5
LATER: Final = 3

RuleResult: TypeAlias = Literal["answers", "would answer", "stood aside", "did not match", "comes later"]


class TraceEntry(Struct, frozen=True):
    """A rule, and what became of it. `why` is a line that begins with where it stands."""

    rule: str
    where: str
    number: int
    fate: RuleResult
    why: str


class MatchTrace(Struct, frozen=True):
    """What would happen to a request. `tried` are rules in their order, up to the one that answers, with
    those behind it that match too; `unshown` is how many more were looked at and did not match."""

    request: Request
    outcome: Outcome
    settled: Decision
    tried: Sequence[TraceEntry]
    unshown: int
    applied: Sequence[CatalogItem]
    spared: Sequence[tuple[CatalogItem, str]]
    """Modifiers that match, and whose guard leaves this request out: each with a line that says why."""
    step: str | None
    """Which of several answers it is."""

    @property
    def ttft(self) -> float | None:
        """Seconds from the request to the first chunk of a stream."""
        plan = self.outcome.answer.plan
        total = plan.delay
        for step in plan.steps if plan.streamed else ():
            if isinstance(step, WaitStep):
                total += step.seconds
            elif step.chunk_index:
                return total
        return None


def match_trace(engine: Engine, request: Request) -> MatchTrace:
    """The trail of a request."""
    exchange = engine.peek(request)
    settled, catalog = exchange.decision, engine.catalog
    tried, unshown = _tried(engine, request, settled)
    items = [(catalog.items[candidate.item], candidate, why) for candidate, why in settled.skipped_modifiers]
    spared = [(item, guard_line(item, candidate, why)) for item, candidate, why in items]
    outcome = Outcome(request, exchange.respond())
    step = _step(engine, settled.rule) if settled.outcome == "rule" and settled.rule else None
    return MatchTrace(request, outcome, settled, tried, unshown, exchange.modifiers, spared, step)


def _tried(engine: Engine, request: Request, settled: Decision) -> tuple[list[TraceEntry], int]:
    catalog = engine.catalog
    items = catalog.items
    end = catalog.rules if settled.rule is None else settled.rule.candidate.item
    refused = {candidate.item: (candidate, why) for candidate, why in settled.refused}
    others = [number for number in range(end) if number not in refused]
    if end > ALL:
        others = [
            number for number, _ in catalog.index.nearest(request, NEAREST, end) if number not in refused
        ]
    found = []
    for number in sorted({*refused, *others}):
        item = items[number]
        if number in refused:
            found.append(_of(item, number, "stood aside", guard_line(item, *refused[number])))
        else:
            found.append(_of(item, number, "did not match", _differs(item, request)))
    if settled.rule is not None:
        found.append(_of(items[end], end, "answers" if settled.outcome == "rule" else "would answer"))
        later = (number for number in range(end + 1, catalog.rules) if items[number].matcher.matches(request))
        found += [
            _of(items[number], number, "comes later") for _, number in zip(range(LATER), later, strict=False)
        ]
    return found, end - len(refused) - len(others)


def _differs(item: CatalogItem, request: Request) -> str:
    """Why it did not match."""
    return near_miss_line(item, item.matcher.differences(request))


def _of(item: CatalogItem, number: int, fate: RuleResult, why: str = "") -> TraceEntry:
    return TraceEntry(item.id, item.where, number + 1, fate, why)


def picked_of(engine: Engine, turn: Selected) -> int | None:
    """The number of the saying that a turn comes to; None where its sequence has ended."""
    item = engine.catalog.items[turn.candidate.item]
    if item.answers is None:
        return None
    return item.answers.pick(
        turn.responses, Randomness(engine.seed, item.id, turn.candidate.scope, turn.tries)
    )


def _step(engine: Engine, turn: Selected) -> str | None:
    """`step 2 of 3`, of a sequence; `branch 1 of 4`, of a choice."""
    item = engine.catalog.items[turn.candidate.item]
    answers = item.answers
    if answers is None or answers.mode == "one":
        return None
    picked = picked_of(engine, turn)
    if picked is None:
        return "its sequence has ended"
    word = "step" if answers.mode == "sequence" else "branch"
    return f"{word} {picked + 1} of {len(answers.responses)}"
