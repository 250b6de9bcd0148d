"""What vendors' rate-limit headers tell: their names as recorded, and how each writes a time.

Vendors that are not here send none, as far as recordings show.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from mockllm.core.limits import LimitStatus
from mockllm.core.rendering.plan import Headers
from mockllm.dialects.openai.headers import NAMES, go_duration
from mockllm.dialects.rate_limit_headers import Names, Told, milliseconds, seconds, told

PERIODS: Final[Names] = {
    "x-ratelimit-renewalperiod-requests": ("requests", "window"),
    "x-ratelimit-renewalperiod-tokens": ("tokens", "window"),
}
TOGETHER: Final[Names] = {
    "x-ratelimit-limit": ("requests", "limit"),
    "x-ratelimit-limit-tokens": ("tokens", "limit"),
    "x-ratelimit-remaining": ("requests", "remaining"),
    "x-ratelimit-remaining-tokens": ("tokens", "remaining"),
    "x-ratelimit-reset": ("requests", "reset"),
}
MISTRAL: Final[Names] = {
    "x-ratelimit-limit-req-minute": ("requests", "limit"),
    "x-ratelimit-limit-tokens-minute": ("tokens", "limit"),
    "x-ratelimit-remaining-req-minute": ("requests", "remaining"),
    "x-ratelimit-remaining-tokens-minute": ("tokens", "remaining"),
}
XAI: Final[Names] = {name: fact for name, fact in NAMES.items() if "reset" not in name}


def _azure(standing: LimitStatus, now: float) -> Headers:
    """Resets are plain milliseconds, the period plain seconds."""
    return told(NAMES, standing, milliseconds) + told(PERIODS, standing, seconds)


def _written(names: Names, time: Callable[[float], str], standing: LimitStatus, now: float) -> Headers:
    return told(names, standing, time)


LIMITS: Final[Mapping[str, Told]] = {
    "azure": _azure,
    "groq": partial(_written, NAMES, go_duration),
    "together": partial(_written, TOGETHER, seconds),
    "mistral": partial(_written, MISTRAL, seconds),
    "xai": partial(_written, XAI, seconds),
}
"""By the vendor's name."""
