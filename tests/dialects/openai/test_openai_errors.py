"""OpenAI's envelope, statuses and headers for every named error."""

from __future__ import annotations

import pytest

from mockllm.core.failure import NAMED, Failure
from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.dialects.openai.chat.dialect import CHAT
from mockllm.dialects.openai.errors import ROWS, mask_key
from mockllm.dialects.openai.headers import go_duration
from mockllm.dialects.openai.responses.dialect import RESPONSES
from tests.dialects.openai.chat.chat_requests import IDENTITY, chat, of_bytes
from tests.dialects.openai.responses.responses_requests import responses


def error(plan: Plan) -> Json:
    (step,) = plan.steps
    assert isinstance(step, EventStep)
    return loads(step.payload)["error"]


@pytest.mark.parametrize("name", NAMED)
def test_every_named_error_has_a_row_and_a_full_envelope(name: str) -> None:
    plan = CHAT.error(Failure(name), chat(), IDENTITY)
    assert plan.head.status == NAMED[name]
    assert list(error(plan)) == ["message", "type", "param", "code"]
    assert "{" not in error(plan)["message"]


def test_error_table_has_only_named_errors() -> None:
    assert ROWS.keys() == NAMED.keys()


def test_fields_of_the_failure_override_the_table() -> None:
    failure = Failure(
        "insufficient_quota",
        402,
        "Pay.",
        fields={"code": "broke", "more": 1},
        headers=(("x-a", "b"), ("Vary", "*")),
    )
    plan = CHAT.error(failure, chat(), IDENTITY)
    assert plan.head.status == 402
    assert error(plan) == {
        "message": "Pay.",
        "type": "insufficient_quota",
        "param": None,
        "code": "broke",
        "more": 1,
    }
    assert plan.head.fixed[-2:] == (("x-a", "b"), ("Vary", "*"))
    assert "vary" not in dict(plan.head.headers)


@pytest.mark.parametrize(
    ("headers", "code", "start"),
    [
        ({}, None, "You didn't provide an API key."),
        ({"authorization": "Bearer sk-short"}, "invalid_api_key", "Incorrect API key provided: sk-short."),
        (
            {"authorization": "Bearer sk-0123456789abcdef"},
            "invalid_api_key",
            "Incorrect API key provided: sk-01234*******cdef.",
        ),
    ],
)
def test_invalid_key_is_masked_in_the_message(headers: dict[str, str], code: str | None, start: str) -> None:
    reported = error(CHAT.error(Failure("authentication"), chat(headers=headers), IDENTITY))
    assert reported["code"] == code
    assert reported["message"].startswith(start)


@pytest.mark.parametrize(
    ("failure", "reported"),
    [
        (Failure("rate_limit"), ("1", "494", "494ms")),
        (Failure("rate_limit", retry_after=0.0), ("0", "0", "0s")),
        (Failure("rate_limit", retry_after=71.339), ("72", "71339", "1m11.339s")),
        (Failure("overloaded", retry_after=2.0), ("2", "2000", "0s")),
        (Failure("server_error"), (None, None, "0s")),
        (Failure("insufficient_quota", retry_after=1.0), ("1", "1000", None)),
    ],
)
def test_retry_headers_follow_the_failure(failure: Failure, reported: tuple[str | None, ...]) -> None:
    headers = dict(CHAT.error(failure, chat(), IDENTITY).head.headers)
    assert (
        tuple(headers.get(name) for name in ("retry-after", "retry-after-ms", "x-ratelimit-reset-tokens"))
        == reported
    )


def test_rate_limit_message_contains_the_wait() -> None:
    reported = error(CHAT.error(Failure("rate_limit", retry_after=20.0), chat(), IDENTITY))
    assert "Please try again in 20s." in reported["message"]


def test_error_for_unreadable_request_has_the_envelope() -> None:
    assert (
        error(CHAT.error(Failure("model_not_found"), of_bytes(b"{"), IDENTITY))["code"] == "model_not_found"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.006, "6ms"),
        (1.2, "1.2s"),
        (60, "1m0s"),
        (71.339, "1m11.339s"),
        (864, "14m24s"),
        (3600, "1h0m0s"),
    ],
)
def test_go_duration_formats_as_go_does(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


def test_short_key_is_not_masked() -> None:
    assert mask_key("sk-fake-key") == "sk-fake-key"


KNOWN_KEY = {"openai-organization", "openai-project"}


@pytest.mark.parametrize("name", ["bad_request", "context_length", "server_error"])
def test_errors_of_the_models_name_organization_and_project(name: str) -> None:
    for dialect, request in ((CHAT, chat()), (RESPONSES, responses())):
        headers = dict(dialect.error(Failure(name), request, IDENTITY).head.headers)
        assert headers.keys() >= {*KNOWN_KEY, "openai-version"}


def test_refused_key_has_no_organization() -> None:
    refused = dict(RESPONSES.error(Failure("authentication"), responses(), IDENTITY).head.headers)
    assert "openai-version" in refused
    assert not KNOWN_KEY & refused.keys()
    assert not KNOWN_KEY & dict(CHAT.error(Failure("model_not_found"), chat(), IDENTITY).head.headers).keys()
