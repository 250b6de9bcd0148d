"""The answers under a load: each with the time at which it ends.

Apart because it is asked with each request: with thousands under way nobody may look through them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf

from mockllm.core.selection.decision import Lease


class InFlight:
    """Times are those of requests, in seconds."""

    __slots__ = ("_ends", "_next", "_order")

    def __init__(self) -> None:
        self._ends: dict[Lease, float] = {}
        self._next: list[tuple[float, int, Lease]] = []
        """A heap of all known ends; also of some that were given up since."""
        self._order = count()

    def expect_end(self, lease: Lease, until: float) -> None:
        """It is under way until then, `inf` where nobody knows yet."""
        self._ends[lease] = until
        if until != inf:
            heappush(self._next, (until, next(self._order), lease))

    def end(self, lease: Lease) -> None:
        """It has ended, at its time or before."""
        self._ends.pop(lease, None)
        if len(self._next) > 2 * len(self._ends) + 64:
            self._next = [each for each in self._next if self._ends.get(each[2]) == each[0]]
            heapify(self._next)

    def at(self, now: float) -> int:
        """How many are under way now; those that have ended by then are forgotten."""
        while self._next and self._next[0][0] <= now:
            end, _, lease = heappop(self._next)
            if self._ends.get(lease) == end:
                del self._ends[lease]
        return len(self._ends)

    @property
    def ends(self) -> Sequence[float]:
        return tuple(self._ends.values())
