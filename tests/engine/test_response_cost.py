"""What requests cost, by usage and by list prices."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.reply.reply import Usage
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedResponse, DecodedToolCall
from mockllm.dialects.price import Price
from mockllm.dialects.providers import REGISTERED
from mockllm.engine.response_cost import cost_of, dollars, price_of
from tests.language.virtual_server import VirtualServer

ENGINE = VirtualServer("rules: [{reply: Hi.}]").engine


def request(model: str, **fields: Any) -> Request:
    body = {"model": model, "messages": [{"role": "user", "content": "hello there"}], **fields}
    return ENGINE.read("POST", "/v1/chat/completions", "", {}, dumps(body), "", 0.0)


def response(usage: Usage | None, text: str | None = None, *calls: DecodedToolCall) -> DecodedResponse:
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
    [expected] = [each.prices.prices[like] for each in REGISTERED if like in each.prices.prices]
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
        (Usage(1_000_000, 0, cache_read=600_000, cache_write=200_000), Price(2, 8), 2),
        (Usage(1_000_000, 0, cache_read=600_000, cache_write=200_000), Price(2, 8, 0.5, 3), 0.4 + 0.3 + 0.6),
    ],
    ids=["plain", "cached without a price of its own", "cached"],
)
def test_dollars_of_usage(usage: Usage, price: Price, expected: float) -> None:
    assert dollars(usage, price) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("model", "tier", "dollars"),
    [
        ("gpt-5", "flex", 0.625),
        ("gpt-5-pro", "flex", 15),
        ("gpt-4o", "flex", 2.5),
        ("gpt-4o", "default", 2.5),
        ("gpt-4o", 7, 2.5),
        ("gpt-4o", "priority", 4.25),
        ("gpt-5.5", "priority", 12.5),
        ("gpt-5", "fast", 2.5),
    ],
)
def test_cost_depends_on_service_tier(model: str, tier: object, dollars: float) -> None:
    found = cost_of(request(model, service_tier=tier), response(Usage(1_000_000, 0)), {})
    assert found.dollars == pytest.approx(dollars)


def test_gemini_names_its_tier_in_another_case() -> None:
    body = {"contents": [{"parts": [{"text": "hello"}]}], "serviceTier": "flex"}
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    requested = ENGINE.read("POST", path, "", {}, dumps(body), "", 0.0)
    assert cost_of(requested, response(Usage(1_000_000, 0)), {}).dollars == pytest.approx(0.15)


def test_line_of_batch_costs_half() -> None:
    found = cost_of(request("gpt-4o"), response(Usage(1_000_000, 0)), {}, in_batch=True)
    assert found.dollars == pytest.approx(1.25)


def test_cost_without_usage_is_estimated() -> None:
    call = DecodedToolCall("add", {"a": 1})
    found = cost_of(request("m"), response(None, "Some words here.", call), {"m": Price(1, 1)})
    assert found.usage.input > 0
    assert found.usage.output > 5
    assert found.dollars == pytest.approx((found.usage.input + found.usage.output) / 1_000_000)
    unreadable = cost_of(request("m"), None, {})
    assert (unreadable.usage.output, unreadable.dollars) == (0, None)


@pytest.mark.parametrize("provider", [None, "azure", "openrouter"])
def test_model_has_the_same_tiers_at_other_providers(provider: str | None) -> None:
    requested = request("openai/gpt-5", service_tier="flex")
    requested.provider = provider
    assert cost_of(requested, response(Usage(1_000_000, 0)), {}).dollars == pytest.approx(0.625)


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("gpt-5.5", Price(5, 30, 0.5)),
        ("gpt-5", Price(1.25, 10, 0.125)),
        ("gpt-4-turbo", Price(10, 30)),
        ("claude-opus-4-20250514", Price(15, 75, 1.5, 18.75)),
        ("claude-opus-5-5", Price(4, 20, 0.2, 5)),
        ("claude-sonnet-5", Price(2, 10, 0.2, 2.5)),
        ("claude-sonnet-4-5", Price(3, 15, 0.3, 3.75)),
        ("claude-haiku-5-5", Price(0.1, 0.5, 0.01, 0.125)),
        ("gemini-3.5-flash", Price(1.5, 9, 0.15)),
        ("gemini-3.1-pro-preview", Price(2, 12, 0.2)),
    ],
)
def test_models_of_one_family_have_their_own_prices(model: str, price: Price) -> None:
    assert price_of(None, model, {}) == price
