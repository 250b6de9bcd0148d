"""Windows in time, as a guard has them: counted from the first try of a scope, not from a clock's hour, so that a
run is the same whenever it begins. Times are compared in whole microseconds, as limits do: differences of a
clock's floats are a little off.
"""

from __future__ import annotations

from math import inf

from msgspec import Struct

from mockllm.core.limits.meter import MICRO


class TimeWindow(Struct, frozen=True):
    """From `start` until `end` (which does not belong to it), in seconds from the first try; with `every`
    again and again, so long after each other."""

    start: float = 0.0
    end: float = inf
    every: float | None = None

    def contains(self, elapsed: float) -> bool:
        """Whether it is such a time, so many seconds after the first try."""
        at = round(elapsed * MICRO)
        if self.every is not None:
            at %= max(1, round(self.every * MICRO))
        return self.start * MICRO - 0.5 <= at < self.end * MICRO - 0.5
