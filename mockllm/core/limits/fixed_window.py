"""So much in each window. A window opens with the first that passes and lasts its time; the next one opens
with the first that passes after it. So a run is the same whatever the hour it begins at.
"""

from __future__ import annotations

from mockllm.core.limits.meter import MICRO
from mockllm.core.limits.result import Gauge


class FixedWindow:
    """See `Meter`. Around the end of a window twice the limit can pass: that is what this strategy is."""

    __slots__ = ("_end", "_limit", "_used", "_window")

    def __init__(self, limit: int, window: int) -> None:
        self._limit = limit
        self._window = window
        self._end: int | None = None
        """When the open window ends."""
        self._used = 0

    def wait(self, now: int, amount: int) -> int | None:
        if amount > self._limit:
            return None
        if self._end is None or now >= self._end or self._used + amount <= self._limit:
            return 0
        return self._end - now

    def delay(self, now: int) -> int:
        return 0

    def charge(self, now: int, amount: int) -> None:
        if self._end is None or now >= self._end:
            self._end, self._used = now + self._window, 0
        self._used += amount

    def gauge(self, now: int) -> Gauge:
        window = self._window / MICRO
        if self._end is None or now >= self._end:
            return Gauge(self._limit, self._limit, 0.0, window)
        return Gauge(self._limit, self._limit - self._used, (self._end - now) / MICRO, window)
