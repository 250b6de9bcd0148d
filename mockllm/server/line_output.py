"""Lines of a server for people: each is one write, because several processes may write to the same file.

A program that starts the server may never read its output, and a person may stop the terminal. Then a pipe or a
terminal has no room, and a write would stop the server. So lines wait in a queue, and a thread writes them.
"""

from __future__ import annotations

import atexit
import os
import select
import stat
import sys
from collections import deque
from threading import Lock, Thread
from typing import Final, TextIO
from weakref import WeakKeyDictionary

MAX_WAITING_BYTES: Final = 1024 * 1024
"""Bytes of lines that wait for room. Further lines are left out."""
MAX_EXIT_WAIT: Final = 1.0
"""Seconds for which the end of the process waits for lines that still wait."""


def report(text: str) -> None:
    """Write a message of the server to standard error."""
    write_line(f"mockllm: {text}", sys.stderr)


def write_line(text: str, stream: TextIO) -> None:
    """Write a line at once, or in a thread where the stream has no room. Redirect the stream to the null device once
    its reader is gone."""
    line = f"{text}\n"
    try:
        if stream not in _QUEUES:
            _QUEUES[stream] = LineQueue(stream) if _may_wait(stream) else None
        queue = _QUEUES[stream]
        if queue is None:
            stream.write(line)
            stream.flush()
        else:
            queue.write(line.encode(stream.encoding, stream.errors or "strict"))
    except BrokenPipeError:
        discard(stream)
    except OSError:
        return


def wait_for_lines() -> None:
    """Wait at the end of the process for lines that wait, for a moment at most."""
    for queue in list(_QUEUES.values()):
        if queue is not None:
            queue.wait_for_end()


def discard(stream: TextIO) -> None:
    """Redirect a stream to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def _may_wait(stream: TextIO) -> bool:
    """Return whether a write to a stream may wait for its reader: a pipe, a socket or a terminal."""
    if not hasattr(select, "poll"):  # Windows
        return False
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except OSError:  # a stream in memory
        return False
    is_null_device = stat.S_ISCHR(mode) and not stream.isatty()
    return not (stat.S_ISREG(mode) or stat.S_ISBLK(mode) or is_null_device)


class LineQueue:
    """The lines that wait for room in a stream. A thread writes them, while there are some."""

    def __init__(self, stream: TextIO) -> None:
        stream.flush()
        self._descriptor = stream.fileno()
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLOUT)
        self._lock = Lock()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._left_out = 0
        self._thread: Thread | None = None

    def write(self, line: bytes) -> None:
        """Write a line if no other waits and there is room, else let it wait."""
        with self._lock:
            if self._bytes + len(line) > MAX_WAITING_BYTES:
                self._left_out += 1
                return
            if self._left_out:
                line = b"(%d lines were left out: the output was not read)\n%b" % (self._left_out, line)
                self._left_out = 0
            while line and not self._waiting and self._poll.poll(0):
                line = line[os.write(self._descriptor, line[: select.PIPE_BUF]) :]  # which has room for these
            if line:
                self._wait(line)

    def _wait(self, line: bytes) -> None:
        self._waiting.append(line)
        self._bytes += len(line)
        if len(self._waiting) == 1:
            self._thread = Thread(target=self._write_waiting, name="mockllm output", daemon=True)
            self._thread.start()

    def _write_waiting(self) -> None:
        more = True
        while more:
            line = self._waiting[0]
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
            except OSError:  # the reader is gone: the next line finds that out
                line = b""
            with self._lock:
                self._bytes -= len(self._waiting.popleft())
                more = bool(self._waiting)

    def wait_for_end(self) -> None:
        """Wait until no line waits, at most MAX_EXIT_WAIT."""
        if self._thread is not None:
            self._thread.join(MAX_EXIT_WAIT)


_QUEUES: Final[WeakKeyDictionary[TextIO, LineQueue | None]] = WeakKeyDictionary()
atexit.register(wait_for_lines)
