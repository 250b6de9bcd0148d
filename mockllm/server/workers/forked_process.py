"""Workers that are forked from their supervisor before it has an event loop: they share its memory and start fast.

Later ones, in place of those that died, are new processes: a fork of a process with threads is not safe.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from mockllm.server.line_output import wait_for_lines
from mockllm.server.workers.listening_sockets import ListeningSocket

ORDERS_OF_SUPERVISOR: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Signals that a terminal, `timeout` or systemd sends to all processes of a server. Workers ignore them: the
supervisor obeys, and its orders come over the channel."""


class ForkedProcess:
    """A child process; the part of `asyncio.subprocess.Process` that the supervisor uses."""

    def __init__(self, pid: int, end: socket.socket) -> None:
        self.pid = pid
        self.end = end
        """The supervisor's end of the channel."""
        self._reaping: asyncio.Task[int] | None = None

    async def wait(self) -> int:
        """Return the exit code; of a killed process the signal's negative number. Several tasks may wait."""
        if self._reaping is None:
            self._reaping = asyncio.get_running_loop().create_task(self._reap())
        return await asyncio.shield(self._reaping)

    async def _reap(self) -> int:
        """Wait for the end. The system returns the exit code only once."""
        if hasattr(os, "pidfd_open"):
            ended, loop = asyncio.Event(), asyncio.get_running_loop()
            fd = os.pidfd_open(self.pid)
            loop.add_reader(fd, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(fd)
                os.close(fd)
            _, status = os.waitpid(self.pid, 0)  # noqa: ASYNC222 - it has ended
        else:  # pragma: no cover - not Linux
            _, status = await asyncio.to_thread(os.waitpid, self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


def fork_workers(
    sockets: Sequence[Sequence[ListeningSocket]],
    serve: Callable[[socket.socket], None],
    supervised: Sequence[socket.socket] = (),
) -> list[ForkedProcess]:
    """Fork a worker for each set of sockets. `serve` runs in it, with its end of the channel. `supervised` are the
    sockets of the supervisor alone. Call it before anything here has a thread or an event loop."""
    forked: list[ForkedProcess] = []
    for index in range(len(sockets)):
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if not pid:
            ours.close()
            for kept in (*(other.end for other in forked), *supervised):
                kept.close()
            _serve(index, sockets, theirs, serve)
        theirs.close()
        forked.append(ForkedProcess(pid, ours))
    return forked


def _serve(
    index: int,
    sockets: Sequence[Sequence[ListeningSocket]],
    end: socket.socket,
    serve: Callable[[socket.socket], None],
) -> NoReturn:
    """Serve in the child, and end it without what the supervisor does at its end."""
    code = 1
    try:
        for number in ORDERS_OF_SUPERVISOR:
            signal.signal(number, signal.SIG_IGN)
        own = {sock.fileno() for sock, _ in sockets[index]}
        for sock in {sock for others in sockets for sock, _ in others if sock.fileno() not in own}:
            sock.close()
        serve(end)
        code = 0
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        wait_for_lines()
        os._exit(code)
