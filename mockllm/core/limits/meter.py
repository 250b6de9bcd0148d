"""What every strategy does with one bound (requests or tokens) of a limit. Times are whole microseconds."""

from __future__ import annotations

from typing import Protocol

from mockllm.core.limits.result import Gauge

MICRO = 1_000_000
"""Microseconds in a second."""


class Meter(Protocol):
    """What was used of one bound by one key. Only `charge` changes what the others say."""

    def wait(self, now: int, amount: int) -> int | None:
        """How long until so much passes: 0 where it does now, None where it never will."""

    def delay(self, now: int) -> int:
        """How long what passes now waits for what came before it."""

    def charge(self, now: int, amount: int) -> None:
        """It passed."""

    def gauge(self, now: int) -> Gauge:
        """What is left."""
