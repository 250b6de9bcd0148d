"""The counts of one scope of one session (a key, an address, or all requests).

A scope has the tries and eligible tries of rules and modifiers, named states, rate limiters, and responses in
flight. `counters.py` finds the scope, and `decide.py` decides; this module only has the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from copy import deepcopy
from typing import Final

from mockllm.core.limits.rate_limiter import RateLimiter
from mockllm.core.load.plan_queue import PlanQueue
from mockllm.core.load.running_batch import RunningBatch
from mockllm.core.selection.decision import Candidate, InFlightSlot
from mockllm.core.selection.guards import StateValue, changed_states


class InFlight:
    """The responses under a load, each with the scenario time in seconds at which its plan ends.

    A response counts until its slot is released, also where it takes longer than its plan: its client reads slowly,
    or a provider responds.
    """

    __slots__ = ("_ends",)

    def __init__(self) -> None:
        self._ends: dict[InFlightSlot, float] = {}

    def __len__(self) -> int:
        return len(self._ends)

    def copy(self) -> InFlight:
        """Return the same responses in flight, which change separately."""
        copied = InFlight()
        copied._ends = self._ends.copy()
        return copied

    def expect_end(self, slot: InFlightSlot, until: float) -> None:
        """Record that a response is in flight, and its planned end; `inf` if that is not known yet."""
        self._ends[slot] = until

    def end(self, slot: InFlightSlot) -> None:
        """Record that a response has ended."""
        self._ends.pop(slot, None)

    @property
    def ends(self) -> Sequence[float]:
        return tuple(self._ends.values())


class ScopeCounts:
    """What one scope has counted. Counts are key → [tries, eligible]. `next_request_number` is that of its next
    request. `unmerged_counts` are increments that wait to be added to `counts`, by the keys that were counted
    together. One increment then costs as much as for a single key. A read of a count adds them."""

    __slots__ = (
        "_batches",
        "_first_tries",
        "_in_flight",
        "_limiters",
        "_plan_queues",
        "accounted_bytes",
        "counts",
        "grown",
        "next_request_number",
        "states",
        "unmerged_counts",
    )

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = {}
        self.accounted_bytes = 0
        """The size that its session has added to the memory of all scopes."""
        self.grown = True
        """Whether the size may have changed since then."""
        self.next_request_number = 0
        self.unmerged_counts: dict[Sequence[str], int] = {}
        self.states: Mapping[str, StateValue] = {}
        self._first_tries: dict[str, float] = {}
        self._limiters: dict[str, RateLimiter] = {}
        self._in_flight: dict[str, InFlight] = {}
        self._batches: dict[str, RunningBatch] = {}
        self._plan_queues: dict[str, PlanQueue] = {}

    def copy_of(self, keys: AbstractSet[str]) -> ScopeCounts:
        """Return a copy that changes separately, with the data of these keys alone. This scope does not change, also
        where it has counts to merge. The copy lacks the plan queues, which no decision reads."""
        copied = ScopeCounts()
        copied.next_request_number, copied.states = self.next_request_number, self.states
        copied.unmerged_counts = self.unmerged_counts.copy()
        copied.counts = {key: self.counts[key].copy() for key in self.counts.keys() & keys}
        copied._first_tries = {key: self._first_tries[key] for key in self._first_tries.keys() & keys}
        copied._limiters = {key: deepcopy(self._limiters[key]) for key in self._limiters.keys() & keys}
        copied._in_flight = {key: self._in_flight[key].copy() for key in self._in_flight.keys() & keys}
        copied._batches = {key: self._batches[key].copy() for key in self._batches.keys() & keys}
        return copied

    def counts_of(self, key: str) -> list[int]:
        """Return the tries and eligible tries of a key, to be read and changed."""
        if self.unmerged_counts:
            self._merge_counts()
        return self._counts_of(key)

    def elapsed(self, key: str, scenario_time: float) -> float:
        """Return the seconds since the first try; 0 before it, and 0 on a clock that was set back."""
        return max(0.0, scenario_time - self._first_tries.get(key, scenario_time))

    def record_first_try(self, key: str, scenario_time: float) -> None:
        """Record the time of the first try, from which windows are counted. A later try changes nothing."""
        self._first_tries.setdefault(key, scenario_time)
        self.grown = True

    def set_states(self, states: Mapping[str, StateValue]) -> None:
        self.states = changed_states(self.states, states)
        self.grown = True

    def rate_limiter(self, candidate: Candidate) -> RateLimiter:
        """Return the rate limiter of a modifier's limit."""
        limiter = self._limiters.get(candidate.key)
        if limiter is None:
            assert candidate.limit is not None
            limiter = self._limiters[candidate.key] = RateLimiter(candidate.limit)
            self.grown = True
        elif limiter.grows:
            self.grown = True
        return limiter

    def in_flight(self, key: str) -> InFlight:
        """Return the responses in flight that a modifier's load counts, with the end of each."""
        self.grown = True
        in_flight = self._in_flight.get(key)
        if in_flight is None:
            in_flight = self._in_flight[key] = InFlight()
        return in_flight

    def batch(self, candidate: Candidate) -> RunningBatch:
        """Return the running batch of a modifier's load."""
        self.grown = True
        batch = self._batches.get(candidate.key)
        if batch is None:
            assert candidate.load is not None
            assert candidate.load.batch is not None
            batch = self._batches[candidate.key] = RunningBatch(candidate.load.batch)
        return batch

    def plan_queue(self, key: str) -> PlanQueue:
        """Return the responses without a plan and the waiting requests of a modifier's load."""
        queue = self._plan_queues.get(key)
        if queue is None:
            self.grown = True
            queue = self._plan_queues[key] = PlanQueue()
        return queue

    def retain(self, keys: frozenset[str]) -> None:
        """Delete the counts of all other keys."""
        self._merge_counts()
        loads = (self._in_flight, self._batches, self._plan_queues)
        for by_key in (self.counts, self._first_tries, self._limiters, *loads):
            for key in by_key.keys() - keys:
                del by_key[key]

    def all_counts(self) -> Mapping[str, Sequence[int]]:
        """Return the tries and eligible tries of all keys."""
        self._merge_counts()
        return self.counts

    def reset_limiters(self, keys: frozenset[str] | None = None) -> None:
        """Reset the use of limits: of all, or of these keys. Responses in flight stay in flight."""
        for key, limiter in self._limiters.items():
            if keys is None or key in keys:
                limiter.reset()

    def _merge_counts(self) -> None:
        for keys, times in self.unmerged_counts.items():
            for key in keys:
                counts = self._counts_of(key)
                counts[0] += times
                counts[1] += times
        self.unmerged_counts.clear()

    def _counts_of(self, key: str) -> list[int]:
        counts = self.counts.get(key)
        if counts is None:
            counts = self.counts[key] = [0, 0]
            self.grown = True
        return counts

    @property
    def size(self) -> int:
        """About how many bytes the scope takes, with its name in the tables of its session."""
        parts = len(self.counts) + len(self.unmerged_counts) + len(self._first_tries) + len(self.states)
        in_flight = sum(_IN_FLIGHT_BYTES + _PART_BYTES * len(each) for each in self._in_flight.values())
        limiters = sum(limiter.size for limiter in self._limiters.values())
        batches = sum(
            _IN_FLIGHT_BYTES + _PART_BYTES * (len(each) + len(each.prefixes or ()))
            for each in self._batches.values()
        )
        parts += 2 * len(self._plan_queues)
        return _SCOPE_BYTES + _PART_BYTES * parts + limiters + in_flight + batches


_SCOPE_BYTES: Final = 1_100
_PART_BYTES: Final = 250
_IN_FLIGHT_BYTES: Final = 500
"""The memory of a scope with its dictionaries, of an entry of these, and of a load."""
