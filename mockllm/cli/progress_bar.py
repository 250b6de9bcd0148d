"""The progress of a command that can take longer than a second.

A terminal gets one line that changes: a bar where the total is known, the rate, and an estimate of the time that is
left. A pipe gets a plain line from time to time. Without a total the line has only the number and the rate.
"""

from __future__ import annotations

import shutil
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TextIO

from mockllm.core.display import bar, cut

DELAY: Final = 1.0
"""Seconds before a terminal shows the line: short work shows nothing."""
TERMINAL_INTERVAL: Final = 0.1
PIPE_INTERVAL: Final = 5.0
"""Seconds between two lines."""
WINDOW: Final = 10.0
"""Seconds over which the rate is measured."""
MIN_SPAN: Final = 0.5
"""Seconds of a task before its rate is shown."""
CLEAR: Final = "\r\x1b[2K"


class RecentRate:
    """The rate of the last seconds of one task, which begins with its first number."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def begin(self, now: float, done: int) -> None:
        self._samples = deque([(now, done)])

    def note(self, now: float, done: int, *, has_total: bool) -> None:
        """Remember a number. Without a total the work may pause, and the rate of a pause says nothing."""
        older = 1 if has_total else 0
        while len(self._samples) > older and self._samples[older][0] <= now - WINDOW:
            self._samples.popleft()
        if not self._samples or now - self._samples[-1][0] >= TERMINAL_INTERVAL:
            self._samples.append((now, done))

    def at(self, now: float, done: int) -> float | None:
        """Return the steps of a second; None where too little is known."""
        if not self._samples:
            return None
        began, before = self._samples[0]
        return (done - before) / (now - began) if now - began >= MIN_SPAN and done > before else None


class ProgressBar:
    """Writes the progress of tasks, one at a time, to a stream. `clock` returns seconds."""

    def __init__(self, stream: TextIO, noun: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._noun = noun
        self._clock = clock
        self._live = stream.isatty()
        self._next = clock() + (DELAY if self._live else PIPE_INTERVAL)
        self._visible = False
        self._done = 0
        self._total: int | None = None
        self._about = ""
        self._rate = RecentRate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def update(self, done: int, total: int | None = None, about: str = "") -> None:
        """Show how much is done, if a line is due. `about` is what the command works on. A smaller number than before
        and another `about` begin another task, with its own rate."""
        now = self._clock()
        if not done or done < self._done or about != self._about:
            self._rate.begin(now, done)
        self._done, self._total, self._about = done, total, about
        self._rate.note(now, done, has_total=total is not None)
        if done in (0, total):  # nothing to estimate; at the end other lines may follow
            self.clear()
        elif now >= self._next:
            self._next = now + (TERMINAL_INTERVAL if self._live else PIPE_INTERVAL)
            self._show(now)

    def refresh(self) -> None:
        """Show the rate of now on a terminal, also if no number came meanwhile."""
        if self._visible:
            now = self._clock()
            self._rate.note(now, self._done, has_total=self._total is not None)
            self._show(now)

    def print_above(self, write: Callable[[], object]) -> None:
        """Let another line be written above the line on the terminal."""
        visible = self._visible
        self.clear()
        write()
        if visible:
            self._show(self._clock())

    def clear(self) -> None:
        """Remove the line from the terminal, before other lines and at the end."""
        if self._visible:
            self._stream.write(CLEAR)
            self._stream.flush()
            self._visible = False

    def _show(self, now: float) -> None:
        text = self._text(self._rate.at(now, self._done)) + (f"  {self._about}" if self._about else "")
        if self._live:
            self._stream.write(CLEAR + cut(text, shutil.get_terminal_size().columns - 1))
            self._visible = True
        else:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def _text(self, rate: float | None) -> str:
        done, total, noun = self._done, self._total, self._noun
        shown = "" if rate is None else f", {rate:,.1f}/s"
        if not total:
            return f"{done:,} {noun}{'s' * (done != 1)}{shown}"
        estimate = "" if rate is None else f", about {max(0, total - done) / rate:.0f} s left"
        drawn = f"{bar(done, total)} " if self._live else ""
        return f"{drawn}{done:,}/{total:,} {noun}s{shown}{estimate}"
