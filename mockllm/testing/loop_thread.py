"""One loop in one thread for all servers that a process's tests start: a server is then only a listening socket.

Apart from `server.serving`, whose loops live as long as their one server.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from mockllm.server.app import App
from mockllm.server.http_server import Address, Server

T = TypeVar("T")

PATIENCE: Final = 30.0
"""Seconds that the loop's thread is waited for, before something must be wrong with it."""


class Loop:
    """A running loop in a thread of its own."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self._loop = _best_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mockllm", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What it gives, when it is done."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def do(self, what: Callable[[], T]) -> T:
        """Done in the loop's thread, between two turns."""

        async def done() -> T:
            return what()

        return self.run(done())

    def end(self) -> None:
        """Stops it: at the end of the process."""
        if self._thread.is_alive() and os.getpid() == self.process:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            self._loop.close()


def _best_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


_loop: Loop | None = None
_starting = threading.Lock()


def loop() -> Loop:
    """The process's one loop, started when it is first asked for: a forked process has one of its own."""
    global _loop
    with _starting:
        if _loop is None or _loop.process != os.getpid():
            _loop = Loop()
            atexit.register(_loop.end)
        return _loop


class Hosted:
    """A server on the shared loop."""

    def __init__(self, app: App, address: Address) -> None:
        """Listens at once. CannotListen where it cannot."""
        self._loop = loop()
        self._server = Server(app, [address])
        self._loop.run(self._server.start())
        self.address = self._server.listening[0]

    def do(self, what: Callable[[], T]) -> T:
        """Done in the loop's thread."""
        return self._loop.do(what)

    def stop(self) -> None:
        """Ends at once: answers that are under way are cut."""
        self._loop.run(self._server.cut())
