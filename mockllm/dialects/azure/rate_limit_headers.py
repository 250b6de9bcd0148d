"""Azure's rate-limit headers: OpenAI's names, and the period of each limit."""

from __future__ import annotations

from typing import Final

from mockllm.core.limits.limit import LimitStatus
from mockllm.core.rendering.plan import Headers
from mockllm.dialects.openai.headers import LIMIT_HEADER_NAMES
from mockllm.dialects.rate_limit_headers import Names, limit_header_pairs, milliseconds, seconds

PERIODS: Final[Names] = {
    "x-ratelimit-renewalperiod-requests": ("requests", "window"),
    "x-ratelimit-renewalperiod-tokens": ("tokens", "window"),
}


def write_limits(standing: LimitStatus, now: float) -> Headers:
    """Write resets in plain milliseconds, the period in plain seconds."""
    return limit_header_pairs(LIMIT_HEADER_NAMES, standing, milliseconds) + limit_header_pairs(
        PERIODS, standing, seconds
    )
