"""The price of a model."""

from __future__ import annotations

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
