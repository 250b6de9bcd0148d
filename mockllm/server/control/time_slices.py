"""Slices of long work, between which the event loop serves streams."""

from __future__ import annotations

import asyncio
import time
from typing import Final

SLICE: Final = 0.001
"""Longest work in seconds between two turns of the event loop."""


class TimeSlices:
    """Divides a loop of long work into slices: the loop awaits `turn` in each iteration."""

    def __init__(self) -> None:
        self._end = time.perf_counter() + SLICE

    async def turn(self) -> None:
        """Give the event loop a turn if the slice has ended."""
        if time.perf_counter() >= self._end:
            await asyncio.sleep(0)
            self._end = time.perf_counter() + SLICE
