"""The cost of requests at the real providers, by their list prices."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from mockllm.core.json.codec import dumps
from mockllm.core.reply.reply import Usage
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.listing import LISTED_BY_NAME, LISTED_PROVIDERS
from mockllm.dialects.price import NO_PRICES, Price, PriceList

PER_MILLION: Final = 1_000_000
_SEPARATOR: Final = re.compile(r"[./]")


class ResponseCost(Struct, frozen=True):
    """The tokens of one response, and what they cost. `dollars` is None for a model without a price."""

    usage: Usage
    dollars: float | None


class FoundPrice(NamedTuple):
    """The price of a model, and the factor of the service tier."""

    price: Price
    factor: float


def price_of(provider: str | None, model: str, own: Mapping[str, Price]) -> Price | None:
    """Return the price of a model without a service tier; None where none is known."""
    found = find_price(provider, model, own, "")
    return None if found is None else found.price


def find_price(provider: str | None, model: str, own: Mapping[str, Price], tier: str) -> FoundPrice | None:
    """Return the price of a model: the user's own, or its provider's. For a model that its provider does not list it
    is the price of the model provider that the name contains (`openai/gpt-4o`, `us.anthropic.claude-sonnet-4`). None
    where none is known."""
    known = (
        LISTED_BY_NAME[provider].provider_object.prices
        if provider is not None and provider in LISTED_BY_NAME
        else NO_PRICES
    )
    found = _first_price(model, (known._replace(prices=own), known), tier)
    return (
        _first_price(model, [each.provider_object.prices for each in LISTED_PROVIDERS], tier)
        if found is None
        else found
    )


def _first_price(model: str, lists: Sequence[PriceList], tier: str) -> FoundPrice | None:
    for name in _names(model):
        for each in lists:
            price = each.price(name)
            if price is not None:
                return FoundPrice(price, each.factor(name, tier))
    return None


def _names(model: str) -> Iterator[str]:
    """Yield the model's name, and what follows each of its separators."""
    yield model
    for separator in _SEPARATOR.finditer(model[:200]):
        yield model[separator.end() :]


def cost_of(
    request: Request, response: DecodedResponse | None, own: Mapping[str, Price], *, in_batch: bool = False
) -> ResponseCost:
    """Return the cost of a successful response by its usage; without a usage, by its texts. `in_batch`: whether the
    request is a line of a batch."""
    usage = None if response is None else response.usage
    if usage is None:
        usage = Usage(request.input_tokens, 0 if response is None else _output_tokens(response))
    found = find_price(request.provider, request.model or "", own, "batch" if in_batch else _tier(request))
    if found is None:
        return ResponseCost(usage, None)
    return ResponseCost(usage, found.factor * dollars(usage, found.price))


def _tier(request: Request) -> str:
    """Return the service tier of a request. Gemini writes `serviceTier`."""
    tier = request.fields.get("service_tier", request.fields.get("serviceTier"))
    return tier if isinstance(tier, str) else ""


def dollars(usage: Usage, price: Price) -> float:
    """Return the price of these tokens."""
    cached = price.input if price.cached is None else price.cached
    write = price.input if price.cache_write is None else price.cache_write
    long = write if price.cache_write is None else 2 * price.input
    long = long if price.cache_write_long is None else price.cache_write_long
    uncached = max(0, usage.input - usage.cache_read - usage.cache_write)
    parts = (
        uncached * price.input,
        usage.cache_read * cached,
        (usage.cache_write - usage.cache_write_long) * write,
        usage.cache_write_long * long,
        usage.output * price.output,
    )
    return sum(parts) / PER_MILLION


def _output_tokens(response: DecodedResponse) -> int:
    texts = [response.text or "", response.thinking or "", response.refusal or ""]
    texts += [call.name + dumps(call.arguments).decode() for call in response.calls]
    return sum(map(estimate, texts))
