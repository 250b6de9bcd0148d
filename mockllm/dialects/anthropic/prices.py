"""Anthropic's list prices.

A token that is read from the cache costs a tenth of other input, and less with the newest models. A token that is
written for five minutes costs 1.25 times other input. One that is written for an hour costs two times other input."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.price import Price, PriceList

PRICES: Final = PriceList(
    source="https://platform.claude.com/docs/en/about-claude/pricing",
    day="2026-11-22",
    prices={
        "claude-fable-5-2": Price(8, 40.0, cached=0.2, cache_write=10),
        "claude-fable-5-1": Price(10, 50.0, cached=0.25, cache_write=12.5),
        "claude-fable": Price(10, 50.0, cached=1, cache_write=12.5),
        "claude-mythos-5-2": Price(8, 40.0, cached=0.2, cache_write=10),
        "claude-mythos-5-1": Price(10, 50.0, cached=0.25, cache_write=12.5),
        "claude-mythos": Price(10, 50.0, cached=1, cache_write=12.5),
        "claude-opus-5-5": Price(4, 20.0, cached=0.2, cache_write=5),
        "claude-opus": Price(5, 25.0, cached=0.5, cache_write=6.25),
        "claude-opus-4-0": Price(15, 75.0, cached=1.5, cache_write=18.75),
        "claude-opus-4-1": Price(15, 75.0, cached=1.5, cache_write=18.75),
        "claude-opus-4-2": Price(15, 75.0, cached=1.5, cache_write=18.75),  # claude-opus-4-20250514
        "claude-sonnet-5-5": Price(2, 10.0, cached=0.1, cache_write=2.5),
        "claude-sonnet-5": Price(2, 10.0, cached=0.2, cache_write=2.5),
        "claude-sonnet": Price(3, 15.0, cached=0.3, cache_write=3.75),
        "claude-haiku-5-5": Price(0.1, 0.5, cached=0.01, cache_write=0.125),
        "claude-haiku": Price(1, 5.0, cached=0.1, cache_write=1.25),
        "claude-3-opus": Price(15, 75.0, cached=1.5, cache_write=18.75),
        "claude-3-5-haiku": Price(0.8, 4.0, cached=0.08, cache_write=1),
        "claude-3-haiku": Price(0.25, 1.25, cached=0.025, cache_write=0.3125),
        "claude-3": Price(3, 15.0, cached=0.3, cache_write=3.75),
    },
    tiers={"batch": {"": 0.5}},
    notes=("Haiku 5.5 costs five times as much for prompts of more than 100,000 tokens.",),
)
