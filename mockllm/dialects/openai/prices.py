"""OpenAI's list prices."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.price import Price, PriceList

_FLEX: Final = {"gpt-5": 0.5, "gpt-6": 0.5, "o3": 0.5, "o4-mini": 0.5}
_PRIORITY: Final = {
    "gpt-6": 2.0,
    "gpt-5.5": 2.5,
    "gpt-5-mini": 1.8,
    "gpt-5": 2.0,
    "gpt-4.1": 1.75,
    "gpt-4.1-nano": 2.0,
    "gpt-4o": 1.7,
    "gpt-4o-mini": 5 / 3,
    "o3": 1.75,
    "o4-mini": 20 / 11,
}
_WITHOUT: Final = dict.fromkeys(
    ("gpt-5-pro", "gpt-5.2-pro", "o3-mini", "o3-pro", "o3-deep-research", "o4-mini-deep-research"), 1.0
)
"""Models that have neither tier."""
_WITHOUT_PRIORITY: Final = _WITHOUT | {"gpt-5.4-pro": 1.0, "gpt-5.5-pro": 1.0}

PRICES: Final = PriceList(
    source="https://developers.openai.com/api/docs/pricing",
    day="2026-11-22",
    prices={
        "gpt-6.1-sol": Price(2.0, 10.0, cached=0.1, cache_write=2.5, cache_write_long=2.5),
        "gpt-6.1-terra": Price(1.0, 5.0, cached=0.05, cache_write=1.25, cache_write_long=1.25),
        "gpt-6-astra": Price(10.0, 50.0, cached=1.0, cache_write=12.5, cache_write_long=12.5),
        "gpt-6-sol": Price(2.0, 10.0, cached=0.2, cache_write=2.5, cache_write_long=2.5),
        "gpt-6-luna": Price(0.1, 0.5, cached=0.01, cache_write=0.125, cache_write_long=0.125),
        "gpt-5.6-terra": Price(2.0, 12.0, cached=0.2, cache_write=2.5, cache_write_long=2.5),
        "gpt-5.6-luna": Price(0.2, 1.2, cached=0.02, cache_write=0.25, cache_write_long=0.25),
        "gpt-5.6": Price(4.0, 20.0, cached=0.4, cache_write=5.0, cache_write_long=5.0),
        "gpt-5.5-pro": Price(30.0, 180.0),
        "gpt-5.5": Price(5.0, 30.0, cached=0.5),
        "gpt-5.4-nano": Price(0.2, 1.25, cached=0.02),
        "gpt-5.4-mini": Price(0.75, 4.5, cached=0.075),
        "gpt-5.4-pro": Price(30.0, 180.0),
        "gpt-5.4": Price(2.5, 15.0, cached=0.25),
        "gpt-5.3": Price(1.75, 14.0, cached=0.175),
        "gpt-5.2-pro": Price(21.0, 168.0),
        "gpt-5.2": Price(1.75, 14.0, cached=0.175),
        "gpt-5.1-codex-mini": Price(0.25, 2.0, cached=0.025),
        "gpt-5-nano": Price(0.05, 0.4, cached=0.005),
        "gpt-5-mini": Price(0.25, 2.0, cached=0.025),
        "gpt-5-pro": Price(15.0, 120.0),
        "gpt-5": Price(1.25, 10.0, cached=0.125),
        "gpt-4.1-nano": Price(0.1, 0.4, cached=0.025),
        "gpt-4.1-mini": Price(0.4, 1.6, cached=0.1),
        "gpt-4.1": Price(2.0, 8.0, cached=0.5),
        "gpt-4o-mini": Price(0.15, 0.6, cached=0.075),
        "gpt-4o-2024-05-13": Price(5.0, 15.0),
        "gpt-4o": Price(2.5, 10.0, cached=1.25),
        "gpt-4-turbo": Price(10.0, 30.0),
        "gpt-4": Price(30.0, 60.0),
        "gpt-3.5": Price(0.5, 1.5),
        "o1-pro": Price(150.0, 600.0),
        "o1-mini": Price(1.1, 4.4, cached=0.55),
        "o1": Price(15.0, 60.0, cached=7.5),
        "o3-mini": Price(1.1, 4.4, cached=0.55),
        "o3-pro": Price(20.0, 80.0),
        "o3-deep-research": Price(10.0, 40.0, cached=2.5),
        "o3": Price(2.0, 8.0, cached=0.5),
        "o4-mini-deep-research": Price(2.0, 8.0, cached=0.5),
        "o4-mini": Price(1.1, 4.4, cached=0.275),
        "text-embedding-3-small": Price(0.02, 0.0),
        "text-embedding-3-large": Price(0.13, 0.0),
        "text-embedding-ada": Price(0.1, 0.0),
        "omni-moderation": Price(0.0, 0.0),
        "text-moderation": Price(0.0, 0.0),
    },
    tiers={
        "flex": _FLEX | _WITHOUT,
        "batch": {"": 0.5},
        "priority": _PRIORITY | _WITHOUT_PRIORITY,
        "fast": _PRIORITY | _WITHOUT_PRIORITY,
    },
    notes=("GPT-5.4 and later cost more for prompts of more than 272,000 tokens.",),
)
