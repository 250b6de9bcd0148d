"""Output on the terminal: lines of a running server, colours and diagnostics."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO

from mockllm.core.display import counted
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.server.access_log import AccessLog

GREEN: Final = "\x1b[32m"
YELLOW: Final = "\x1b[33m"
RED: Final = "\x1b[31m"
PLAIN: Final = "\x1b[0m"


def use_colours() -> bool:
    """Return whether standard output gets colours: it is a terminal, and NO_COLOR is unset (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def print_mistakes(mistakes: Sequence[Diagnostic], out: TextIO) -> None:
    """Print one line for each mistake, then their number."""
    for mistake in mistakes:
        print(mistake, file=out)
    print(counted(len(mistakes), "mistake"), file=out)


def write_line(text: str, stream: TextIO) -> None:
    """Write a line at once. Redirect the stream to the null device once its reader is gone."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except OSError:
        return


def access_log_of(values: Mapping[str, Any]) -> AccessLog:
    """Return the access log that the options describe."""
    return AccessLog(print_line, colour=use_colours(), verbose=values["verbose"], strict=values["strict"])


def log(text: str) -> None:
    """Write a message to standard error, beside the access log."""
    write_line(text, sys.stderr)


def print_line(text: str) -> None:
    write_line(text, sys.stdout)
