"""Errors in Anthropic's envelope and headers."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import NAMED, Failure
from mockllm.dialects.anthropic.errors import ROWS
from mockllm.dialects.anthropic.messages import MESSAGES
from tests.dialects.anthropic.messages_requests import IDENTITY, body_of, messages

TOO_LONG = f"prompt is too long: {200_000 + messages().input_tokens} tokens > 200000 maximum"
CASES: list[Any] = [
    ("bad_request", 400, "invalid_request_error", "Invalid request."),
    ("authentication", 401, "authentication_error", "invalid x-api-key"),
    ("insufficient_quota", 402, "billing_error", None),
    ("permission", 403, "permission_error", None),
    ("not_found", 404, "not_found_error", "Not found"),
    ("model_not_found", 404, "not_found_error", "model: claude-sonnet-5"),
    ("model_deprecated", 404, "not_found_error", "model: claude-sonnet-5"),
    ("context_length", 400, "invalid_request_error", TOO_LONG),
    ("content_filter", 400, "invalid_request_error", None),
    ("rate_limit", 429, "rate_limit_error", None),
    ("server_error", 500, "api_error", "Internal server error"),
    ("bad_gateway", 502, "api_error", None),
    ("unavailable", 503, "api_error", None),
    ("timeout", 504, "timeout_error", None),
    ("overloaded", 529, "overloaded_error", "Overloaded"),
]


@pytest.mark.parametrize(("name", "status", "type", "message"), CASES, ids=[row[0] for row in CASES])
def test_named_error_has_status_type_and_message(
    name: str, status: int, type: str, message: str | None
) -> None:
    plan = MESSAGES.error(Failure(name), messages(), IDENTITY)
    body = body_of(plan)
    headers = dict(plan.head.headers)
    assert plan.head.status == status
    assert list(body) == ["type", "error", "request_id"]
    assert body["error"]["type"] == type
    assert body["error"]["message"] == (message or body["error"]["message"])
    assert body["request_id"] == headers["request-id"]
    assert headers["x-should-retry"] == ("true" if status == 429 or status >= 500 else "false")
    assert ("anthropic-ratelimit-tokens-limit" in headers) == (status == 429)


def test_error_table_has_every_named_error() -> None:
    assert set(ROWS) == set(NAMED)


def test_too_large_body_gets_the_edge_envelope() -> None:
    plan = MESSAGES.error(Failure("request_too_large"), messages(), IDENTITY)
    assert plan.head.status == 413
    assert plan.head.headers == (("content-type", "application/json"),)
    assert body_of(plan) == {
        "error": {"type": "request_too_large", "message": "Request exceeds the maximum size"}
    }


def test_error_settings_of_a_scenario_override_the_table() -> None:
    failure = Failure(
        "server_error",
        status=418,
        message="Tea.",
        fields={"type": "teapot_error", "details": None},
        headers=(("X-Should-Retry", "true"), ("x-pot", "short")),
    )
    plan = MESSAGES.error(failure, messages(), IDENTITY)
    assert plan.head.status == 418
    assert body_of(plan)["error"] == {"type": "teapot_error", "message": "Tea.", "details": None}
    assert [value for name, value in plan.head.headers if name.lower() == "x-should-retry"] == ["true"]
    assert dict(plan.head.headers)["x-pot"] == "short"


@pytest.mark.parametrize(
    ("seconds", "headers"),
    [
        pytest.param(None, {}, id="none"),
        pytest.param(16.0, {"retry-after": "16"}, id="whole seconds"),
        pytest.param(
            0.25, {"retry-after": "1", "retry-after-ms": "250"}, id="a fraction is told in milliseconds"
        ),
        pytest.param(0.0, {"retry-after": "0"}, id="at once"),
        pytest.param(
            86400.5,
            {"retry-after": "86401", "retry-after-ms": "86400500"},
            id="a day is told in plain digits",
        ),
    ],
)
def test_retry_headers_have_whole_seconds_and_milliseconds(
    seconds: float | None, headers: dict[str, str]
) -> None:
    match = dict(
        MESSAGES.error(Failure("overloaded", retry_after=seconds), messages(), IDENTITY).head.headers
    )
    assert {name: value for name, value in match.items() if name.startswith("retry-after")} == headers


@pytest.mark.parametrize(
    ("retry_after", "reset"), [(None, "2025-10-09T08:53:21Z"), (2.0, "2025-10-09T08:53:22Z")]
)
def test_429_limit_headers_reset_with_the_retry(retry_after: float | None, reset: str) -> None:
    headers = dict(
        MESSAGES.error(Failure("rate_limit", retry_after=retry_after), messages(), IDENTITY).head.headers
    )
    assert headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert headers["anthropic-ratelimit-requests-reset"] == reset
