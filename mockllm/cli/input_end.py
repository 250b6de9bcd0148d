"""The end of a server with the process that started it."""

from __future__ import annotations

import os
import signal
from threading import Thread
from typing import Final

STDIN: Final = 0
CHUNK: Final = 65_536


def stop_at_input_end() -> None:
    """Send this process SIGTERM when standard input is closed. The parent has the write end of the pipe, so the
    system closes it however the parent ends."""

    def wait() -> None:
        try:
            while os.read(STDIN, CHUNK):
                pass
        except OSError:  # it was closed before the start
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    Thread(target=wait, name="stdin", daemon=True).start()
