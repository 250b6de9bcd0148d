"""The state of one of several worker processes: what depends on no count is decided here, all else elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import ClassVar, Final

from mockllm.core.request.stored_objects import EMPTY_LOOKUP, ObjectLookup, StorageUpdate
from mockllm.core.selection.decision import (
    Candidate,
    Decision,
    DecisionInputs,
    DecisionOutcome,
    SelectedCandidate,
)
from mockllm.core.time_scale import ScenarioClock
from mockllm.state.counters import Counters
from mockllm.state.engine_state import MAX_SESSIONS, EngineState, Session
from mockllm.state.fetched_objects import FetchedLookup, RespondAgain
from mockllm.state.shared_counts import COUNT_BYTES, CellTable, SharedCounts
from mockllm.state.shared_prompt_caches import SharedPromptCaches

REQUEST_NUMBER: Final = CellTable.REQUEST_NUMBER
NUMBERS_PER_GROUP: Final = 1 << 40
"""The request numbers that each group of workers has for itself. Each server that uses a shared store, such
as a replica in Kubernetes, is one group. Its numbers begin at a multiple of this."""
MIN_RESERVED: Final = 3
"""The fewest requests of a round that reserves numbers: a reservation costs as much as two requests without one."""
MAX_RESERVED: Final = 16
"""The most numbers that are reserved at once: a round may end before it has served all its requests."""
MAX_COMBINATIONS: Final = 10_000
"""The most combinations of keys that have their cells cached."""


def depends_on_counts(inputs: DecisionInputs) -> bool:
    """Return whether a decision depends on counts that all processes must share."""
    if inputs.session:
        return True
    for candidate in (*inputs.modifiers, *inputs.rules):  # noqa: SIM110 - `any` takes twice as long for one
        if candidate.needs_counts:
            return True
    return False


class SharedCounters(Counters):
    """The counters of requests without a session. The counts are in memory that all processes share.

    The lock of the memory takes two system calls, after which the processor's caches no longer hold the code. A
    request then costs a quarter more. So the requests of one round (one iteration of the event loop) take the lock
    together, if they are three or more. They take it at the beginning of the round for their numbers, and at its end
    for the rest. More than 16 of them take it between these, too. A request whose tries are read takes it alone.
    """

    def __init__(self, counts: SharedCounts, first_number: int) -> None:
        super().__init__()
        self._counts = counts
        self.first_number = first_number
        self._table: Mapping[str, int] = {}
        self._by_keys: dict[Sequence[str], tuple[int, ...]] = {}
        self._next_reserved = self._end_of_reserved = 0
        """The reserved numbers of the present round that no request has; both 0 without a reservation."""
        self._unreserved = 0
        """The requests of a round with a reservation for which no number was reserved yet."""
        self._uncounted: dict[Sequence[int], int] = {}
        """The number of requests of the present round that the memory does not count yet, by their cells."""

    def begin_round(self, requests: int) -> None:
        """Reserve the numbers of some requests that are counted before `end_round`, if that pays."""
        if requests >= MIN_RESERVED:
            self._reserve(requests)

    def _reserve(self, requests: int) -> None:
        reserved = min(requests, MAX_RESERVED)
        self._next_reserved = self._counts.advance(REQUEST_NUMBER, reserved)
        self._end_of_reserved = self._next_reserved + reserved
        self._unreserved = requests - reserved

    def end_round(self) -> None:
        """Count the requests of the round. Free the reserved numbers that none has, unless another process has taken
        a later number: these are never used."""
        if self._end_of_reserved:
            with self._counts.locked() as cells:
                self._count_round(cells)
                if cells[REQUEST_NUMBER] == self._end_of_reserved:
                    cells[REQUEST_NUMBER] = self._next_reserved
            self._next_reserved = self._end_of_reserved = self._unreserved = 0

    def _count_round(self, cells: memoryview) -> None:
        """Count the requests that are not counted yet. The memory is locked."""
        for cells_of_request, requests in self._uncounted.items():
            for cell in cells_of_request[1:]:
                cells[cell] += requests
        self._uncounted.clear()

    def use(self, table: Mapping[str, int]) -> None:
        """Count in other cells from now on: `table` has the number of each key's cell in the shared memory."""
        self._table, self._by_keys = table, {}

    def count_in_global_scope(self, keys: Sequence[str]) -> int:
        if self._unreserved and self._next_reserved == self._end_of_reserved:
            self._reserve(self._unreserved)
        number = self._next_reserved
        if number < self._end_of_reserved:
            self._next_reserved = number + 1
            cells = self._by_keys.get(keys) or self._cells_of(keys)
            self._uncounted[cells] = self._uncounted.get(cells, 0) + 1
            return self.first_number + number
        return self.take(keys)[0]

    def take(self, keys: Sequence[str]) -> Sequence[int]:
        """Count a request. Return its number, and the tries of each key before it."""
        cells = self._cells_of(keys)
        if self._end_of_reserved:
            return self._take_in_round(cells)
        before = self._counts.add(cells)
        before[0] += self.first_number
        return before

    def _take_in_round(self, cells: Sequence[int]) -> Sequence[int]:
        """As `take`; the tries include those of the round."""
        with self._counts.locked() as values:
            self._count_round(values)
            has_reserved = self._next_reserved < self._end_of_reserved
            number = self._next_reserved if has_reserved else values[REQUEST_NUMBER]
            if has_reserved:
                self._next_reserved += 1
            else:
                values[REQUEST_NUMBER] = number + 1
            before = [self.first_number + number]
            for cell in cells[1:]:
                before.append(values[cell])
                values[cell] += 1
        return before

    def _cells_of(self, keys: Sequence[str]) -> tuple[int, ...]:
        """Return the cell of the request number, and that of each key."""
        cells = self._by_keys.get(keys)
        if cells is None:
            table = self._table
            if len(self._by_keys) >= MAX_COMBINATIONS:  # clients choose which modifiers match
                self._by_keys.clear()
            cells = self._by_keys[keys] = (REQUEST_NUMBER, *(table[key] for key in keys))
        return cells

    def take_numbers(self, requests: int) -> int:
        """Count some requests without a key. Return the number of the first one; those of the others follow."""
        return self.first_number + self._counts.advance(REQUEST_NUMBER, requests)

    def tries(self, key: str) -> int:
        """Return the tries of a key so far."""
        cell = self._table[key]
        return self._counts[cell] + sum(
            requests for cells, requests in self._uncounted.items() if cell in cells
        )


class SharedEngineState(EngineState):
    """The engine's state in a worker process. It decides only requests whose decision depends on no count, and counts
    them in the shared memory."""

    counts_are_shared: ClassVar[bool] = True
    counters_without_session: SharedCounters

    def __init__(
        self,
        counts: SharedCounts,
        *,
        first_number: int = 0,
        max_sessions: int = MAX_SESSIONS,
        unused_timeout: float = inf,
    ) -> None:
        """`first_number`: the number of the first request."""
        super().__init__(max_sessions=max_sessions, unused_timeout=unused_timeout)
        self.prompt_caches = SharedPromptCaches(counts.fd, COUNT_BYTES)
        self.counters_without_session = SharedCounters(counts, first_number)
        self.local_state = EngineState(max_sessions=max_sessions, unused_timeout=unused_timeout)
        """Decides while the store is away, if `--store-failure` is `local`; it also makes all previews. Its sessions
        end with those of this state."""
        self.store_elsewhere: (
            Callable[[str, StorageUpdate, ObjectLookup, RespondAgain | None], None] | None
        ) = None
        """Stores responses and tool calls outside of this process; without it, they are in its memory."""
        self.clocks: Mapping[str, ScenarioClock] = {}
        """The clocks of sessions that have one of their own."""

    def clock(self, id: str) -> ScenarioClock | None:
        return self.clocks.get(id)

    def use_session(self, id: str, monotonic: float, now: float | None = None) -> Session:
        found = super().use_session(id, monotonic, now)
        found.lookup = self.lookup(id)
        return found

    def lookup(self, session: str) -> ObjectLookup:
        return super().lookup(session) if self.store_elsewhere is None else FetchedLookup(session, {})

    def apply_storage_update(
        self,
        session: str,
        update: StorageUpdate,
        read_lookup: ObjectLookup = EMPTY_LOOKUP,
        respond_again: RespondAgain | None = None,
    ) -> bool:
        if self.store_elsewhere is None:
            return super().apply_storage_update(session, update)
        fits = update.size <= FetchedLookup.most_bytes
        if fits:
            self.store_elsewhere(session, update, read_lookup, respond_again)
        return fits

    def session_number(self, id: str) -> int:
        """Return 0: the numbers of several processes differ."""
        return 0

    def can_decide(self, inputs: DecisionInputs) -> bool:
        return not depends_on_counts(inputs)

    def decide(self, inputs: DecisionInputs, *, count: bool = True) -> Decision:
        """Decide a request whose decision depends on no count, and count it; a preview may depend on counts."""
        if not count:
            return self.local_state.decide(inputs, count=False)
        modifiers, selected_rule = inputs.modifiers, inputs.rules[0] if inputs.rules else None
        outcome: DecisionOutcome = "no_rule" if selected_rule is None else "rule"
        if any(modifier.has_error for modifier in modifiers):
            outcome = "modifier"
        elif inputs.fails_validation(selected_rule):
            outcome = "invalid"
        counted = [modifier.key for modifier in modifiers]
        if selected_rule is not None:
            counted.append(selected_rule.key)
        if selected_rule is None or outcome == "rule":
            number, *tries = self.counters_without_session.take(tuple(counted))
            return _decision(outcome, selected_rule, modifiers, number, tries)
        number, *tries = self.counters_without_session.take(tuple(counted[:-1]))
        return _decision(
            outcome,
            selected_rule,
            modifiers,
            number,
            [*tries, self.counters_without_session.tries(selected_rule.key)],
        )

    def count_in_global_scope(self, session: str, keys: Sequence[str]) -> int | None:
        return None

    def retain(self, keys: frozenset[str]) -> None:
        super().retain(keys)
        self.local_state.retain(keys)

    def reset(self) -> None:
        super().reset()
        self.local_state.reset()

    def reset_limits(self, keys: frozenset[str] | None = None) -> None:
        self.local_state.reset_limits(keys)

    def _forget(self, ids: Sequence[str]) -> None:
        super()._forget(ids)
        for id in ids:
            self.local_state.end(id)


def _decision(
    outcome: DecisionOutcome,
    selected_rule: Candidate | None,
    modifiers: Sequence[Candidate],
    number: int,
    tries: Sequence[int],
) -> Decision:
    applied = [
        SelectedCandidate(modifier, count, count) for modifier, count in zip(modifiers, tries, strict=False)
    ]
    rule = None if selected_rule is None else SelectedCandidate(selected_rule, tries[-1], tries[-1])
    return Decision(outcome, rule, applied, number)
