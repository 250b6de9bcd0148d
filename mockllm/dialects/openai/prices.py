"""OpenAI's list prices.

Source: https://openai.com/api/pricing and the models' pages of OpenAI's documentation, autumn of 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.dialects.price import Price

PRICES: Final[Mapping[str, Price]] = {
    "gpt-5-nano": Price(0.05, 0.4, cached=0.005),
    "gpt-5-mini": Price(0.25, 2.0, cached=0.025),
    "gpt-5-pro": Price(15.0, 120.0),
    "gpt-5": Price(1.25, 10.0, cached=0.125),
    "gpt-4.1-nano": Price(0.1, 0.4, cached=0.025),
    "gpt-4.1-mini": Price(0.4, 1.6, cached=0.1),
    "gpt-4.1": Price(2.0, 8.0, cached=0.5),
    "gpt-4o-mini": Price(0.15, 0.6, cached=0.075),
    "gpt-4o": Price(2.5, 10.0, cached=1.25),
    "gpt-4": Price(30.0, 60.0),
    "gpt-3.5": Price(0.5, 1.5),
    "o1-pro": Price(150.0, 600.0),
    "o1": Price(15.0, 60.0, cached=7.5),
    "o3-mini": Price(1.1, 4.4, cached=0.55),
    "o3-pro": Price(20.0, 80.0),
    "o3": Price(2.0, 8.0, cached=0.5),
    "o4-mini": Price(1.1, 4.4, cached=0.275),
    "text-embedding-3-small": Price(0.02, 0.0),
    "text-embedding-3-large": Price(0.13, 0.0),
    "text-embedding-ada": Price(0.1, 0.0),
    "omni-moderation": Price(0.0, 0.0),
    "text-moderation": Price(0.0, 0.0),
}
"""By the beginning of the model's name; the longest one counts."""
TIERS: Final[Mapping[str, float]] = {"flex": 0.5, "batch": 0.5, "priority": 2.0}
"""Factors by `service_tier`. The factor of `priority` is 1.7 to 2 by model."""
