"""Errors of calls that name no model: their messages do not name one that is not there."""

from __future__ import annotations

import re

import pytest

from mockllm.core.failure import NAMED, Failure
from mockllm.core.limits.limit_data import Cost, Limit
from mockllm.core.limits.rate_limiter import RateLimiter
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.dialects.listing import LISTED_BY_NAME
from mockllm.dialects.provider_facts import limit_failure
from mockllm.dialects.route_table import ROUTES, Route
from tests.dialects.test_building_and_decoding import IDENTITY
from tests.language.virtual_server import raw_request, respond_once

NONE = re.compile(r"\bNone\b")
NOON = 1_800_000_000.0


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.provider}-{route.line}")
def test_error_without_model_does_not_say_none(route: Route) -> None:
    path = next(route.paths())
    request = route.dialect.request_class(
        method=route.method, path=path, headers={}, raw=b"{}", provider=route.provider
    )

    for name in NAMED:
        body = sent_bytes(route.dialect.error(Failure(name), request, IDENTITY)).decode()
        assert not NONE.search(body), name


@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        ("/v1/models", "rate_limit", "Rate limit reached in organization org-mockllm on tokens per min"),
        ("/v1/models", "model_deprecated", "The model has been deprecated, learn more here"),
        ("/v1/models", "model_not_found", "The model does not exist or you do not have access to it."),
        ("/mistral/v1/models", "model_deprecated", "The model has been deprecated."),
        ("/mistral/v1/models", "model_not_found", "Invalid model"),
        ("/groq/openai/v1/models", "rate_limit", "Rate limit reached"),
        ("/openrouter/api/v1/models", "model_not_found", "The model is not a valid model ID"),
        ("/anthropic/v1/models", "model_deprecated", "model: claude-"),
    ],
)
def test_error_without_model_reads_naturally(path: str, name: str, message: str) -> None:
    rules = f"rules: [{{match: {{api: models}}, error: {name}}}]"

    assert message in respond_once(rules, raw_request(path, method="GET")).bytes.decode()


@pytest.mark.parametrize("provider", LISTED_BY_NAME)
@pytest.mark.parametrize(
    "limit",
    [
        Limit("always"),
        Limit("fixed-window", 1),
        Limit("fixed-window", tokens=10),
        Limit("fixed-window", input_tokens=10),
        Limit("fixed-window", tokens=1),
    ],
)
def test_limit_without_model_does_not_say_none(provider: str, limit: Limit) -> None:
    limiter = RateLimiter(limit)
    limiter.charge(NOON, Cost(9))
    result = limiter.check(NOON, Cost(9))
    assert not result.allowed

    failure = limit_failure(provider, result, limiter.status(NOON), 9, None, NOON)

    assert not NONE.search(failure.message or "")
