"""Named errors whose words depend on the request, in each provider's: a model that is no longer served, and a
prompt that is too long, with numbers that are true."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import NAMED, Failure
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import GENERATING_CALLS
from tests.dialects.test_building_and_decoding import CALLS, IDENTITY, NAMES, requested

dialects = pytest.mark.parametrize("dialect", CALLS, ids=NAMES)
LONG = NeutralRequest(model="old-model", user="word " * 500)


def stated(
    dialect: ReplyDialect, failure: Failure, wanted: NeutralRequest = LONG
) -> tuple[int, dict[str, Any]]:
    """The status and the error as the dialect decodes it: an object with a message."""
    plan = dialect.error(failure, requested(dialect, wanted), IDENTITY)
    decoded = dialect.decode(plan)
    assert decoded is not None, "decode does not recognize the error that the dialect writes"
    assert decoded.error is not None, "decode finds no error in the error that the dialect writes"
    assert "message" in decoded.error, "decode returns an error without `message`"
    return plan.head.status, decoded.error


@dialects
@pytest.mark.parametrize("name", NAMED)
@pytest.mark.covering
def test_named_error_has_message_of_provider(dialect: ReplyDialect, name: str) -> None:
    if dialect.name == "gemini" and name == "content_filter":
        return  # no error there: a 200 that says why there is no candidate
    status, error = stated(dialect, Failure(name))
    assert status >= 400
    text = error["message"]
    assert isinstance(text, str)
    assert text
    assert "{" not in text


# --- a model that is no longer served ------------------------------------------------------------

RETIRED = {
    "openai-chat": (
        404,
        "The model `old-model` has been deprecated, learn more here: https://platform.openai.com",
    ),
    "openai-responses": (
        400,
        "The model `old-model` has been deprecated, learn more here: https://platform.openai.com",
    ),
    "anthropic-messages": (404, "model: old-model"),
    "gemini-generate": (404, "This model models/old-model is no longer available to new users."),
    "gemini-compatible_chat": (404, "This model models/old-model is no longer available to new users."),
    "vertex-generate": (404, "Publisher Model `projects/"),
    "azure-chat": (404, "The API deployment for this resource does not exist."),
    "groq-chat": (400, "The model `old-model` has been decommissioned and is no longer supported."),
    "mistral-chat": (404, "The model `old-model` has been deprecated."),
}


@pytest.mark.parametrize("name", RETIRED)
def test_model_deprecated_has_message_of_provider(name: str) -> None:
    status, start = RETIRED[name]
    code, error = stated(CALLS[NAMES.index(name)], Failure("model_deprecated"))
    assert code == status
    assert error["message"].startswith(start)


# --- a prompt that is too long -------------------------------------------------------------------


@dialects
def test_context_length_has_limit_and_token_count(dialect: ReplyDialect) -> None:
    tokens = requested(dialect, LONG).input_tokens
    assert tokens > 300
    status, error = stated(dialect, Failure("context_length", context_tokens=300))
    usual, _ = stated(dialect, Failure("context_length"))
    assert status == usual, "a limit of the scenario changes the status in the dialect's table of errors"
    assert 400 <= status < 500
    if dialect.api != "responses":  # whose words have no numbers
        assert str(tokens) in error["message"]
        assert "300" in error["message"]


@dialects
def test_context_error_for_short_request_has_consistent_counts(dialect: ReplyDialect) -> None:
    """An error that a scenario names in any case: the numbers agree all the same."""
    tokens = requested(dialect, LONG).input_tokens
    _, error = stated(dialect, Failure("context_length", context_tokens=1_000_000))
    if dialect.api != "responses":
        assert str(1_000_000 + tokens) in error["message"]


def test_without_a_limit_it_is_that_of_the_provider_s_models() -> None:
    windows = {
        provider: stated(call, Failure("context_length"))[1]["message"]
        for provider, _, call in reversed(GENERATING_CALLS)
        if provider in ("openai", "anthropic", "gemini") and call.api in ("chat", "messages", "generate")
    }
    assert "128000" in windows["openai"]
    assert "200000" in windows["anthropic"]
    assert "1048576" in windows["gemini"]
