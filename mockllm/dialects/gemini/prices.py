"""Google's list prices for Gemini."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.price import Price, PriceList

PRICES: Final = PriceList(
    source="https://ai.google.dev/gemini-api/docs/pricing",
    day="2026-11-22",
    prices={
        "gemini-4-argon": Price(2, 10.0, cached=0.1),
        "gemini-3.8-flash": Price(0.75, 3.75, cached=0.075),
        "gemini-3.7-flash": Price(0.75, 3.75, cached=0.075),
        "gemini-3.6-flash": Price(0.75, 3.75, cached=0.075),
        "gemini-3.5-flash-lite": Price(0.3, 2.5, cached=0.03),
        "gemini-3.5-flash": Price(1.5, 9.0, cached=0.15),
        "gemini-3.1-flash-lite": Price(0.25, 1.5, cached=0.025),
        "gemini-3-flash": Price(0.5, 3.0, cached=0.05),
        "gemini-3": Price(2, 12.0, cached=0.2),
        "gemini-2.5-flash-lite": Price(0.1, 0.4, cached=0.01),
        "gemini-2.5-flash": Price(0.3, 2.5, cached=0.03),
        "gemini-2.5-pro": Price(1.25, 10.0, cached=0.125),
        "gemini-2.0-flash-lite": Price(0.075, 0.3),
        "gemini-2.0-flash": Price(0.1, 0.4, cached=0.025),
        "gemini-embedding-2": Price(0.2, 0.0),
        "gemini-embedding": Price(0.15, 0.0),
        "text-embedding": Price(0, 0.0),
    },
    tiers={"flex": {"gemini": 0.5}, "batch": {"gemini": 0.5}, "priority": {"gemini": 1.8}},
    notes=(
        "Gemini 4 Argon costs twice as much from December 1, 2026, and Gemini 3.6 to 3.8 Flash from January 1, 2027.",
        "Gemini's Pro models cost more for prompts of more than 200,000 tokens.",
    ),
)
