"""Lines on the terminal of a running server. The reader may be gone: `mockllm serve | head`, a closed terminal,
a full disk. The server continues to serve requests.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from mockllm.cli.diagnostic_output import use_colours
from mockllm.server.access_log import AccessLog


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
