"""The way of one request through the rules: which were tried, in order, what became of each, and what would
be sent. Nothing is counted: it is what the next such request to a fresh server gets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from mockllm.core.randomness import Chance
from mockllm.core.rendering.plan import Wait
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Settled, Turn
from mockllm.engine import Engine
from mockllm.engine.near_misses import aside, near
from mockllm.scenario.catalog import Item
from mockllm.testing.expectations import Outcome

ALL: Final = 10
"""Up to so many rules all are shown; of more, those that matched and the nearest of the others."""
NEAREST: Final = 5
LATER: Final = 3

Fate: TypeAlias = Literal["answers", "would answer", "stood aside", "did not match", "comes later"]


class Tried(Struct, frozen=True):
    """A rule, and what became of it. `why` is a line that begins with where it stands."""

    rule: str
    where: str
    number: int
    fate: Fate
    why: str


class Trail(Struct, frozen=True):
    """What would happen to a request. `tried` are rules in their order, up to the one that answers, with
    those behind it that match too; `unshown` is how many more were looked at and did not match."""

    request: Request
    outcome: Outcome
    settled: Settled
    tried: Sequence[Tried]
    unshown: int
    applied: Sequence[Item]
    spared: Sequence[tuple[Item, str]]
    """Modifiers that match, and whose guard leaves this request out: each with a line that says why."""
    step: str | None
    """Which of several answers it is."""

    @property
    def ttft(self) -> float | None:
        """Seconds from the request to the first chunk of a stream."""
        plan = self.outcome.answer.plan
        total = plan.delay
        for step in plan.steps if plan.streamed else ():
            if isinstance(step, Wait):
                total += step.seconds
            elif step.beat:
                return total
        return None


def trail(engine: Engine, request: Request) -> Trail:
    """The trail of a request."""
    exchange = engine.peek(request)
    settled, catalog = exchange.settled, engine.catalog
    tried, unshown = _tried(engine, request, settled)
    items = [(catalog.items[candidate.item], candidate, why) for candidate, why in settled.spared]
    spared = [(item, aside(item, candidate, why)) for item, candidate, why in items]
    outcome = Outcome(request, exchange.answer())
    step = _step(engine, settled.rule) if settled.outcome == "rule" and settled.rule else None
    return Trail(request, outcome, settled, tried, unshown, exchange.modifiers, spared, step)


def _tried(engine: Engine, request: Request, settled: Settled) -> tuple[list[Tried], int]:
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
            found.append(_of(item, number, "stood aside", aside(item, *refused[number])))
        else:
            found.append(_of(item, number, "did not match", _differs(item, request)))
    if settled.rule is not None:
        found.append(_of(items[end], end, "answers" if settled.outcome == "rule" else "would answer"))
        later = (number for number in range(end + 1, catalog.rules) if items[number].matcher.holds(request))
        found += [
            _of(items[number], number, "comes later") for _, number in zip(range(LATER), later, strict=False)
        ]
    return found, end - len(refused) - len(others)


def _differs(item: Item, request: Request) -> str:
    """Why it did not match."""
    return near(item, item.matcher.differences(request))


def _of(item: Item, number: int, fate: Fate, why: str = "") -> Tried:
    return Tried(item.id, item.where, number + 1, fate, why)


def picked_of(engine: Engine, turn: Turn) -> int | None:
    """The number of the saying that a turn comes to; None where its sequence has ended."""
    item = engine.catalog.items[turn.candidate.item]
    if item.answers is None:
        return None
    return item.answers.pick(turn.given, Chance(engine.seed, item.id, turn.candidate.scope, turn.tries))


def _step(engine: Engine, turn: Turn) -> str | None:
    """`step 2 of 3`, of a sequence; `branch 1 of 4`, of a choice."""
    item = engine.catalog.items[turn.candidate.item]
    answers = item.answers
    if answers is None or answers.how == "one":
        return None
    picked = picked_of(engine, turn)
    if picked is None:
        return "its sequence has ended"
    word = "step" if answers.how == "sequence" else "branch"
    return f"{word} {picked + 1} of {len(answers.sayings)}"
