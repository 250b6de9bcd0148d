"""Which threads work. A thread that waits for something else (a lock, a native queue) uses no processor time: after
a while, it does not count."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Final, NamedTuple

real_monotonic: Final = time.monotonic
BLOCKED_AFTER: Final = 0.05
"""Seconds asleep without any processor time after which a thread does not count as working. A thread that waits for
the interpreter's lock wakes up every 5 ms, but a virtual machine may be paused meanwhile."""
BLOCKED_CHECKS: Final = 20
"""Checks in a row that must show the same: a pause of the whole process is no sign that a thread waits."""
_ASLEEP: Final = "S"
"""The state of a thread that waits for an event (proc(5)). One in state D waits for a disk and goes on by itself."""


class Activity(NamedTuple):
    """The processor time of a thread in nanoseconds, since when it is the same, and how many checks have found it."""

    used: float
    since: float
    checks: int


class ThreadActivity:
    """The threads that work, by id."""

    def __init__(self) -> None:
        self._threads: dict[int, Activity] = {}
        self._ending: set[int] = set()

    def add(self, thread: int | None = None) -> None:
        """Count a thread, by default this one."""
        self._threads[threading.get_ident() if thread is None else thread] = Activity(-1, real_monotonic(), 0)

    def discard(self) -> None:
        """Do not count this thread any more."""
        self._threads.pop(threading.get_ident(), None)

    def end(self) -> None:
        """Count this thread until the system does not know it any more: another one may wait for its end."""
        self.discard()
        self._ending.add(threading.get_native_id())

    def idle(self) -> bool:
        """Return whether no thread works. Where the system does not say what a thread does, it works."""
        self._ending = {native for native in self._ending if Path(f"/proc/self/task/{native}").exists()}
        if self._ending:
            return False
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
                self._threads[thread] = Activity(before.used if used is None else used, now, 0)
                idle = False
            elif now - before.since < BLOCKED_AFTER or before.checks < BLOCKED_CHECKS:
                self._threads[thread] = before._replace(checks=before.checks + 1)
                idle = False
        return idle


def _processor_time(native: int | None) -> float | None:
    """Return the processor time of a thread that sleeps; None for one that waits for a processor, or is unknown."""
    try:
        task = Path(f"/proc/self/task/{native}")
        state = (task / "stat").read_text().rpartition(") ")[2][:1]
        return float((task / "schedstat").read_text().partition(" ")[0]) if state == _ASLEEP else None
    except (OSError, ValueError):
        return None
