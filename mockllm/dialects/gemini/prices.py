"""Google's list prices for Gemini.

Source: https://ai.google.dev/gemini-api/docs/pricing, autumn of 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.dialects.price import Price

PRICES: Final[Mapping[str, Price]] = {
    "gemini-3-flash": Price(0.5, 3.0, cached=0.05),
    "gemini-3": Price(2, 12.0, cached=0.2),
    "gemini-2.5-flash-lite": Price(0.1, 0.4, cached=0.01),
    "gemini-2.5-flash": Price(0.3, 2.5, cached=0.03),
    "gemini-2.5-pro": Price(1.25, 10.0, cached=0.125),
    "gemini-2.0-flash-lite": Price(0.075, 0.3),
    "gemini-2.0-flash": Price(0.1, 0.4, cached=0.025),
    "gemini-embedding": Price(0.15, 0.0),
    "text-embedding": Price(0, 0.0),
}
"""By the beginning of the model's name; the longest one counts."""
TIERS: Final[Mapping[str, float]] = {"batch": 0.5}
"""Factors by service tier."""
