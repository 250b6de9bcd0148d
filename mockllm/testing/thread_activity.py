"""Which threads work. A thread that waits for something else (a lock, a native queue) uses no processor time: after
a while, it does not count."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Final, NamedTuple

real_monotonic: Final = time.monotonic
BLOCKED_AFTER: Final = 0.01
"""Seconds asleep without any processor time after which a thread does not count as working."""
_ASLEEP: Final = ("S", "D")
"""The states of a thread that waits for something other than a processor (proc(5))."""


class Activity(NamedTuple):
    """The processor time of a thread in nanoseconds, and since when it is the same."""

    used: float
    since: float


class ThreadActivity:
    """The threads that work, by id."""

    def __init__(self) -> None:
        self._threads: dict[int, Activity] = {}

    def add(self, thread: int | None = None) -> None:
        """Count a thread, by default this one."""
        self._threads[threading.get_ident() if thread is None else thread] = Activity(-1.0, real_monotonic())

    def discard(self) -> None:
        """Do not count this thread any more."""
        self._threads.pop(threading.get_ident(), None)

    def idle(self) -> bool:
        """Return whether no thread works. Where the system does not say what a thread does, it works."""
        if not self._threads:
            return True
        alive = sys._current_frames()
        native = {thread.ident: thread.native_id for thread in threading.enumerate()}
        now, idle = real_monotonic(), True
        for thread, before in list(self._threads.items()):
            if thread not in alive:
                del self._threads[thread]
                continue
            used = _processor_time(native.get(thread))
            if used is None or used != before.used:
                self._threads[thread] = Activity(before.used if used is None else used, now)
                idle = False
            elif now - before.since < BLOCKED_AFTER:
                idle = False
        return idle


def _processor_time(native: int | None) -> float | None:
    """Return the processor time of a thread that sleeps; None for one that waits for a processor, or is unknown."""
    try:
        task = Path(f"/proc/self/task/{native}")
        state = (task / "stat").read_text().rpartition(") ")[2][:1]
        return float((task / "schedstat").read_text().partition(" ")[0]) if state in _ASLEEP else None
    except (OSError, ValueError):
        return None
