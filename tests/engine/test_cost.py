"""What requests cost, by usage and by list prices."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.reply.reply import Usage
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedCall, DecodedResponse
from mockllm.dialects.price import Price
from mockllm.dialects.providers import REGISTERED
from mockllm.engine.cost import cost_of, dollars, price_of
from tests.language.virtual_server import VirtualServer

ENGINE = VirtualServer("rules: [{reply: Hi.}]").engine


def request(model: str, **fields: Any) -> Request:
    body = {"model": model, "messages": [{"role": "user", "content": "hello there"}], **fields}
    return ENGINE.read("POST", "/v1/chat/completions", "", {}, dumps(body), "", 0.0)


def response(usage: Usage | None, text: str | None = None, *calls: DecodedCall) -> DecodedResponse:
    return DecodedResponse(text, None, None, calls, "stop", usage, None, None)


@pytest.mark.parametrize(
    ("provider", "model", "like"),
    [
        ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("openai", "gpt-4.1-2025-04-14", "gpt-4.1"),
        ("azure", "gpt-4o", "gpt-4o"),
        ("openrouter", "openai/gpt-4o", "gpt-4o"),
        ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet"),
        (None, "gemini-2.5-pro", "gemini-2.5-pro"),
        ("deepseek", "deepseek-chat", "deepseek-chat"),
        ("deepseek", "deepseek-v4-flash", "deepseek-v4-flash"),
        ("openai", "deepseek-chat", "deepseek-chat"),  # through a gateway with OpenAI's paths
        ("openrouter", "deepseek/deepseek-chat", "deepseek-chat"),
        ("deepseek", "gpt-4o", "gpt-4o"),
    ],
)
def test_price_is_that_of_the_longest_beginning(provider: str | None, model: str, like: str) -> None:
    [expected] = [each.prices[like] for each in REGISTERED if like in each.prices]
    assert price_of(provider, model, {}) == expected


def test_own_provider_has_the_first_price() -> None:
    assert price_of("openai", "text-embedding-3-small", {}) == Price(0.02, 0.0)
    assert price_of("google", "text-embedding-004", {}) == Price(0, 0.0)


def test_price_of_unknown_model_is_none() -> None:
    assert price_of("openai", "my-model", {}) is None
    assert price_of("openai", "my-model", {"my-": Price(1, 2)}) == Price(1, 2)


@pytest.mark.parametrize(
    ("usage", "price", "expected"),
    [
        (Usage(1_000_000, 1_000_000), Price(2, 8), 10),
        (Usage(1_000_000, 0, cached_read=600_000, cache_write=200_000), Price(2, 8), 2),
        (Usage(1_000_000, 0, cached_read=600_000, cache_write=200_000), Price(2, 8, 0.5, 3), 0.4 + 0.3 + 0.6),
    ],
    ids=["plain", "cached without a price of its own", "cached"],
)
def test_dollars_of_usage(usage: Usage, price: Price, expected: float) -> None:
    assert dollars(usage, price) == pytest.approx(expected)


@pytest.mark.parametrize(("tier", "factor"), [("flex", 0.5), ("default", 1.0), (7, 1.0)])
def test_cost_depends_on_service_tier(tier: object, factor: float) -> None:
    found = cost_of(request("gpt-4o", service_tier=tier), response(Usage(1_000_000, 0)), {})
    assert found.dollars == pytest.approx(2.5 * factor)


def test_cost_without_usage_is_estimated() -> None:
    call = DecodedCall("add", {"a": 1})
    found = cost_of(request("m"), response(None, "Some words here.", call), {"m": Price(1, 1)})
    assert found.usage.input > 0
    assert found.usage.output > 5
    assert found.dollars == pytest.approx((found.usage.input + found.usage.output) / 1_000_000)
    unreadable = cost_of(request("m"), None, {})
    assert (unreadable.usage.output, unreadable.dollars) == (0, None)


def test_cost_of_provider_without_tiers() -> None:
    requested = request("gpt-4o", service_tier="flex")
    requested.provider = None
    assert cost_of(requested, response(Usage(1_000_000, 0)), {}).dollars == pytest.approx(2.5)
