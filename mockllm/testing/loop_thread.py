"""One event loop in one thread for all servers of a test process. A further server is only a listening socket."""

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

LOOP_TIMEOUT: Final = 30.0
"""Maximum wait for the loop's thread, in seconds."""


class Loop:
    """An event loop that runs in a separate thread."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self._loop = _best_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mockllm", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LOOP_TIMEOUT)

    def do(self, function: Callable[[], T]) -> T:
        """Call a function in the loop's thread and return its result."""

        async def call() -> T:
            return function()

        return self.run(call())

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


class Hosted:
    """A server on the shared loop."""

    def __init__(self, app: App, address: Address) -> None:
        """Start to listen. Raise CannotListen."""
        self._loop = loop()
        self.app = app
        self._server = Server(app, [address])
        self._loop.run(self._server.start())
        self.address = self._server.listening[0]

    def do(self, function: Callable[[], T]) -> T:
        """Call a function in the loop's thread."""
        return self._loop.do(function)

    def stop(self) -> None:
        """Stop at once and cut the responses in flight."""
        self._loop.run(self._server.cut())
