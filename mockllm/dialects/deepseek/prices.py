"""DeepSeek's list prices.

The prices are those off-peak. A token costs twice as much on weekdays from 1:00 to 4:00 and from 6:00 to 10:00 UTC.
Their page no longer has `deepseek-chat` and `deepseek-reasoner`, which DeepSeek retired on July 24, 2026. The prices
are those that it stated for `deepseek-v4-flash` until August 16, 2026. Recorded responses of June 2026 to both names
have the model `deepseek-v4-flash`. DeepSeek announced this on April 24, 2026; this project has read the announcement
only in quotations of third parties.
"""

from __future__ import annotations

from typing import Final

from mockllm.dialects.price import Price, PriceList

PRICES: Final = PriceList(
    source="https://api-docs.deepseek.com/quick_start/pricing",
    day="2026-11-22",
    prices={
        "deepseek-flash": Price(0.15, 0.6, cached=0.003),
        "deepseek-v4-flash": Price(0.15, 0.6, cached=0.003),
        "deepseek-v4-pro": Price(0.66, 1.98, cached=0.022),
        "deepseek-chat": Price(0.14, 0.28, cached=0.0028),
        "deepseek-reasoner": Price(0.14, 0.28, cached=0.0028),
    },
    notes=(
        "DeepSeek: prices off-peak, which double on weekdays from 1:00 to 4:00 and from 6:00 to 10:00 UTC.",
        "`deepseek-chat` and `deepseek-reasoner` were retired in July 2026. Recorded responses to both have the "
        "model `deepseek-v4-flash`, whose prices of that time are here.",
    ),
)
