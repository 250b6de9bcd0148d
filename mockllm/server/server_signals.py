"""Signals to a server: SIGTERM and SIGINT stop it, a second one at once, and SIGHUP reloads its files."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Final

SILENCE: Final = 0.5
"""Seconds after which a server that stops says what it waits for."""


class ServerSignals:
    """What the signals of this process set. `reload` follows SIGHUP; without it, SIGHUP ends the process."""

    def __init__(self, reload: Callable[[], Coroutine[object, object, None]] | None = None) -> None:
        self.stopping, self.hurried = asyncio.Event(), asyncio.Event()
        self._first_obeyed = False
        self._reload = reload
        self._reloads: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.suppress(NotImplementedError):  # not available on Windows
                loop.add_signal_handler(number, self._stop)
        if reload is not None and hasattr(signal, "SIGHUP") and not _in_terminal():
            loop.add_signal_handler(signal.SIGHUP, self._start_reload)

    def _stop(self) -> None:
        """Stop at the first signal, hurry at a later one. `timeout` sends two at once, to the process and its group:
        they are one."""
        if self._first_obeyed:
            self.hurried.set()
        elif not self.stopping.is_set():
            self.stopping.set()
            asyncio.get_running_loop().call_soon(self._obeyed)

    def _obeyed(self) -> None:
        self._first_obeyed = True

    def _start_reload(self) -> None:
        assert self._reload is not None
        task = asyncio.get_running_loop().create_task(self._reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    @contextlib.contextmanager
    def reported_wait(self, grace: float, log: Callable[[str], None]) -> Iterator[None]:
        """Report what the server waits for, if the block takes long."""
        message = f"stopping: running responses have {grace:g} s to end; a second signal ends them now"
        report = asyncio.get_running_loop().call_later(SILENCE, log, message)
        try:
            yield
        finally:
            report.cancel()


def _in_terminal() -> bool:
    """Return whether the process belongs to a terminal: one that closes sends SIGHUP, and ends the server."""
    return any(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
