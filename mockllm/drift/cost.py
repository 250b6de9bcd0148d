"""The cost of requests to a provider, in US dollars. Before a request is sent it is the most that the request may
cost; afterwards it is the cost by its usage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from mockllm.core.request.request import Request
from mockllm.dialects.price import Price
from mockllm.dialects.providers import BY_NAME, REGISTERED
from mockllm.engine.response_cost import price_of

ASSUMED_OUTPUT: Final = 1000
"""Output tokens of a request that sets no maximum."""
INPUT_MARGIN: Final = 1.25
"""Factor on estimated input tokens: the estimate is up to 10 % off, and providers add their own tokens for tools."""
_MILLION: Final = 1_000_000


class CostExceeded(Exception):
    """The next request may cost more than what is left of the bound."""


def dollars(amount: float) -> str:
    """Return an amount with four decimals; a smaller one with two digits that count."""
    decimals = 4 if amount <= 0 else max(4, 1 - math.floor(math.log10(amount)))
    return f"${amount:.{decimals}f}"


class CostBudget(Struct):
    """The bound of a run. `own` are prices of the user's, by the beginning of a model's name."""

    bound: float
    own: Mapping[str, Price] = field(default_factory=dict)
    spent: float = 0.0
    uncounted: int = 0
    """Responses without a usage, which count with the most that they may have cost."""

    def most(self, request: Request) -> float:
        """Return the most that a request may cost."""
        if request.method == "GET":
            return 0.0
        output = (
            (request.output_bounds.max_tokens or ASSUMED_OUTPUT) * request.output_bounds.n
            if request.generates
            else 0
        )
        return self._cost(request, request.input_tokens * INPUT_MARGIN, output)

    def reserve(self, request: Request) -> None:
        """Raise CostExceeded where the request may exceed the bound."""
        if self.spent + self.most(request) > self.bound:
            raise CostExceeded

    def add(self, request: Request, input: int, output: int, status: int) -> None:
        """Count a response by its usage; a refusal costs nothing."""
        if status >= 400:
            return
        if request.generates and not (input or output):
            self.uncounted += 1
            self.spent += self.most(request)
        else:
            self.spent += self._cost(request, input or request.input_tokens, output)

    def _cost(self, request: Request, input: float, output: float) -> float:
        price = self.price(request.provider, request.model or "")
        return (input * price.input + output * price.output) / _MILLION

    def price(self, provider: str | None, model: str) -> Price:
        """Return the prices of a model. For an unknown model they are the highest of its provider, and for a
        provider without prices the highest of all. So an estimate is rather too high than too low."""
        found = price_of(provider, model, self.own)
        if found is not None:
            return found
        known = BY_NAME[provider].prices.prices if provider is not None and provider in BY_NAME else {}
        prices = [price for each in REGISTERED for price in each.prices.prices.values()]
        return max(known.values() or prices, key=lambda price: price.output)
