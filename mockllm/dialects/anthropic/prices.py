"""Anthropic's list prices, for estimates of what `mockllm drift` costs.

Source: https://docs.claude.com/en/docs/about-claude/pricing, autumn of 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PRICES: Final[Mapping[str, tuple[float, float]]] = {
    "claude-opus-4-0": (15.0, 75.0),
    "claude-opus-4-1": (15.0, 75.0),
    "claude-opus-4-2": (15.0, 75.0),  # claude-opus-4-20250514
    "claude-opus": (5.0, 25.0),
    "claude-sonnet": (3.0, 15.0),
    "claude-haiku": (1.0, 5.0),
    "claude-3-opus": (15.0, 75.0),
    "claude-3-5-haiku": (0.8, 4.0),
    "claude-3-haiku": (0.25, 1.25),
    "claude-3": (3.0, 15.0),
}
"""US dollars for a million tokens of input and of output, by the beginning of the name; the longest one counts."""
