"""docs/prices.md, made from the providers' price lists.

`MOCKLLM_UPDATE_DOCS=1` with the test beside it writes the page anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mockllm.core.reply.reply import Usage
from mockllm.dialects.price import NO_PRICES, Price, PriceList
from mockllm.dialects.providers import REGISTERED
from mockllm.engine.response_cost import dollars

PAGE: Final = Path(__file__).parents[2] / "docs" / "prices.md"
TIERS: Final = ("batch", "flex", "priority")
OPENING: Final = """\
# Prices

The list prices by which mockllm computes [costs](control.md#costs), in US dollars for a million tokens.

<!-- Made by tests/docs/prices_page.py from the price lists of the providers; do not edit. -->

- Each name is a beginning: it counts for all models whose names begin so, and the longest one has priority. Names
  with a provider before them have the prices of their model: `openai/gpt-4o`, `us.anthropic.claude-sonnet-4-5`.
- *Batch*, *flex* and *priority* are factors on all prices of the row. A line of a batch has the first. A request has
  the one that its `service_tier` names (`fast` is `priority`).
- *Source* is the page that states the prices, and the day of the comparison. Stored copies of Anthropic's and
  DeepSeek's pages were read. The prices of OpenAI and Gemini come from the tables of LiteLLM 1.106.2 and
  genai-prices 0.2.3, which name these pages.
- `serve --prices FILE` sets [prices of your own](control.md#costs).
"""
HEAD: Final = (
    "| model | input | read from the cache | written to the cache | written for an hour | output "
    "| batch | flex | priority | source |\n|" + "---|" * 10
)


def price_lists() -> list[tuple[str, PriceList]]:
    """Return each provider that has prices, by its title, with its list."""
    return [(each.title, each.prices) for each in REGISTERED if each.prices is not NO_PRICES]


def page() -> str:
    """Return the whole page."""
    lists = price_lists()
    rows = [row for title, prices in lists for row in _rows(title, prices)]
    notes = [f"- {note}" for _, prices in lists for note in prices.notes]
    parts = (OPENING, "\n".join((HEAD, *rows)), "\n## What the table leaves out\n", "\n".join(notes))
    return "\n".join(parts) + "\n"


def _rows(title: str, prices: PriceList) -> Iterator[str]:
    for model, price in prices.prices.items():
        read, written, longer = (_cache(price, usage) for usage in _CACHED)
        factors = [_factor(prices, model, tier) for tier in TIERS]
        source = f"[{title}]({prices.source}), {prices.day}"
        cells = (
            f"`{model}`",
            _number(price.input),
            read,
            written,
            longer,
            _number(price.output),
            *factors,
            source,
        )
        yield f"| {' | '.join(cells)} |"


_CACHED: Final = (
    Usage(1_000_000, 0, cache_read=1_000_000),
    Usage(1_000_000, 0, cache_write=1_000_000),
    Usage(1_000_000, 0, cache_write=1_000_000, cache_write_long=1_000_000),
)


def _cache(price: Price, usage: Usage) -> str:
    """Return what a million such tokens cost; nothing where they cost as much as other input."""
    cost = dollars(usage, price)
    return "" if cost == price.input else _number(cost)


def _factor(prices: PriceList, model: str, tier: str) -> str:
    factor = prices.factor(model, tier)
    return "" if factor == 1 else f"× {_number(factor)}"


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")
