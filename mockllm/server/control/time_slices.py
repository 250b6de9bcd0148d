"""Work that takes long is done in slices: streams go on between them."""

from __future__ import annotations

import asyncio
import time
from typing import Final

SLICE: Final = 0.001
"""Seconds of work at a stretch."""


class TimeSlices:
    """Ask it for a turn between any two pieces of work."""

    def __init__(self) -> None:
        self._end = time.perf_counter() + SLICE

    async def turn(self) -> None:
        """Lets the loop turn where a slice is done."""
        if time.perf_counter() >= self._end:
            await asyncio.sleep(0)
            self._end = time.perf_counter() + SLICE
