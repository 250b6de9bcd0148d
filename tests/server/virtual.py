"""A clock that a test turns by hand, and a sink that notes what was written when."""

from __future__ import annotations

from collections.abc import Callable

from mockllm.core.rendering.plan import ConnectionCut
from mockllm.server.deadlines import Deadlines


class Call:
    """A call to come; cancelled by taking it out of its clock's list."""

    def __init__(self, clock: VirtualClock, when: float, callback: Callable[[], None]) -> None:
        self.clock = clock
        self.when = when
        self.callback = callback

    def cancel(self) -> None:
        if self in self.clock.calls:
            self.clock.calls.remove(self)


class VirtualClock:
    def __init__(self, now: float = 100.0) -> None:
        self.now = now
        self.calls: list[Call] = []
        self.turns = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], None]) -> Call:
        call = Call(self, when, callback)
        self.calls.append(call)
        return call

    def run_until(self, end: float) -> None:
        """Make all calls due by `end` in the order of their times, the clock standing at each."""
        while due := [call for call in self.calls if call.when <= end]:
            call = min(due, key=lambda call: call.when)
            call.cancel()
            self.now = max(self.now, call.when)
            self.turns += 1
            call.callback()
        self.now = max(self.now, end)


class NotingSink:
    """Notes (seconds since the start, bytes); `full` and `gone` as the test wants."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._start = clock.now
        self.writes: list[tuple[float, bytes]] = []
        self.full = False
        self.gone = False
        self.cuts: list[ConnectionCut] = []

    def write(self, data: bytes) -> None:
        if self.gone:
            raise ConnectionResetError("gone")
        self.writes.append((round(self._clock.now - self._start, 6), data))


def world() -> tuple[VirtualClock, Deadlines, NotingSink]:
    clock = VirtualClock()
    return clock, Deadlines(clock), NotingSink(clock)
