"""Bounds on frames that cost the server more than the client."""

from __future__ import annotations

from typing import Final

BURST: Final = 1000
RESETS_PER_SECOND: Final = 33
"""nghttp2 allows as many resets of streams (`nghttp2_option_set_stream_reset_rate_limit`), against CVE-2023-44487."""
OTHERS_PER_SECOND: Final = 200
"""PING, SETTINGS and PRIORITY, empty DATA, and streams beyond the bound."""


class FloodGuard:
    """A bucket of tokens: `BURST` at once, and `rate` more in a second."""

    __slots__ = ("_at", "_left", "_rate")

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._left = float(BURST)
        self._at = now

    def allows(self, now: float) -> bool:
        """Take a token at a time in seconds. Return whether there was one."""
        self._left = min(BURST, self._left + (now - self._at) * self._rate)
        self._at = now
        self._left -= 1
        return self._left >= 0
