"""Output on the terminal: lines of a running server, colours and diagnostics."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final, TextIO

from mockllm.cli.option_values import OptionValues
from mockllm.core.display import counted
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.server.access_log import AccessLog
from mockllm.server.line_output import write_line

LOG_INTERVAL: Final = 1.0
"""Seconds between two messages of a `ThrottledLog`: a client may end a thousand sessions a second."""
GREEN: Final = "\x1b[32m"
YELLOW: Final = "\x1b[33m"
RED: Final = "\x1b[31m"
PLAIN: Final = "\x1b[0m"


def use_colours() -> bool:
    """Return whether standard output gets colours: it is a terminal, and NO_COLOR is unset (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def print_diagnostics(diagnostics: Sequence[Diagnostic], out: TextIO) -> None:
    """Print one line for each mistake, then their number."""
    for diagnostic in diagnostics:
        print(diagnostic, file=out)
    print(counted(len(diagnostics), "mistake"), file=out)


class ThrottledLog:
    """Writes at most one message in each interval, and counts those that it left out. `clock` returns seconds."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._free = 0.0
        self._omitted = 0

    def __call__(self, text: str) -> None:
        now = self._clock()
        if now < self._free:
            self._omitted += 1
            return
        omitted = f" ({self._omitted} more such lines were left out)" if self._omitted else ""
        self._free, self._omitted = now + LOG_INTERVAL, 0
        self._write(f"{text}{omitted}")


def access_log_of(values: OptionValues) -> AccessLog:
    """Return the access log that the options describe."""
    return AccessLog(print_line, colour=use_colours(), verbose=values["verbose"], strict=values["strict"])


def log(text: str) -> None:
    """Write a message to standard error, beside the access log."""
    write_line(text, sys.stderr)


def print_line(text: str) -> None:
    write_line(text, sys.stdout)
