"""Windows in time, as a guard has them: counted from the first try of a scope, not from a clock's hour, so that a
run is the same whenever it begins.
"""

from __future__ import annotations

from math import inf

from msgspec import Struct


class During(Struct, frozen=True):
    """From `start` until `end` (which does not belong to it), in seconds from the first try; with `every`
    again and again, so long after each other."""

    start: float = 0.0
    end: float = inf
    every: float | None = None

    def holds(self, elapsed: float) -> bool:
        """Whether it is such a time, so many seconds after the first try."""
        at = elapsed if self.every is None else elapsed % self.every
        return self.start <= at < self.end
