"""Google's list prices for Gemini, for estimates of what `mockllm drift` costs.

Source: https://ai.google.dev/gemini-api/docs/pricing, autumn of 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PRICES: Final[Mapping[str, tuple[float, float]]] = {
    "gemini-3-flash": (0.5, 3.0),
    "gemini-3": (2.0, 12.0),
    "gemini-2.5-flash-lite": (0.1, 0.4),
    "gemini-2.5-flash": (0.3, 2.5),
    "gemini-2.5-pro": (1.25, 10.0),
    "gemini-2.0-flash-lite": (0.075, 0.3),
    "gemini-2.0-flash": (0.1, 0.4),
    "gemini-embedding": (0.15, 0.0),
    "text-embedding": (0.0, 0.0),
}
"""US dollars for a million tokens of input and of output, by the beginning of the name; the longest one counts."""
