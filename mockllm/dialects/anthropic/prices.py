"""Anthropic's list prices.

Source: https://docs.claude.com/en/docs/about-claude/pricing, autumn of 2026. A token that is read from the cache
costs a tenth of other input. A token that is written for five minutes costs five quarters, and one that is written
for an hour costs twice as much.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.dialects.price import Price

PRICES: Final[Mapping[str, Price]] = {
    "claude-opus-4-0": Price(15, 75.0, cached=1.5, cache_write=18.75),
    "claude-opus-4-1": Price(15, 75.0, cached=1.5, cache_write=18.75),
    "claude-opus-4-2": Price(15, 75.0, cached=1.5, cache_write=18.75),  # claude-opus-4-20250514
    "claude-opus": Price(5, 25.0, cached=0.5, cache_write=6.25),
    "claude-sonnet": Price(3, 15.0, cached=0.3, cache_write=3.75),
    "claude-haiku": Price(1, 5.0, cached=0.1, cache_write=1.25),
    "claude-3-opus": Price(15, 75.0, cached=1.5, cache_write=18.75),
    "claude-3-5-haiku": Price(0.8, 4.0, cached=0.08, cache_write=1),
    "claude-3-haiku": Price(0.25, 1.25, cached=0.025, cache_write=0.3125),
    "claude-3": Price(3, 15.0, cached=0.3, cache_write=3.75),
}
"""By the beginning of the model's name; the longest one counts."""
TIERS: Final[Mapping[str, float]] = {"batch": 0.5}
"""Factors by service tier."""
