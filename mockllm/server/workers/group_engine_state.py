"""The state of all workers, as the control API of their supervisor reads and changes it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from math import inf
from typing import ClassVar, Final

from mockllm.core.time_scale import ScenarioClock
from mockllm.state.engine_state import MAX_SESSIONS, NO_COUNTS, EngineState, ResponseCounts
from mockllm.state.shared_counts import COUNT_BYTES, CellTable, SharedCounts
from mockllm.state.shared_prompt_caches import SharedPromptCaches
from mockllm.store.connection import StoreRefused
from mockllm.store.group_store import GroupStore

REPEAT: Final = 0.5
"""Seconds between two tries of a change that the store refuses."""
Counts = Mapping[str, tuple[int, int]]
"""Tries and responses by key."""


class GroupEngineState(EngineState):
    """Counts that the workers share, and those that they report."""

    counts_are_shared: ClassVar[bool] = True

    def __init__(
        self, counts: SharedCounts, *, unused_timeout: float = inf, max_sessions: int = MAX_SESSIONS
    ) -> None:
        super().__init__(unused_timeout=unused_timeout, max_sessions=max_sessions)
        self.counts = counts
        self.prompt_caches = SharedPromptCaches(counts.fd, COUNT_BYTES)
        self.store: GroupStore | None = None
        self.changes: list[Callable[[GroupStore], Awaitable[None]]] = []
        """The work of the store before a call of the control API ends."""
        self.count_changes = 0
        """How many of these have changed counts so far."""
        self.refused_change: str | None = None
        """Why the store refuses the first of them; None if it does not."""
        self._changing = asyncio.Lock()
        self.table = CellTable(counts)
        self.keys: frozenset[str] = frozenset()
        """The keys of the present rules."""
        self._lost: dict[str, tuple[int, int]] = {}
        self._reported: dict[str, tuple[int, int]] = {}
        self.orders: list[tuple[str, tuple[object, ...]]] = []
        """The names of orders to the workers, each with its values, until all have obeyed."""
        self.sent_clocks: dict[str, ScenarioClock] = {}
        """The clocks of sessions that the workers know."""

    def served(self, index: int) -> int:
        """Return how many requests the worker of an index has served, also if it was killed since."""
        return self.counts[CellTable.SERVED + index]

    def add_lost(self, counts: Counts) -> None:
        """Add what a worker reported that has ended."""
        _add(self._lost, counts)

    def set_counts(self, reported: Sequence[Counts]) -> None:
        """Set what the workers report."""
        self._reported = dict(self._lost)
        for counts in reported:
            _add(self._reported, counts)

    def totals(self, response_counts: ResponseCounts = NO_COUNTS) -> Mapping[str, Sequence[int]]:
        """Return the tries and responses of each key. The workers count responses; what they decide without the store
        has no guard, so that each of its tries has a response."""
        found = {key: (count, count) for key, count in self.table.totals().items()}
        _add(found, self._reported)
        return found

    def mirror(self, sessions: Mapping[str, float]) -> None:
        """Note which sessions the workers have used, and when, in seconds since the epoch."""
        now, monotonic = time.time(), time.monotonic()
        for id, used in sessions.items():
            known = self._sessions.get(id)
            if now - used < self.unused_timeout and (known is None or known.last_used < used):
                self.use_session(id, monotonic - (now - used), used)

    def session_number(self, id: str) -> int:
        """Return 0, as in the workers."""
        return 0

    def end(self, id: str) -> bool:
        self._change_counts(lambda store: store.end(id))
        self.orders.append(("end_session", (id,)))
        return super().end(id)

    @property
    def clocks(self) -> dict[str, ScenarioClock]:
        """The clocks of sessions that have one of their own."""
        found = ((id, session.clock) for id, session in self._sessions.items())
        return {id: clock for id, clock in found if clock is not None}

    def reset_limits(self, keys: frozenset[str] | None = None) -> None:
        self._change_counts(lambda store: store.reset_limits(keys))
        self.orders.append(("reset_limits", (keys,)))

    def retain(self, keys: frozenset[str]) -> None:
        super().retain(keys)
        removed = self.keys - keys
        self.keys = keys
        self._lost = {key: counts for key, counts in self._lost.items() if key in keys}
        self.changes.append(lambda store: store.use_rules(keys))
        if removed:
            self._change_counts(lambda store: store.forget(removed))

    def _change_counts(self, change: Callable[[GroupStore], Awaitable[None]]) -> None:
        self.changes.append(change)
        self.count_changes += 1

    async def expect(self, keys: frozenset[str]) -> None:
        """Let the store know further rules before the workers have them, and do what was changed before. A store that
        is away does so when it is back."""
        known = self.keys | keys
        self.changes.append(lambda store: store.use_rules(known))
        with suppress(TimeoutError):
            async with asyncio.timeout(0 if self.store is None else self.store.wait):
                await self.change_store()

    async def change_store(self) -> None:
        """Let the store do what was changed before, in order. A change that another call has begun is waited for.
        One that the store refuses is repeated."""
        async with self._changing:
            while self.changes:
                try:
                    if self.store is not None:
                        await self.changes[0](self.store)
                    self.changes.pop(0)
                    self.refused_change = None
                except StoreRefused as refused:
                    self.refused_change = str(refused)
                    await asyncio.sleep(REPEAT)

    def reset(self) -> None:
        super().reset()
        self._change_counts(lambda store: store.reset())
        self.table.clear()
        self._lost, self._reported = {}, {}
        self.orders.append(("reset_state", ()))


def _add(total: dict[str, tuple[int, int]], counts: Counts) -> None:
    for key, (tries, responses) in counts.items():
        before = total.get(key, (0, 0))
        total[key] = (before[0] + tries, before[1] + responses)
