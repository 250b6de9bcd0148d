"""Buckets: what passes fills one, and it drains evenly, a limit's worth in each window.

A token bucket lets pass what fits, at once; a leaky one lets it wait until all before it has drained, so that
what leaves is spaced evenly. They differ in nothing else. What is in a bucket is counted in parts of a unit so
small that it drains by a whole number of them each microsecond: nothing is ever rounded.
"""

from __future__ import annotations

from mockllm.core.limits.meter import MICRO
from mockllm.core.limits.result import Gauge


class Bucket:
    """See `Meter`. `size`: how much it holds, that is, how much passes at once (or waits, and one more)."""

    __slots__ = ("_at", "_leaky", "_level", "_limit", "_size", "_window")

    def __init__(self, limit: int, window: int, size: int, *, leaky: bool = False) -> None:
        self._limit = limit
        self._window = window
        self._size = size if limit else 0
        self._leaky = leaky
        self._level = 0
        """What was in it at `_at`, in window-ths of a unit."""
        self._at = 0

    def wait(self, now: int, amount: int) -> int | None:
        if amount > self._size:
            return None
        over = self._filled(now) + (amount - self._size) * self._window
        return self._drained(over) if over > 0 else 0

    def delay(self, now: int) -> int:
        return self._drained(self._filled(now)) if self._leaky else 0

    def charge(self, now: int, amount: int) -> None:
        self._level = self._filled(now) + amount * self._window
        self._at = max(now, self._at)

    def gauge(self, now: int) -> Gauge:
        level = self._filled(now)
        remaining = self._size - -(-level // self._window)
        return Gauge(self._size, remaining, self._drained(level) / MICRO, self._window / MICRO)

    def _filled(self, now: int) -> int:
        return max(0, self._level - self._limit * max(0, now - self._at))

    def _drained(self, level: int) -> int:
        """In how many microseconds so much drains. Into one that does not drain nothing is let."""
        return -(-level // self._limit) if level else 0
