"""Virtual time for a process: it runs as usual, and jumps to the next deadline when every thread waits.

Threads wait by `VirtualTime.wait`, with a deadline or without one, and for a file or none. A watcher thread looks
whether every known thread waits, no file is readable, and the servers have read what was sent to them. Then it adds
the time to the next deadline. `patched_clock` replaces the functions of the standard library by these waits.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count
from math import ceil, inf, isinf
from typing import Final, NamedTuple

from mockllm.testing.thread_activity import ThreadActivity

real_monotonic: Final = time.monotonic
real_wait: Final = threading.Condition.wait


def real_poll(files: Iterable[int], seconds: float) -> list[int]:
    """Return the files that are readable, or that are closed, within so many seconds of real time."""
    polled = select.poll()
    for file in files:
        polled.register(file, select.POLLIN)
    return [file for file, _ in polled.poll(ceil(seconds * 1000))]


STEP: Final = 0.0005
"""Seconds of real time between two polls of threads that should continue by themselves."""
PATIENCE: Final = 3600.0
"""Seconds that a wait in the operating system lasts at most before it is repeated."""


class Pipe(NamedTuple):
    read: int
    write: int


class Waiter:
    """A thread that waits. `files` end the wait when they are readable. `outside`: it waits for something that is not
    in this process, so time must not jump."""

    __slots__ = ("deadline", "files", "outside", "waker")

    def __init__(
        self, deadline: float, files: tuple[int, ...], waker: Pipe, outside: Callable[[], bool]
    ) -> None:
        self.deadline = deadline
        self.files = files
        self.waker = waker
        self.outside = outside


class VirtualTimer:
    """A callback at a virtual time, for a server."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualTime:
    """The time of this process. `await_idle` returns when the servers have read what was sent to them; it returns
    whether they are idle."""

    def __init__(self, await_idle: Callable[[], bool] = lambda: True) -> None:
        self._await_idle = await_idle
        self._lock = threading.Condition()
        self._running = ThreadActivity()
        self._waiting: dict[int, Waiter] = {}
        self._timers: list[tuple[float, int, VirtualTimer]] = []
        self._order = count()
        self._local = threading.local()
        self._pipes: list[Pipe] = []
        self._version = 0
        self._ended = False
        self._outside = 0
        self._starting = 0
        self.skipped = 0.0
        """Seconds by which time has jumped."""
        self.notes: list[str] = []
        """Why time did not jump although everybody waited, each reason once."""
        self._watcher = threading.Thread(target=self._watch, name="mockllm-clock", daemon=True)

    # --- the clock -----------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; the calling thread is known from now on."""
        self._running.add()
        self._watcher.start()

    def stop(self) -> None:
        """End: time does not jump any more."""
        with self._lock:
            self._ended = True
            self._lock.notify_all()
            still = [waiter.waker for waiter in self._waiting.values()]
        self._watcher.join()
        for pipe in still:
            _wake(pipe)  # a thread that outlives the clock waits in real time from now on
        for pipe in self._pipes:
            if pipe not in still:
                os.close(pipe.read)
                os.close(pipe.write)

    def monotonic(self) -> float:
        return real_monotonic() + self.skipped

    def sleep(self, seconds: float) -> None:
        """Wait for a virtual time."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self.wait(seconds)

    def wait(
        self,
        seconds: float | None,
        files: tuple[int, ...] = (),
        outside: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Wait until a file is readable (True) or so many seconds are over (False); None waits for a file alone."""
        if files and real_poll(files, 0):
            return True
        deadline = inf if seconds is None else self.monotonic() + seconds
        waiter = Waiter(deadline, files, self._waker(), outside)
        self.begin_wait(waiter)
        try:
            return self._wait(waiter)
        finally:
            self.end_wait()

    def begin_wait(self, waiter: Waiter) -> None:
        """Count this thread as one that waits."""
        with self._lock:
            self._running.discard()
            self._waiting[threading.get_ident()] = waiter
            self._version += 1
            self._lock.notify_all()

    def end_wait(self) -> None:
        """Count this thread as one that works."""
        with self._lock:
            self._waiting.pop(threading.get_ident(), None)
            self._running.add()
            self._version += 1

    def waiter(self, seconds: float | None) -> Waiter:
        """Return a waiter for this thread that waits for something else."""
        deadline = inf if seconds is None else self.monotonic() + seconds
        return Waiter(deadline, (), self._waker(), lambda: False)

    def woken(self, thread: int) -> None:
        """Count a thread as one that works: another one has ended its wait."""
        with self._lock:
            if self._waiting.pop(thread, None) is not None:
                self._running.add(thread)
                self._version += 1

    def starts(self) -> None:
        """Count one more thread that is about to start."""
        with self._lock:
            self._starting += 1
            self._version += 1

    def works(self) -> None:
        """Count this thread as one that works, from its start."""
        with self._lock:
            self._starting -= 1
            self._running.add()

    def ends(self) -> None:
        """Count this thread as one that ends."""
        with self._lock:
            self._running.end()
            self._version += 1

    @contextmanager
    def real_time(self, why: str) -> Iterator[None]:
        """Let time pass as usual, because something in another process is waited for."""
        self.note(why)
        with self._lock:
            self._outside += 1
        try:
            yield
        finally:
            with self._lock:
                self._outside -= 1

    def note(self, text: str) -> None:
        """Note once why time does not jump."""
        if text not in self.notes:
            self.notes.append(text)

    def at(self, when: float, callback: Callable[[], None]) -> VirtualTimer:
        """Call back at a virtual time, in the watcher's thread."""
        timer = VirtualTimer(callback)
        with self._lock:
            heappush(self._timers, (when, next(self._order), timer))
            self._version += 1
            self._lock.notify_all()
        return timer

    def _wait(self, waiter: Waiter) -> bool:
        own = waiter.waker.read
        while True:
            left = waiter.deadline - self.monotonic()
            if left <= 0:
                return False
            watched = waiter.files if self._ended else (*waiter.files, own)
            readable = real_poll(watched, min(left, PATIENCE))
            if own in readable:
                with contextlib.suppress(BlockingIOError):
                    os.read(own, 64)
            if any(file in readable for file in waiter.files):
                return True

    def _waker(self) -> Pipe:
        """Return the pipe that ends a wait of this thread."""
        pipe: Pipe | None = getattr(self._local, "pipe", None)
        if pipe is None:
            pipe = self._local.pipe = Pipe(*os.pipe())
            os.set_blocking(pipe.read, False)
            os.set_blocking(pipe.write, False)
            self._pipes.append(pipe)
        return pipe

    # --- the watcher ---------------------------------------------------------------------------

    def _watch(self) -> None:
        seen = (
            -1
        )  # time jumps at the second check in a row with the same result: what was sent may not have arrived
        while not self._ended:
            self._fire()
            with self._lock:
                version = self._version
                idle = not self._starting and self._running.idle()
                if not idle:
                    seen = -1
                    real_wait(self._lock, STEP)
                    continue
            still = self._await_idle()
            steady = still and version == seen
            seen = version if still else -1
            if not steady or not self._jump(version):
                with self._lock:
                    if self._version == version and not self._ended:
                        real_wait(self._lock, self._pause())

    def _pause(self) -> float:
        """Return the real seconds until the next look."""
        timers = [when for when, _, timer in self._timers if timer.callback is not None]
        left = min(timers, default=inf) - self.monotonic()
        return max(0.0, min(STEP, left))

    def _jump(self, version: int) -> bool:
        """Add the time to the next deadline, if every thread still waits. Return whether it was added."""
        with self._lock:
            waiting = list(self._waiting.items())
            files = [file for _, waiter in waiting for file in waiter.files]
            if self._version != version or self._ended or (files and _readable(files)):
                return False
            if self._outside or self._starting or not self._running.idle():
                return False
            if any(waiter.outside() for _, waiter in waiting):
                return False
            while self._timers and self._timers[0][2].callback is None:
                heappop(self._timers)
            due = min([waiter.deadline for _, waiter in waiting], default=inf)
            due = min(due, self._timers[0][0]) if self._timers else due
            if isinf(due):
                return False
            self.skipped += max(0.0, due - self.monotonic())
            self._version += 1
            now = self.monotonic()
            for thread, waiter in waiting:
                if waiter.deadline <= now:
                    self._running.add(thread)
                    _wake(waiter.waker)
            return True

    def _fire(self) -> None:
        """Call the timers that are due."""
        while True:
            with self._lock:
                if not self._timers or self._timers[0][0] > self.monotonic():
                    return
                callback = heappop(self._timers)[2].callback
                self._version += 1
            if callback is not None:
                callback()


def _readable(files: Iterable[int]) -> bool:
    return bool(real_poll(files, 0))


def _wake(pipe: Pipe) -> None:
    with contextlib.suppress(BlockingIOError):
        os.write(pipe.write, b"x")
