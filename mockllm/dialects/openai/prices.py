"""OpenAI's list prices, for estimates of what `mockllm drift` costs.

Source: https://openai.com/api/pricing and the models' pages of OpenAI's documentation, autumn of 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PRICES: Final[Mapping[str, tuple[float, float]]] = {
    "gpt-5-nano": (0.05, 0.4),
    "gpt-5-mini": (0.25, 2.0),
    "gpt-5-pro": (15.0, 120.0),
    "gpt-5": (1.25, 10.0),
    "gpt-4.1-nano": (0.1, 0.4),
    "gpt-4.1-mini": (0.4, 1.6),
    "gpt-4.1": (2.0, 8.0),
    "gpt-4o-mini": (0.15, 0.6),
    "gpt-4o": (2.5, 10.0),
    "gpt-4": (30.0, 60.0),
    "gpt-3.5": (0.5, 1.5),
    "o1-pro": (150.0, 600.0),
    "o1": (15.0, 60.0),
    "o3-mini": (1.1, 4.4),
    "o3-pro": (20.0, 80.0),
    "o3": (2.0, 8.0),
    "o4-mini": (1.1, 4.4),
    "text-embedding-3-small": (0.02, 0.0),
    "text-embedding-3-large": (0.13, 0.0),
    "text-embedding-ada": (0.1, 0.0),
    "omni-moderation": (0.0, 0.0),
    "text-moderation": (0.0, 0.0),
}
"""US dollars for a million tokens of input and of output, by the beginning of the name; the longest one counts."""
