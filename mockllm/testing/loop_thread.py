"""One event loop in one thread for all servers of a test process. A further server is only a listening socket."""

from __future__ import annotations

import _thread
import asyncio
import atexit
import os
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from mockllm.server.app import App
from mockllm.server.deadlines import Cancellable, LoopClock
from mockllm.server.http_server import Address, Server

if TYPE_CHECKING:
    from mockllm.testing.virtual_clock import VirtualTime

T = TypeVar("T")

TURNS: Final = 12
"""Iterations of the loop after which it has accepted a connection, read what was sent, decided, and written."""
_virtual: VirtualTime | None = None
_apps: weakref.WeakSet[App] = weakref.WeakSet()
"""The apps of all servers of this process."""

LOOP_TIMEOUT: Final = 30.0
"""Maximum wait for the loop's thread, in seconds."""


class Loop:
    """An event loop that runs in a separate thread."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self._loop = _best_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mockllm", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[object, None, T]) -> T:
        """Run a coroutine in the loop and return its result. The wait is one of real time, also in virtual time."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        done = _thread.allocate_lock()
        done.acquire()
        future.add_done_callback(lambda _: done.release())
        done.acquire(True, LOOP_TIMEOUT)
        return future.result(0)

    def do(self, function: Callable[[], T]) -> T:
        """Call a function in the loop's thread and return its result."""

        async def call() -> T:
            return function()

        return self.run(call())

    def await_idle(self) -> bool:
        """Wait until the loop has read what was sent to it. Return whether no request is being read or decided."""
        ready = _thread.allocate_lock()
        ready.acquire()

        def turn(left: int) -> None:
            if left:
                self._loop.call_soon(turn, left - 1)
            else:
                ready.release()

        self._loop.call_soon_threadsafe(turn, TURNS)
        ready.acquire(True, LOOP_TIMEOUT)
        return all(app.unfinished_exchanges <= sum(app.responses_in_flight.values()) for app in list(_apps))

    def end(self) -> None:
        """Stop the loop at the end of the process."""
        if self._thread.is_alive() and os.getpid() == self.process:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(LOOP_TIMEOUT)
            self._loop.close()


def _best_loop() -> asyncio.AbstractEventLoop:
    """Return a uvloop loop if uvloop is installed, else one of asyncio."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


_loop: Loop | None = None
_starting = threading.Lock()


def loop() -> Loop:
    """Return the loop of this process. It starts at the first use; a forked process has a separate one."""
    global _loop
    with _starting:
        if _loop is None or _loop.process != os.getpid():
            _loop = Loop()
            atexit.register(_loop.end)
        return _loop


class SwitchedClock:
    """The clock of a test's server: virtual while a test uses `mockllm_clock`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._real = LoopClock(loop)

    def time(self) -> float:
        return self._real.time() if _virtual is None else _virtual.monotonic()

    def call_at(self, when: float, callback: Callable[[], None]) -> Cancellable:
        if _virtual is None:
            return self._real.call_at(when, callback)
        return _virtual.at(when, lambda: self._soon(callback))

    def _soon(self, callback: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(callback)


@contextmanager
def virtual_time() -> Iterator[VirtualTime]:
    """Run this process, with its servers, on virtual time until the end of the block."""
    global _virtual
    from mockllm.testing.patched_clock import patched_clock
    from mockllm.testing.virtual_clock import VirtualTime

    clock = VirtualTime(loop().await_idle)
    clock.start()
    try:
        with patched_clock(clock):
            _virtual = clock
            yield clock
    finally:
        _virtual = None
        clock.stop()


class Hosted:
    """A server on the shared loop."""

    def __init__(self, app: App, address: Address) -> None:
        """Start to listen. Raise CannotListen."""
        self._loop = loop()
        self.app = app
        _apps.add(app)
        self._server = Server(app, [address])
        self._loop.run(self._server.start())
        self.address = self._server.listening[0]

    def do(self, function: Callable[[], T]) -> T:
        """Call a function in the loop's thread."""
        return self._loop.do(function)

    def stop(self) -> None:
        """Stop at once and cut the responses in flight."""
        self._loop.run(self._server.cut())
