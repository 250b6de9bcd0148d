"""A thread for long work, so that the event loop serves other clients meanwhile.

Python runs one thread at a time. The loop waits for the worker at most as long as the interpreter's switch interval,
and as long as one call of C code lasts. The thread is a daemon, so that a server that stops does not wait for it.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Final, TypeVar

T = TypeVar("T")

SWITCH_INTERVAL: Final = 0.0005
"""Seconds for which the thread may hold the interpreter lock. Python's default of 5 ms would disturb the pacing of
streams."""


async def run_in_thread(work: Callable[[], T]) -> T:
    """Return the result of work in a new thread, or raise what it raises."""
    worker = WorkerThread()
    try:
        return await worker.run(work)
    finally:
        worker.close()


class WorkerThread:
    """Does work in the order in which it is queued. The thread starts with the first."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._started = False

    async def run(self, work: Callable[[], T]) -> T:
        """Return the result of work, or raise what it raises. Work whose caller is cancelled is left out, unless it
        has begun."""
        if not self._started:
            self._started = True
            sys.setswitchinterval(min(SWITCH_INTERVAL, sys.getswitchinterval()))
            threading.Thread(target=self._run, name="mockllm worker", daemon=True).start()
        loop = asyncio.get_running_loop()
        result: asyncio.Future[T] = loop.create_future()

        def end(set_result: Callable[[], None]) -> None:
            if not result.cancelled():
                set_result()

        def do() -> None:
            if result.cancelled():
                return
            try:
                ended = partial(result.set_result, work())
            except BaseException as error:  # whatever it is, the caller waits for it
                ended = partial(result.set_exception, error)
            with suppress(RuntimeError):  # the loop is closed, and the result is not needed
                loop.call_soon_threadsafe(end, ended)

        self._queue.put(do)
        return await result

    def close(self) -> None:
        """End the thread after the queued work."""
        self._queue.put(None)

    def _run(self) -> None:
        while (do := self._queue.get()) is not None:
            do()
            del do
        self._started = False
