"""The progress of a hunt on the terminal: one line that changes, or plain lines in a pipe."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Final, TextIO

from mockllm.core.display import bar, counted, cut
from mockllm.core.hunting.disturbance import schedule_text
from mockllm.core.hunting.finding import Finding

EVERY: Final = 25
"""In a pipe, a line comes after so many runs."""
BAR: Final = 10
"""The length of the bar: in 80 columns the number of the replay is visible behind the numbers."""
INTERVAL: Final = 0.1
"""Seconds between two changes of the line."""


class ProgressLine:
    """Writes the progress to a stream. `total` is the number of runs that the budget allows, `seconds` its time."""

    def __init__(
        self, stream: TextIO, total: int, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = stream
        self._total = total
        self._seconds = seconds
        self._done = 0
        """The runs with replays: both take their time."""
        self._clock = clock
        self._began = clock()
        self._changed = -INTERVAL
        self._live = stream.isatty()
        self._last = 0

    def ran(self, runs: int, findings: int, doing: str) -> None:
        now = self._clock()
        self._done += 1
        if self._live:
            if now - self._changed >= INTERVAL:
                self._changed = now
                width = shutil.get_terminal_size().columns - 1
                self._stream.write("\r\x1b[2K" + cut(f"{self._numbers(runs, findings, now)}, {doing}", width))
                self._stream.flush()
        elif runs % EVERY == 0 and runs != self._last:
            self._last = runs
            self._stream.write(f"{self._numbers(runs, findings, now)}\n")
            self._stream.flush()

    def found(self, finding: Finding) -> None:
        kind = "flaky" if finding.flaky else "finding"
        text = f"{kind}: {finding.problem.rule} by {schedule_text(finding.schedule)} ({finding.rate})"
        self._stream.write(f"{self._cleared()}{text}\n")
        self._stream.flush()

    def end(self) -> None:
        """Clear the line."""
        self._stream.write(self._cleared())
        self._stream.flush()

    def _cleared(self) -> str:
        return "\r\x1b[2K" if self._live else ""

    def _numbers(self, runs: int, findings: int, now: float) -> str:
        elapsed = max(now - self._began, 1e-9)
        rate = self._done / elapsed
        left = max(0.0, min((self._total - runs) / rate, self._seconds - elapsed))
        drawn = f"{bar(runs, self._total, BAR)} " if self._live else ""
        numbers = f"{runs}/{self._total} runs, {counted(findings, 'finding')}, {rate:.1f}/s"
        return f"{drawn}{numbers}, about {left:.0f} s left"
