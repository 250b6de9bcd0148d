"""The progress of a command that can take longer than a second.

A terminal gets one line that changes: a bar where the total is known, the rate, and an estimate of the time that is
left. A pipe gets a plain line from time to time. Without a total the line has only the number and the rate.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

from mockllm.core.display import bar, cut, seconds_left

DELAY: Final = 1.0
"""Seconds before a terminal shows the line: short work shows nothing."""
TERMINAL_INTERVAL: Final = 0.1
PIPE_INTERVAL: Final = 5.0
"""Seconds between two lines."""
CLEAR: Final = "\r\x1b[2K"


class ProgressBar:
    """Writes the progress of one task to a stream. `clock` returns seconds."""

    def __init__(self, stream: TextIO, noun: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._noun = noun
        self._clock = clock
        self._live = stream.isatty()
        self._began = clock()
        self._next = self._began + (DELAY if self._live else PIPE_INTERVAL)
        self._visible = False
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def update(self, done: int, total: int | None = None, about: str = "") -> None:
        """Show how much is done, if a line is due. `about` is what the command works on. A smaller number than before
        begins another task, with its own rate."""
        now = self._clock()
        if done in (0, total):  # nothing to estimate; at the end other lines may follow
            self.clear()
            return
        if done < self._done:
            self._began = now - TERMINAL_INTERVAL
        self._done = done
        if now < self._next:
            return
        self._next = now + (TERMINAL_INTERVAL if self._live else PIPE_INTERVAL)
        text = self._text(done, total, now - self._began) + (f"  {about}" if about else "")
        if self._live:
            self._stream.write(CLEAR + cut(text, shutil.get_terminal_size().columns - 1))
            self._visible = True
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def clear(self) -> None:
        """Remove the line from the terminal, before other lines and at the end."""
        if self._visible:
            self._stream.write(CLEAR)
            self._stream.flush()
            self._visible = False

    def _text(self, done: int, total: int | None, elapsed: float) -> str:
        rate = f"{done / elapsed:,.1f}/s"
        if not total:
            return f"{done:,} {self._noun}{'s' * (done != 1)}, {rate}"
        left = seconds_left(done, total, elapsed)
        estimate = "" if left is None else f", about {left:.0f} s left"
        drawn = f"{bar(done, total)} " if self._live else ""
        return f"{drawn}{done:,}/{total:,} {self._noun}s, {rate}{estimate}"
