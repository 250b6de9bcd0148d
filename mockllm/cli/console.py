"""A line for whoever watches a running server, who may leave before it does: `mockllm serve | head`, a terminal
that was closed, a full disk. The requests are answered all the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from mockllm.cli.diagnostic_output import coloured
from mockllm.server.access_log import AccessLog


def tell(text: str, stream: TextIO) -> None:
    """Writes a line at once. Where nobody reads the stream any more, it leads nowhere from then on."""
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except OSError:
        return


def lines_of(values: Mapping[str, Any]) -> AccessLog:
    """The line for each request, as the options have it."""
    return AccessLog(say_line, colour=coloured(), verbose=values["verbose"], strict=values["strict"])


def say(text: str) -> None:
    """To the person at the terminal, beside the lines of requests."""
    tell(text, sys.stderr)


def say_line(text: str) -> None:
    tell(text, sys.stdout)
