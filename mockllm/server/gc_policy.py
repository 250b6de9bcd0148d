"""The policy for Python's garbage collector: old objects are collected only while no client sends requests.

A collection of the objects of some thousand streams takes tens of milliseconds, which would delay every stream.
Only the youngest objects are collected at once, in a fifth of a millisecond. Surviving objects are frozen
(`gc.freeze`, which visits no object) and collected later. Few objects accumulate, because requests and connections
leave no cycles; a test checks this.
"""

from __future__ import annotations

import gc
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final

YOUNG_THRESHOLD: Final = 700
"""New objects that trigger a collection of the youngest generation."""
NEVER: Final = 1_000_000_000
INTERVAL: Final = 1.0
"""Seconds between two checks."""
IDLE_THRESHOLD: Final = 10
"""Collections of the youngest generation before a full collection on an idle server."""
BUSY_THRESHOLD: Final = 100
"""Collections of the youngest generation before survivors are frozen on a busy server."""
QUIET_CHECKS: Final = 3
"""Checks in a row without a new collection of the youngest generation before a full collection. Between two requests
of a loaded server no response is in flight either, but the next request would wait for the collection."""
LATEST_CHECKS: Final = 120
"""Checks after which a full collection takes place between two requests, so that no garbage stays forever."""


class GcPolicy:
    """Controls the garbage collection of the process for one server."""

    def __init__(self, busy: Callable[[], bool], loaded: Callable[[], object]) -> None:
        """Store the callbacks. `busy` returns whether a response is in flight. `loaded` returns the loaded scenarios:
        after a reload it returns another object, and the old one is garbage with cycles."""
        self._busy = busy
        self._loaded = loaded
        self._last_loaded = loaded()
        self._frozen = False
        """Whether objects were frozen without a collection."""
        self._last_collections = 0
        self._quiet_checks = 0
        self._checks = 0
        """Checks since the last full collection."""

    def begin(self, loop: AbstractEventLoop) -> None:
        """Start the checks, for as long as the loop runs. All present objects are frozen."""
        gc.freeze()
        gc.set_threshold(YOUNG_THRESHOLD, NEVER, NEVER)
        loop.call_later(INTERVAL, self._repeat, loop)

    def collect_if_idle(self) -> None:
        """Collect garbage if the server is idle."""
        collections, loaded, busy = gc.get_count()[1], self._loaded(), self._busy()
        reloaded = loaded is not self._last_loaded
        self._checks += 1
        self._quiet_checks = 0 if busy or collections != self._last_collections else self._quiet_checks + 1
        self._last_collections = collections
        if not busy and (reloaded or self._may_collect(collections)):
            if self._frozen or reloaded:
                gc.unfreeze()
            gc.collect()
            gc.freeze()
            self._last_loaded, self._frozen = loaded, False
            self._last_collections = self._checks = 0
        elif collections >= BUSY_THRESHOLD:
            gc.freeze()
            gc.collect(1)  # collects nothing, but resets the count
            self._frozen, self._last_collections = True, 0

    def _may_collect(self, collections: int) -> bool:
        """Return whether there is something to collect, and no client is likely to wait for it."""
        if not self._frozen and collections < IDLE_THRESHOLD:
            return False
        return self._quiet_checks >= QUIET_CHECKS or self._checks >= LATEST_CHECKS

    def _repeat(self, loop: AbstractEventLoop) -> None:
        self.collect_if_idle()
        loop.call_later(INTERVAL, self._repeat, loop)
