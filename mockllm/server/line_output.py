"""Lines of a server for people: each is one write, because several processes may write to the same file."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def report(text: str) -> None:
    """Write a message of the server to standard error."""
    write_line(f"mockllm: {text}", sys.stderr)


def write_line(text: str, stream: TextIO) -> None:
    """Write a line at once. Redirect the stream to the null device once its reader is gone."""
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        discard(stream)
    except OSError:
        return


def discard(stream: TextIO) -> None:
    """Redirect a stream to the null device."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
