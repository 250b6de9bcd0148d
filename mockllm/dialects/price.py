"""The prices of a provider's models."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Price(NamedTuple):
    """US dollars for a million tokens. A cached token without a price costs as much as other input."""

    input: float
    output: float
    cached: float | None = None
    """For input that is read from the prompt cache."""
    cache_write: float | None = None
    """For input that is written to the prompt cache (for five minutes)."""
    cache_write_long: float | None = None
    """For input that is written to the prompt cache for longer; None: twice the input, if writes have a price."""


class PriceList(NamedTuple):
    """A provider's prices, with the page that states them and the day on which it was read."""

    source: str
    day: str
    prices: Mapping[str, Price]
    """By the beginning of a model's name; the longest one counts."""
    tiers: Mapping[str, Mapping[str, float]] = MappingProxyType({})
    """Factors on prices by service tier, and by the beginning of a model's name. Lines of batches have the tier
    `batch`."""
    notes: tuple[str, ...] = ()
    """What the prices leave out, for the page that lists them."""

    def price(self, model: str) -> Price | None:
        """Return the price of a model; None where it has none."""
        beginning = longest_beginning(model, self.prices)
        return None if beginning is None else self.prices[beginning]

    def factor(self, model: str, tier: str) -> float:
        """Return the factor of a service tier on the price of a model."""
        factors = self.tiers.get(tier, {})
        beginning = longest_beginning(model, factors)
        return 1.0 if beginning is None else factors[beginning]


NO_PRICES = PriceList("", "", MappingProxyType({}))


def longest_beginning(model: str, beginnings: Mapping[str, object]) -> str | None:
    """Return the longest of the keys with which a model's name begins."""
    return max((each for each in beginnings if model.startswith(each)), key=len, default=None)
