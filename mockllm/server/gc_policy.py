"""When Python's garbage collector may walk what has grown old: while no answer is being given.

A walk over what some thousand streams hold takes tens of milliseconds, which every stream would be late. Only the
youngest objects, a fifth of a millisecond's worth, are walked as they come. All others wait: what lives on is set
aside (`gc.freeze`, which walks nothing), and is walked once nobody is waiting for a chunk. Little is lost by that,
for requests and connections leave no cycles behind; a test holds them to it.
"""

from __future__ import annotations

import gc
from asyncio import AbstractEventLoop
from collections.abc import Callable
from typing import Final

YOUNG: Final = 700
"""So many new objects are walked at once."""
NEVER: Final = 1_000_000_000
EVERY: Final = 1.0
"""Seconds between two looks at what has gathered."""
SOME: Final = 10
"""So many walks over the young leave enough for a walk behind them, if nobody waits."""
MANY: Final = 100
"""So many leave enough to set it aside, where somebody always does."""


class GcPolicy:
    """Looks after one server's garbage. It sets how the process collects."""

    def __init__(self, busy: Callable[[], bool], loaded: Callable[[], object]) -> None:
        """`busy`: whether an answer is being given; `loaded` is what was loaded from files: behind a reload it is
        another, and what was loaded before is garbage, with cycles."""
        self._busy = busy
        self._loaded = loaded
        self._held = loaded()
        self._unseen = False
        """Whether something was set aside without a look at it."""

    def begin(self, loop: AbstractEventLoop) -> None:
        """From now on, for as long as the loop runs. What there is lives on."""
        gc.freeze()
        gc.set_threshold(YOUNG, NEVER, NEVER)
        loop.call_later(EVERY, self._go_on, loop)

    def look(self) -> None:
        """Collects what has gathered, if there is time for it."""
        gathered, loaded = gc.get_count()[1], self._loaded()
        if self._busy():
            if gathered >= MANY:
                gc.freeze()
                gc.collect(1)  # of nothing: what has gathered is counted anew
                self._unseen = True
        elif gathered >= SOME or loaded is not self._held:
            if self._unseen or loaded is not self._held:
                gc.unfreeze()
            gc.collect()
            gc.freeze()
            self._held, self._unseen = loaded, False

    def _go_on(self, loop: AbstractEventLoop) -> None:
        self.look()
        loop.call_later(EVERY, self._go_on, loop)
