"""How long the supervisor waits before it starts another process in the place of a worker that has ended."""

from __future__ import annotations

import time
from collections import Counter
from typing import Final

from mockllm.server.workers.worker_handle import WorkerHandle

SHORT_LIFE: Final = 2.0
"""A worker that lives no longer, or never serves, is replaced after this number of seconds, the next after twice as
many."""
MAX_PAUSE: Final = 60.0
"""The most seconds until it is replaced."""


class RestartPauses:
    """The pauses before the next worker of each index. They become longer until one serves for some time."""

    def __init__(self) -> None:
        self._short_lives: Counter[int] = Counter()
        """The workers in a row with this index that have served for a short time, never, or that did not start."""

    def after(self, worker: WorkerHandle) -> float:
        """Return the seconds until a worker that has ended is replaced."""
        if worker.serves and time.monotonic() - worker.started >= SHORT_LIFE:
            del self._short_lives[worker.index]
            return 0.0
        return self.after_failed_start(worker.index)

    def after_failed_start(self, index: int) -> float:
        """Return the seconds until the next try, where the system has refused a process."""
        self._short_lives[index] += 1
        return min(MAX_PAUSE, SHORT_LIFE * 2.0 ** (self._short_lives[index] - 1))
