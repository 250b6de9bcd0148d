"""A line for whoever watches a running server, who may leave before it does: `mockllm serve | head`, a terminal
that was closed, a full disk. The requests are answered all the same.
"""

from __future__ import annotations

import os
from typing import TextIO


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
