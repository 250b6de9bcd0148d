"""The search: which schedule is tried next. Variations first, then single faults, then pairs.

The search receives the judgement on each run. It tries no further place of a disturbance that is a finding
already. It chooses pairs by what their parts showed alone: the rarest comes first.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import fsum
from random import Random
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.hunting.disturbance import Disturbance, Schedule, schedule_key
from mockllm.core.hunting.disturbance_type import DisturbanceType
from mockllm.core.hunting.disturbance_types import DISTURBANCES, contradict
from mockllm.core.hunting.judgement import Judgement, Policy
from mockllm.core.hunting.outcome import ExchangeSeen, RunOutcome
from mockllm.core.json.codec import Json

Phase: TypeAlias = Literal["variations", "faults", "pairs"]
MAX_TARGETS: Final = 6
"""The requests of a run that faults are tried on, one by one; of more, the first, the last and some between."""
REFUSING: Final = frozenset({"refused", "refused for good", "no response"})
"""The families of faults whose response has no content: another disturbance shows only in a retry."""
MAX_PAIRED: Final = 60
"""The single disturbances that pairs are made of."""
PAIRS_OF_ROW: Final = 3
"""The pairs with one row of the table that come before the next pairs of other rows. So a row that shows much
does not use the whole budget; a silence that each client waits out is such a row."""


class Target(Struct, frozen=True):
    """A request of the run without disturbances: what selects it, and its exchange."""

    match: Mapping[str, Json]
    skip: int
    seen: ExchangeSeen


class Single(Struct, frozen=True):
    """A single disturbance that was tried, with what its run showed."""

    disturbance: Disturbance
    features: frozenset[str]
    retried: bool
    """Whether the client sent more requests than without the disturbance."""


def targets(baseline: RunOutcome) -> list[Target]:
    """Return the requests that disturbances may act on. They are selected by provider and call where there are
    several, else by their order alone."""
    kinds = {(each.provider, each.api) for each in baseline.exchanges}
    counts: Counter[tuple[str | None, str | None]] = Counter()
    found = []
    for each in baseline.exchanges:
        kind = (each.provider, each.api)
        match: dict[str, Json] = {}
        if len(kinds) > 1:
            named = (("provider", each.provider), ("api", each.api))
            match = {name: value for name, value in named if value is not None}
        found.append(Target(match, counts[kind], each))
        counts[kind] += 1
    if len(found) <= MAX_TARGETS:
        return found
    step = (len(found) - 1) / (MAX_TARGETS - 1)
    return [found[round(number * step)] for number in range(MAX_TARGETS)]


class HuntSearch:
    """Chooses schedules. `take` returns the next one, None when there is none now; `record` reports its run."""

    def __init__(self, baseline: RunOutcome, policy: Policy, seed: int = 0) -> None:
        self._targets = targets(baseline)
        self._policy = policy
        self._random = Random(seed)  # noqa: S311 - the order of runs, no secret
        self._baseline = baseline
        self._queue: deque[tuple[Phase, Schedule]] = deque(self._first())
        self._open: dict[str, tuple[Phase, Schedule]] = {}
        self._seen: set[str] = set()
        self._paired = False
        self._failed: set[str] = set()
        self._idle: set[str] = set()
        self._singles: list[Single] = []
        self._counts: Counter[str] = Counter()

    def take(self) -> tuple[Phase, Schedule] | None:
        """Return the next schedule with its phase; None if the search waits for running ones, or is at its end."""
        while True:
            if not self._queue and not self._open and not self._paired:
                self._paired = True
                self._queue.extend(("pairs", pair) for pair in self._pairs())
            if not self._queue:
                return None
            phase, schedule = self._queue.popleft()
            key = schedule_key(schedule)
            if key not in self._seen and not self._is_known(schedule):
                self._seen.add(key)
                self._open[key] = phase, schedule
                return phase, schedule

    def record(self, schedule: Schedule, judgement: Judgement, outcome: RunOutcome) -> None:
        """Report the run of a schedule that was taken."""
        self._open.pop(schedule_key(schedule), None)
        if judgement.result == "failed":
            if len(schedule) == 1:
                self._failed.add(schedule[0].kind)
            else:
                self._failed.add(_pair_key(schedule))
        if len(schedule) != 1:
            return
        if judgement.result == "no effect":
            self._idle.add(schedule[0].key)
        elif judgement.result != "failed":
            features = outcome.features - self._baseline.features
            retried = len(outcome.exchanges) > len(self._baseline.exchanges)
            self._singles.append(Single(schedule[0], features, retried))
            self._counts.update(features)

    def _is_known(self, schedule: Schedule) -> bool:
        """Return whether a schedule can show nothing new: a part of it is a finding, or had no effect."""
        if len(schedule) > 1 and _pair_key(schedule) in self._failed:
            return True
        return any(each.kind in self._failed or each.key in self._idle for each in schedule)

    # --- single disturbances -----------------------------------------------------------------------

    def _rows(self, *, variation: bool) -> Iterator[DisturbanceType]:
        for row in DISTURBANCES.values():
            expected = self._policy.expects(row)
            if expected != "ignore" and (expected == "same") == variation and self._applicable(row):
                yield row

    def _applicable(self, row: DisturbanceType) -> bool:
        return any(_fits(row, target.seen) for target in self._targets)

    def _first(self) -> Iterator[tuple[Phase, Schedule]]:
        """Yield the single disturbances. Variations on every request come first. Faults follow: on the first
        request, on each other one, at each other place, for two tries, and for ever."""
        for row in self._rows(variation=True):
            yield from (("variations", (Disturbance(row.name, form),)) for form in row.forms)
        faults = list(self._rows(variation=False))
        for row in faults:
            yield from (("faults", (each,)) for each in self._on_targets(row, row.forms[:1], first=True))
        for row in faults:
            yield from (("faults", (each,)) for each in self._on_targets(row, row.forms[:1]))
        for row in faults:
            yield from (("faults", (each,)) for each in self._on_targets(row, row.forms[1:]))
        for times in (2, None):
            for row in faults:
                if row.lasts:
                    yield "faults", (Disturbance(row.name, row.forms[0], times=times),)

    def _on_targets(
        self, row: DisturbanceType, forms: Sequence[Mapping[str, Json]], *, first: bool = False
    ) -> Iterator[Disturbance]:
        fitting = [target for target in self._targets if _fits(row, target.seen)]
        for form in forms:
            for target in fitting[:1] if first else fitting:
                yield Disturbance(row.name, form, target.match, target.skip, 1)

    # --- pairs -------------------------------------------------------------------------------------

    def _pairs(self) -> list[Schedule]:
        """Return pairs of disturbances that a client bore alone, the rarest first; equal ones in a drawn order."""
        singles = sorted(self._singles, key=self._rarity, reverse=True)[:MAX_PAIRED]
        pairs = [
            (self._rarity(one) + self._rarity(other), self._random.random(), pair)
            for one, other in combinations(singles, 2)
            if (pair := _pair(one, other)) is not None
        ]
        return _in_turn([pair for _, _, pair in sorted(pairs, key=lambda item: item[:2], reverse=True)])

    def _rarity(self, single: Single) -> float:
        """Return how rare that is what a disturbance showed; 0 where it showed nothing new."""
        return fsum(1 / self._counts[feature] for feature in single.features)  # the same in any order


def _in_turn(pairs: Sequence[Schedule]) -> list[Schedule]:
    """Return pairs in an order in which the rows of the table take turns."""
    used: Counter[str] = Counter()
    turns = []
    for pair in pairs:
        turns.append(max(used[each.kind] for each in pair) // PAIRS_OF_ROW)
        used.update(each.kind for each in pair)
    return [pair for _, pair in sorted(zip(turns, pairs, strict=True), key=lambda item: item[0])]


def _pair(one: Single, other: Single) -> Schedule | None:
    """Return two disturbances as a schedule; None where one would hide the second.

    Two faults on the same request become a fault on the request and one on its retry.
    """
    first, second = one.disturbance, other.disturbance
    if first.kind == second.kind:
        return None
    rows = [DISTURBANCES[each.kind] for each in (first, second)]
    if all(row.variation for row in rows):
        return (first, second) if rows[0].family != rows[1].family else None
    if any(row.variation for row in rows):
        fault, row = (other, rows[1]) if rows[0].variation else (one, rows[0])
        return (first, second) if fault.retried or row.family not in REFUSING else None
    if first.match == second.match and first.skip == second.skip:
        if first.times is None or not one.retried:
            return None
        second = replace(second, skip=first.skip + first.times)
    elif first.skip < second.skip and not one.retried:
        return None
    return None if contradict((first, second)) else (first, second)


def _fits(row: DisturbanceType, seen: ExchangeSeen) -> bool:
    """Return whether a disturbance can have an effect on the response to a request."""
    has = {"any": True, "stream": seen.stream, "whole": not seen.stream, "calls": seen.calls > 0}
    has["parallel calls"] = seen.calls > 1
    return all(has[need] for need in row.needs)


def _pair_key(schedule: Schedule) -> str:
    return " + ".join(sorted(each.kind for each in schedule))
