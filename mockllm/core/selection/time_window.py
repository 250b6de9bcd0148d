"""Time windows of guards.

A window is counted from the first try of a scope, not from the time of day, so that a run is the same whenever it
begins. Times are compared in whole microseconds, as limits do, since differences of a clock's floats are inexact.
"""

from __future__ import annotations

from math import inf

from msgspec import Struct

from mockllm.core.limits.meters import MICRO


class TimeWindow(Struct, frozen=True):
    """From `start` until `end` (exclusive), in seconds from the first try; with `every`, repeated after so many
    seconds."""

    start: float = 0.0
    end: float = inf
    every: float | None = None

    def contains(self, elapsed: float) -> bool:
        """Return whether `elapsed` seconds after the first try are inside the window."""
        at = round(elapsed * MICRO)
        if self.every is not None:
            at %= max(1, round(self.every * MICRO))
        return self.start * MICRO - 0.5 <= at < self.end * MICRO - 0.5
