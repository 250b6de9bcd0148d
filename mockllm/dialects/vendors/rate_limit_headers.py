"""The rate-limit headers of vendors: their names as recorded, and how each writes a time.

A vendor's row names one of these; those that name none send no such headers, as far as recordings show.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from mockllm.core.limits.limit_data import LimitStatus
from mockllm.core.rendering.plan import Headers
from mockllm.dialects.openai.headers import LIMIT_HEADER_NAMES, go_duration
from mockllm.dialects.rate_limit_headers import LimitHeaders, Names, SpentLimit, limit_header_pairs, seconds


def _writer(names: Names, time: Callable[[float], str]) -> LimitHeaders:
    def write(limit_status: LimitStatus, now: float) -> Headers:
        return limit_header_pairs(names, limit_status, time)

    return write


OPENAI: Final = _writer(LIMIT_HEADER_NAMES, go_duration)
NO_RESET: Final = _writer(
    {name: quantity for name, quantity in LIMIT_HEADER_NAMES.items() if "reset" not in name}, seconds
)
TOGETHER: Final = _writer(
    {
        "x-ratelimit-limit": ("requests", "limit"),
        "x-ratelimit-limit-tokens": ("tokens", "limit"),
        "x-ratelimit-remaining": ("requests", "remaining"),
        "x-ratelimit-remaining-tokens": ("tokens", "remaining"),
        "x-ratelimit-reset": ("requests", "reset"),
    },
    seconds,
)
SPENT_OPENAI: Final = SpentLimit("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens", go_duration)
SPENT_NO_RESET: Final = SpentLimit("x-ratelimit-remaining-tokens")
SPENT_TOGETHER: Final = SpentLimit("x-ratelimit-remaining", "x-ratelimit-reset", seconds)
"""Together's documentation calls the reset the seconds to wait (togethercomputer/skills#61)."""
SPENT_MISTRAL: Final = SpentLimit("x-ratelimit-remaining-tokens-minute")
MISTRAL: Final = _writer(
    {
        "x-ratelimit-limit-req-minute": ("requests", "limit"),
        "x-ratelimit-limit-tokens-minute": ("tokens", "limit"),
        "x-ratelimit-remaining-req-minute": ("requests", "remaining"),
        "x-ratelimit-remaining-tokens-minute": ("tokens", "remaining"),
    },
    seconds,
)
