"""So much in any window, wherever it begins: a log of what passed, and when.

The log is exact up to `EXACT` entries. Above that, what passes in the same thousandth of a window is one
entry, at the time of its last: then it may count up to that much longer, never shorter. So a key takes bounded
memory, no window ever holds more than the limit, and a wait that was told still suffices.
"""

from __future__ import annotations

from collections import deque

from mockllm.core.limits.meter import MICRO
from mockllm.core.limits.result import Gauge

EXACT = 1024
"""How many entries are kept apart; there are never more than twice as many, and two."""


class SlidingWindow:
    """See `Meter`. What passed at t counts until t + window, not at that time itself."""

    __slots__ = ("_cell", "_limit", "_log", "_used", "_window")

    def __init__(self, limit: int, window: int) -> None:
        self._limit = limit
        self._window = window
        self._cell = max(1, window // EXACT + 1)
        self._log: deque[tuple[int, int]] = deque()
        """When, and how much; the oldest first."""
        self._used = 0

    def wait(self, now: int, amount: int) -> int | None:
        if amount > self._limit:
            return None
        self._forget(now)
        over = self._used + amount - self._limit
        at = now
        for when, used in self._log:
            if over <= 0:
                break
            over -= used
            at = when + self._window
        return at - now

    def delay(self, now: int) -> int:
        return 0

    def charge(self, now: int, amount: int) -> None:
        if not amount:
            return
        self._forget(now)
        self._used += amount
        if len(self._log) >= EXACT and self._log[-1][0] // self._cell == now // self._cell:
            amount += self._log.pop()[1]
        self._log.append((now, amount))

    def gauge(self, now: int) -> Gauge:
        self._forget(now)
        reset = self._log[-1][0] + self._window - now if self._log else 0
        return Gauge(self._limit, self._limit - self._used, reset / MICRO, self._window / MICRO)

    def _forget(self, now: int) -> None:
        """What no longer counts goes; nobody can see that."""
        log = self._log
        while log and log[0][0] + self._window <= now:
            self._used -= log.popleft()[1]
