"""Waiting for a condition instead of for luck: every wait of a test ends, and says what it waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that a loaded two-core machine may need for what takes a moment."""


def until(
    look: Callable[[], T | None], seconds: float = PATIENCE, *, otherwise: Callable[[], str] = str
) -> T:
    """The first thing that is true. AssertionError with what `otherwise` says when time is up."""
    end = time.monotonic() + seconds
    while True:
        result = look()
        if result:
            return result
        assert time.monotonic() < end, f"not within {seconds:g} s: {otherwise()}"
        time.sleep(0.01)
