"""DeepSeek's list prices.

Source: https://api-docs.deepseek.com/quick_start/pricing, autumn of 2026, off-peak. A token costs twice as much on
weekdays from 1:00 to 4:00 and from 6:00 to 10:00 UTC. That page no longer has `deepseek-chat` and
`deepseek-reasoner`. In May of 2026 they were other names of `deepseek-v4-flash`: theirs are its prices then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.dialects.price import Price

PRICES: Final[Mapping[str, Price]] = {
    "deepseek-flash": Price(0.15, 0.6, cached=0.003),
    "deepseek-v4-flash": Price(0.15, 0.6, cached=0.003),
    "deepseek-v4-pro": Price(0.66, 1.98, cached=0.022),
    "deepseek-chat": Price(0.14, 0.28, cached=0.0028),
    "deepseek-reasoner": Price(0.14, 0.28, cached=0.0028),
}
"""By the beginning of the model's name; the longest one counts."""
