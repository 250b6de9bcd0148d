"""A worker as its supervisor sees it: a process, and the channel to it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from mockllm.server.workers.channel import Channel, ChannelClosed, Handler
from mockllm.server.workers.forked_process import ForkedProcess
from mockllm.server.workers.listening_sockets import ListeningSocket
from mockllm.server.workers.worker_report import WorkerReport
from mockllm.server.workers.worker_settings import WorkerSettings

CHILD: Final = "from mockllm.cli.worker_process import main; main()"
"""Runs with this process's module path, so that a `json.py` in the working directory is not imported."""
END_TIME: Final = 5.0
"""Seconds in which a worker that has closed its channel ends."""


class WorkerHandle:
    """What the supervisor has of a worker. `index` is that of its sockets, from 0, `serial` a number that no other
    process gets."""

    def __init__(self, index: int, serial: int, process: asyncio.subprocess.Process | ForkedProcess) -> None:
        self.index = index
        self.serial = serial
        self.process = process
        self.started = time.monotonic()
        self.report: WorkerReport | None = None
        """Its last report, without entries."""
        self.taken = 0
        """The number of its last entry that was taken of its reports."""
        self.silences = 0
        """The reports in a row for which it has sent nothing."""
        self.report_task: asyncio.Task[None] | None = None
        """Takes its next report; None before the first one."""
        self.serves = False
        """Whether it has rules, and so reports what it serves."""
        self.left: list[Callable[[], Awaitable[None]]] = []
        """Called when it has ended."""
        self.channel: Channel

    async def end(self) -> str:
        """Wait until the process has ended. Return how."""
        code = await self.process.wait()
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()


async def start_worker(
    index: int,
    serial: int,
    sockets: Sequence[ListeningSocket],
    settings: WorkerSettings,
    handlers: Callable[[WorkerHandle], Mapping[str, Handler]],
    forked: ForkedProcess | None = None,
) -> WorkerHandle:
    """Start a worker that listens on these sockets, once it has its rules; or begin with one that was forked."""
    process: asyncio.subprocess.Process | ForkedProcess
    if forked is not None:
        process, ours = forked, forked.end
    else:
        process, ours = await _started(sockets, settings["counts"])
    worker = WorkerHandle(index, serial, process)
    worker.channel = Channel(handlers(worker))
    await worker.channel.open(ours)
    task = asyncio.get_running_loop().create_task(worker.channel.run())
    task.add_done_callback(lambda _: [asyncio.ensure_future(leave()) for leave in worker.left])
    listening = [(sock.fileno(), tls) for sock, tls in sockets]
    worker.channel.notify("begin", {**settings, "index": index, "listening": listening})
    return worker


async def _started(
    sockets: Sequence[ListeningSocket], counts: int
) -> tuple[asyncio.subprocess.Process, socket.socket]:
    """Return a new process, and the supervisor's end of the channel to it. Raises OSError where the system refuses
    it."""
    ours, theirs = socket.socketpair()
    with theirs:
        fds = [theirs.fileno(), counts, *(sock.fileno() for sock, _ in sockets)]
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-c", f"import sys; sys.path[:] = {sys.path!r}; {CHILD}", str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL, pass_fds=fds,
            )  # fmt: skip
        except OSError:
            ours.close()
            raise
    return process, ours


async def start_failure(worker: WorkerHandle, failure: Exception) -> str:
    """Return why a worker does not start."""
    reason = str(failure) or "it does not respond"
    if isinstance(failure, ChannelClosed):
        how = "has ended"
        with contextlib.suppress(TimeoutError):
            how = await asyncio.wait_for(worker.end(), END_TIME)
        reason = f"it {how}"
    return f"worker {worker.index + 1} does not start: {reason}"
