"""Meters: the usage of one bound (requests or tokens) of a limit by one key, for each strategy.

Times are whole microseconds. Each meter has four methods. `wait` returns the time until an amount passes: 0 where it
passes now, None where it never does. `delay` returns how long an amount that passes now waits for earlier ones.
`charge` counts an amount that passes, and changes the results of the others. `bound_status` returns the rest. A
bucket also has `level_after` and `set_level`, which together do what `wait`, `charge` and `bound_status` do.
"""

from __future__ import annotations

from collections import deque
from typing import TypeAlias

from mockllm.core.limits.limit_data import BoundStatus

MICROS_PER_SECOND = 1_000_000
"""Microseconds in a second."""


class FixedWindow:
    """A meter with an amount for each window.

    A window opens with the first charge and lasts its time. The next one opens with the first charge after it, so a
    run does not depend on the time of day. Around the end of a window twice the limit can pass, as usual with this
    strategy.
    """

    __slots__ = ("_end", "_limit", "_used", "_window")

    def __init__(self, limit: int, window: int) -> None:
        self._limit = limit
        self._window = window
        self._end: int | None = None
        """The end of the open window."""
        self._used = 0

    def wait(self, micros: int, amount: int) -> int | None:
        if amount > self._limit:
            return None
        if self._end is None or micros >= self._end or self._used + amount <= self._limit:
            return 0
        return self._end - micros

    def delay(self, micros: int) -> int:
        return 0

    def charge(self, micros: int, amount: int) -> None:
        if self._end is None or micros >= self._end:
            self._end, self._used = micros + self._window, 0
        self._used += amount

    def bound_status(self, micros: int) -> BoundStatus:
        window = self._window / MICROS_PER_SECOND
        if self._end is None or micros >= self._end:
            return BoundStatus(self._limit, self._limit, 0.0, window)
        return BoundStatus(
            self._limit, self._limit - self._used, (self._end - micros) / MICROS_PER_SECOND, window
        )


MAX_EXACT_ENTRIES = 1024
"""Entries up to which a sliding window is exact. It has at most twice as many, plus two."""


class SlidingWindow:
    """A meter with an amount for any window, wherever it begins: a log of charges and their times.

    A charge at t counts until t + window, not at that time itself. The log is exact up to `MAX_EXACT_ENTRIES`.
    Above that, charges within a thousandth of a window share one entry with the time of the last one. They may
    count up to that much longer, never shorter. So memory is bounded, no window ever has more than the limit,
    and a reported wait still suffices.
    """

    __slots__ = ("_cell", "_limit", "_log", "_used", "_window")

    def __init__(self, limit: int, window: int) -> None:
        self._limit = limit
        self._window = window
        self._cell = max(1, window // MAX_EXACT_ENTRIES + 1)
        self._log: deque[tuple[int, int]] = deque()
        """Time and amount; the oldest first."""
        self._used = 0

    def wait(self, micros: int, amount: int) -> int | None:
        if amount > self._limit:
            return None
        self._remove_old(micros)
        over = self._used + amount - self._limit
        free = micros
        for when, used in self._log:
            if over <= 0:
                break
            over -= used
            free = when + self._window
        return free - micros

    @property
    def entries(self) -> int:
        """The number of entries of the log."""
        return len(self._log)

    def delay(self, micros: int) -> int:
        return 0

    def charge(self, micros: int, amount: int) -> None:
        if not amount:
            return
        self._remove_old(micros)
        self._used += amount
        if len(self._log) >= MAX_EXACT_ENTRIES and self._log[-1][0] // self._cell == micros // self._cell:
            amount += self._log.pop()[1]
        self._log.append((micros, amount))

    def bound_status(self, micros: int) -> BoundStatus:
        self._remove_old(micros)
        reset = self._log[-1][0] + self._window - micros if self._log else 0
        return BoundStatus(
            self._limit, self._limit - self._used, reset / MICROS_PER_SECOND, self._window / MICROS_PER_SECOND
        )

    def _remove_old(self, micros: int) -> None:
        """Remove entries that no longer count."""
        log = self._log
        while log and log[0][0] + self._window <= micros:
            self._used -= log.popleft()[1]


class Bucket:
    """A meter with a bucket: charges fill it, and it drains evenly, by a limit in each window.

    A token bucket lets pass what fits, at once. A leaky bucket lets it wait until all earlier charges have drained,
    so that requests are spaced evenly. `size` is the capacity: the amount that passes at once (or waits, plus one).
    The level is counted in parts of a unit of which a whole number drains each microsecond: nothing is rounded.
    """

    __slots__ = ("_at", "_leaky", "_level", "_limit", "_size", "_window")

    def __init__(self, limit: int, window: int, size: int, *, leaky: bool = False) -> None:
        self._limit = limit
        self._window = window
        self._size = size if limit else 0
        self._leaky = leaky
        self._level = 0
        """The level at `_at`, in units divided by the window."""
        self._at = 0

    def wait(self, micros: int, amount: int) -> int | None:
        if amount > self._size:
            return None
        over = self._current_level(micros) + (amount - self._size) * self._window
        return self._drain_time(over) if over > 0 else 0

    def delay(self, micros: int) -> int:
        return self._drain_time(self._current_level(micros)) if self._leaky else 0

    def charge(self, micros: int, amount: int) -> None:
        self._level = self._current_level(micros) + amount * self._window
        self._at = max(micros, self._at)

    def bound_status(self, micros: int) -> BoundStatus:
        return self._bound_status(self._current_level(micros))

    def level_after(self, micros: int, amount: int) -> int | None:
        """Return the level that a charge would lead to, if a token bucket lets it pass at once; else None."""
        level, since = self._level, micros - self._at  # inlined: this runs for each request
        if since > 0:
            level -= self._limit * since
            if level < 0:
                level = 0
        level += amount * self._window
        return level if level <= self._size * self._window else None

    def set_level(self, micros: int, level: int) -> BoundStatus:
        """Set the level that `level_after` returned, and return the rest of the bound."""
        self._level = level
        if micros > self._at:
            self._at = micros
        return self._bound_status(level)

    def _bound_status(self, level: int) -> BoundStatus:
        size, window = self._size, self._window
        drain_time = -(-level // self._limit) if level else 0  # inlined: this runs for each request
        return BoundStatus(
            size, size - -(-level // window), drain_time / MICROS_PER_SECOND, window / MICROS_PER_SECOND
        )

    def _current_level(self, micros: int) -> int:
        level = self._level
        if micros > self._at:
            level -= self._limit * (micros - self._at)
        return level if level > 0 else 0

    def _drain_time(self, level: int) -> int:
        """Return the microseconds in which a level drains. A bucket that does not drain is always empty."""
        return -(-level // self._limit) if level else 0


Meter: TypeAlias = FixedWindow | SlidingWindow | Bucket
