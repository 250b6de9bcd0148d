"""A Valkey or Redis server that mockllm starts for its own processes, on a Unix socket."""

from __future__ import annotations

import ctypes
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

from mockllm.store.connection import EXTRA, has_client

PROGRAMS: Final = ("valkey-server", "redis-server")
DURABLE: Final = ("--appendonly", "yes", "--appendfsync", "no")
"""Each command is written to a file before its reply is sent, so that a killed server forgets none. By default
(`everysec`) a write may wait two seconds for a slow disk, and its reply does not."""
START_TIME: Final = 10.0
"""Seconds in which the server starts."""
_SET_DEATH_SIGNAL: Final = 1
"""`PR_SET_PDEATHSIG` of Linux."""


class OwnServer:
    """The server, in a separate folder that is removed with it."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.name = Path(program).name
        self._folder = Path(mkdtemp(prefix="mockllm-store-"))
        self._socket = self._folder / "store.sock"
        self.url = f"unix://{self._socket}"
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        line: Sequence[str] = [
            self._program, "--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700",
            "--dir", str(self._folder), "--save", "", "--loglevel", "warning", "--logfile", "store.log", *DURABLE,
        ]  # fmt: skip
        process = subprocess.Popen(  # noqa: S603 - a program of the system
            line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )  # fmt: skip
        end = time.monotonic() + START_TIME
        while not self._socket.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        return process

    def started_again(self) -> bool:
        """Start the server again if it has ended, with the counts in its file. Return whether it was started."""
        if self._process.poll() is None:
            return False
        self._socket.unlink(missing_ok=True)
        self._process = self._start()
        return True

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def missing_store() -> str:
    """Return what a user has to install so that a server starts its own store."""
    program = "install redis-server or valkey-server"
    if has_client():
        return program
    return EXTRA if installed_program() is not None else f"{program}, and {EXTRA}"


def installed_program() -> str | None:
    """Return the path of a server's program, if one is installed."""
    return next((path for path in map(shutil.which, PROGRAMS) if path is not None), None)


def _die_with_parent() -> None:
    """Let the kernel end this process with its parent, however that ends."""
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGKILL)
