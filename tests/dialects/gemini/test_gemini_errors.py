"""Errors in Google's envelope."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import NAMED, Failure
from mockllm.core.request.request import Request
from mockllm.dialects.gemini.dialects import COUNT, MODELS
from mockllm.dialects.gemini.errors import BLOCKED, ROWS
from mockllm.dialects.gemini.generate import GENERATE
from tests.dialects.gemini.generate_requests import IDENTITY, VERTEX, body_of, generate

CASES: list[tuple[str, int, str, str | None]] = [
    ("bad_request", 400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    ("authentication", 400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    ("permission", 403, "PERMISSION_DENIED", None),
    ("not_found", 404, "NOT_FOUND", "Requested entity was not found."),
    (
        "model_not_found",
        404,
        "NOT_FOUND",
        "models/gemini-3.5-flash is not found for API version v1beta, or is not supported for generateContent. "
        "Call ModelService.ListModels to see the list of available models and their supported methods.",
    ),
    ("model_deprecated", 404, "NOT_FOUND", None),
    ("request_too_large", 400, "INVALID_ARGUMENT", None),
    ("context_length", 400, "INVALID_ARGUMENT", None),
    ("rate_limit", 429, "RESOURCE_EXHAUSTED", None),
    ("insufficient_quota", 429, "RESOURCE_EXHAUSTED", None),
    ("server_error", 500, "INTERNAL", None),
    ("overloaded", 503, "UNAVAILABLE", None),
    ("unavailable", 503, "UNAVAILABLE", None),
    ("bad_gateway", 502, "UNAVAILABLE", None),
    ("timeout", 504, "DEADLINE_EXCEEDED", None),
]


@pytest.mark.parametrize(("name", "code", "status", "message"), CASES, ids=[row[0] for row in CASES])
def test_named_error_has_code_status_and_message(
    name: str, code: int, status: str, message: str | None
) -> None:
    plan = GENERATE.error(Failure(name), generate(), IDENTITY)
    error = body_of(plan)["error"]
    assert (plan.head.status, error["code"], error["status"]) == (code, code, status)
    assert error["message"] == (message or error["message"])
    headers = dict(plan.head.headers)
    assert headers["content-type"] == "application/json; charset=UTF-8"
    assert ("x-gemini-service-tier" in headers) == (code == 429)
    assert "retry-after" not in headers


def test_error_table_has_every_named_error() -> None:
    assert set(ROWS) == set(NAMED) == {row[0] for row in CASES} | BLOCKED


@pytest.mark.parametrize(
    ("quota", "metric", "id"),
    [
        (
            ("requests", 15, 60.0),
            "generate_requests_per_model",
            "GenerateRequestsPerMinutePerProjectPerModel",
        ),
        (
            ("requests", 15, 86400.0),
            "generate_requests_per_model_per_day",
            "GenerateRequestsPerDayPerProjectPerModel",
        ),
        (
            ("tokens", 15, 60.0),
            "generate_content_paid_tier_input_token_count",
            "GenerateContentPaidTierInputTokensPerModelPerMinute",
        ),
        (
            ("tokens", 15, 86400.0),
            "generate_content_paid_tier_input_token_count",
            "GenerateContentPaidTierInputTokensPerModelPerDay",
        ),
    ],
)
def test_limit_refusal_has_quota_details(quota: tuple[str, int, float], metric: str, id: str) -> None:
    error = body_of(
        GENERATE.error(Failure("rate_limit", retry_after=1.5, exceeded_limit=quota), generate(), IDENTITY)
    )
    violation = error["error"]["details"][1]["violations"][0]
    named = f"generativelanguage.googleapis.com/{metric}"
    assert (violation["quotaMetric"], violation["quotaId"], violation["quotaValue"]) == (named, id, "15")
    assert f"metric: {named}, limit: 15, model: gemini" in error["error"]["message"]


@pytest.mark.parametrize(
    ("seconds", "text", "reported"),
    [
        (59.984, "59.984s", "59.984s"),
        (60.0, "1m0s", "60s"),
        (6776.409, "1h52m56.409s", "6776.409s"),
        (86399.944, "23h59m59.944s", "86399.944s"),
        (3600.5, "1h0m0.5s", "3600.5s"),
    ],
)
def test_retry_delay_has_milliseconds(seconds: float, text: str, reported: str) -> None:
    error = body_of(GENERATE.error(Failure("rate_limit", retry_after=seconds), generate(), IDENTITY))["error"]
    assert error["message"].endswith(f"Please retry in {text}.")
    assert error["details"][-1]["retryDelay"] == reported


def test_retry_delay_is_in_the_details() -> None:
    plan = GENERATE.error(Failure("rate_limit", retry_after=0.05), generate(), IDENTITY)
    error = body_of(plan)["error"]
    assert error["message"].endswith("Please retry in 0.05s.")
    assert error["details"][-1] == {
        "@type": "type.googleapis.com/google.rpc.RetryInfo",
        "retryDelay": "0.05s",
    }
    error = body_of(GENERATE.error(Failure("overloaded", retry_after=2), generate(), IDENTITY))["error"]
    assert [detail["retryDelay"] for detail in error["details"]] == ["2s"]


def test_custom_http_status_has_its_grpc_status() -> None:
    def status(code: int) -> Any:
        return body_of(GENERATE.error(Failure("bad_request", code), generate(), IDENTITY))["error"]["status"]

    assert [status(code) for code in (400, 409, 418)] == ["INVALID_ARGUMENT", "ABORTED", "UNKNOWN"]


def test_error_settings_of_a_scenario_override_the_table() -> None:
    failure = Failure(
        "server_error",
        message="Oh.",
        fields={"status": "ODD", "extra": 1},
        headers=(("x-a", "b"), ("Content-Type", "text/plain")),
    )
    plan = GENERATE.error(failure, generate(), IDENTITY)
    assert body_of(plan) == {"error": {"code": 500, "message": "Oh.", "status": "ODD", "extra": 1}}
    assert plan.head.headers == (("x-a", "b"), ("Content-Type", "text/plain"))


def test_request_without_key_gets_unregistered_error() -> None:
    plan = GENERATE.error(Failure("authentication"), generate(headers={}), IDENTITY)
    assert plan.head.status == 403
    assert "unregistered callers" in body_of(plan)["error"]["message"]


def test_vertex_errors_differ_for_some_names() -> None:
    def error(name: str) -> Any:
        return body_of(GENERATE.error(Failure(name), generate(base=VERTEX, model="x"), IDENTITY))["error"]

    assert error("authentication")["code"] == 401
    assert error("model_not_found")["message"] == (
        "Publisher Model `projects/p/locations/global/publishers/google/models/x` not found."
    )
    assert "details" not in error("rate_limit")
    assert error("overloaded")["status"] == "UNAVAILABLE"


def test_vertex_without_token_names_expected_credentials() -> None:
    def answer(headers: dict[str, str]) -> Any:
        return GENERATE.error(Failure("authentication"), generate(base=VERTEX, headers=headers), IDENTITY)

    missing, wrong = answer({"x-goog-api-key": "k"}), answer({"authorization": "Bearer x"})
    for plan, reason in ((missing, "CREDENTIALS_MISSING"), (wrong, "ACCESS_TOKEN_TYPE_UNSUPPORTED")):
        (detail,) = body_of(plan)["error"]["details"]
        assert detail["reason"] == reason
        assert detail["metadata"] == {
            "method": "google.cloud.aiplatform.v1beta1.PredictionService.GenerateContent",
            "service": "aiplatform.googleapis.com",
        }
        assert dict(plan.head.headers)["www-authenticate"] == 'Bearer realm="https://accounts.google.com/"'


def test_details_are_present_where_enums_are_numbers() -> None:
    request = generate(base=VERTEX, query="$alt=json;enum-encoding=int")
    assert body_of(GENERATE.error(Failure("not_found"), request, IDENTITY))["error"]["details"] == []


def test_blocked_prompt_with_status_is_an_error() -> None:
    plan = GENERATE.error(Failure("content_filter", 400), generate(), IDENTITY)
    assert (plan.head.status, body_of(plan)["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_all_gemini_calls_return_equal_errors() -> None:
    for request in (generate(), Request(method="GET", path="", headers={})):
        payload = [call.error(Failure("not_found"), request, IDENTITY) for call in (GENERATE, COUNT, MODELS)]
        assert payload[0] == payload[1] == payload[2]
        assert body_of(payload[0])["error"]["code"] == 404
