"""Prompt caches that several vendors have.

The `Vendor` of each names the sources of its steps and of its times.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.prompt_cache.policy import AutomaticPrefixCache, CachePolicy
from mockllm.core.request.request import Request

_TWO_HOURS: Final = AutomaticPrefixCache(128, 128, lifetime=7200.0)
_SMALL_STEPS: Final = AutomaticPrefixCache(64, 64)


def two_hours(request: Request) -> CachePolicy:
    """Return a cache in steps of 128 tokens, which lasts two hours."""
    return _TWO_HOURS


def small_steps(request: Request) -> CachePolicy:
    """Return a cache in steps of 64 tokens, which lasts five minutes."""
    return _SMALL_STEPS
