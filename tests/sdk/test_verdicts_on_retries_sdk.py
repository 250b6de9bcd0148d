"""Verdicts on real SDKs that retry, or do not, with good and bad settings: each gets its verdicts, and no others.

No wait is longer than the responses request, or than the shortest that an SDK makes by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from mockllm.testing import MockLLM
from tests.sdk.judging import HI, judged, verdicts

SOON = "50ms"
FAILURES = (openai.OpenAIError, anthropic.AnthropicError, errors.APIError)
Ask = Callable[..., object]


@pytest.fixture
def server() -> Iterator[MockLLM]:
    with judged() as built:
        yield built


# --- six ways to request; what is named beside the server goes to the client -------------------------


def chat(server: MockLLM, **client: Any) -> object:
    with openai.OpenAI(base_url=server.openai_url, api_key="sk", **client) as built:
        return built.chat.completions.create(model="gpt-4o", messages=HI)


def chat_async(server: MockLLM, **client: Any) -> object:
    async def ask() -> object:
        async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="sk", **client) as built:
            return await built.chat.completions.create(model="gpt-4o", messages=HI)

    return asyncio.run(ask())


def responses(server: MockLLM, **client: Any) -> object:
    with openai.OpenAI(base_url=server.openai_url, api_key="sk", **client) as built:
        return built.responses.create(model="gpt-4o", input="hi")


def messages(server: MockLLM, **client: Any) -> object:
    with anthropic.Anthropic(base_url=server.anthropic_url, api_key="sk", **client) as built:
        return built.messages.create(model="claude-sonnet-5", max_tokens=99, messages=HI)


def messages_async(server: MockLLM, **client: Any) -> object:
    async def ask() -> object:
        async with anthropic.AsyncAnthropic(base_url=server.anthropic_url, api_key="sk", **client) as built:
            return await built.messages.create(model="claude-sonnet-5", max_tokens=99, messages=HI)

    return asyncio.run(ask())


def gemini(server: MockLLM, **options: Any) -> object:
    http = types.HttpOptions(base_url=server.gemini_url, **options)
    client = genai.Client(api_key="k", http_options=http)
    try:
        return client.models.generate_content(model="gemini-3-pro", contents="hi")
    finally:
        client.close()


def waiting(seconds: float) -> dict[str, Any]:
    """Google's SDK tries again only where it is configured to."""
    retrying = types.HttpRetryOptions(attempts=3, initial_delay=seconds, exp_base=2, jitter=0)
    return {"retry_options": retrying}


STAINLESS: dict[str, Ask] = {
    "openai": chat,
    "openai, async": chat_async,
    "openai, responses": responses,
    "anthropic": messages,
    "anthropic, async": messages_async,
}
EVERY: dict[str, Ask] = {**STAINLESS, "google-genai": gemini}
NO_RETRIES: dict[Ask, dict[str, Any]] = {ask: {"max_retries": 0} for ask in STAINLESS.values()} | {gemini: {}}


@pytest.fixture(params=list(STAINLESS.values()), ids=list(STAINLESS))
def stainless(request: pytest.FixtureRequest) -> Ask:
    result: Ask = request.param
    return result


@pytest.fixture(params=list(EVERY.values()), ids=list(EVERY))
def every(request: pytest.FixtureRequest) -> Ask:
    result: Ask = request.param
    return result


# --- retries -----------------------------------------------------------------------------------------


def test_successful_requests_have_no_verdict(server: MockLLM, every: Ask) -> None:
    for _ in range(3):
        every(server)
    assert verdicts(server) == []


@pytest.mark.parametrize("error", ["rate_limit", "overloaded"])
def test_as_they_come_they_recover(server: MockLLM, stainless: Ask, error: str) -> None:
    server.error({"type": error, "retry_after": SOON}, times=2)
    stainless(server)
    assert verdicts(server) == ["recovered"]
    assert server.verdicts[0].requests == server.requests


def test_google_client_with_retry_options_is_recovered(server: MockLLM) -> None:
    server.error("unavailable", times=1)
    gemini(server, **waiting(0.2))
    assert verdicts(server) == ["recovered"]


def test_google_client_ignores_retry_after(server: MockLLM) -> None:
    """It waits by its own clock, whatever the error's RetryInfo says."""
    server.error({"type": "rate_limit", "retry_after": "2s"}, times=1)
    gemini(server, **waiting(0.2))
    assert verdicts(server) == ["retry_after_ignored", "recovered"]


def test_without_retries_they_give_up(server: MockLLM, every: Ask) -> None:
    server.error({"type": "rate_limit", "retry_after": SOON})
    with pytest.raises(FAILURES):
        every(server, **NO_RETRIES[every])
    assert verdicts(server) == ["gave_up"]


def test_three_failed_attempts_have_no_verdict(server: MockLLM, stainless: Ask) -> None:
    server.error({"type": "rate_limit", "retry_after": SOON})
    with pytest.raises(FAILURES):
        stainless(server)
    assert len(server.requests) == 3
    assert verdicts(server) == []


def looped(server: MockLLM, ask: Ask, tries: int) -> None:
    """As many write it, around an SDK that would have done it better."""
    for _ in range(tries):
        with contextlib.suppress(*FAILURES):
            ask(server, **NO_RETRIES[ask])


def test_loop_without_backoff_is_retry_storm() -> None:
    with (
        MockLLM() as server,
        openai.OpenAI(base_url=server.openai_url, api_key="sk", max_retries=0) as client,
    ):
        server.error("overloaded")
        for _ in range(12):
            with contextlib.suppress(openai.APIError):
                client.chat.completions.create(model="gpt-4o", messages=HI)
        assert verdicts(server) == ["no_backoff", "retry_storm"]


def test_loop_of_two_ignores_retry_after(server: MockLLM, every: Ask) -> None:
    server.error({"type": "rate_limit", "retry_after": "30s"}, times=1)
    looped(server, every, 2)
    assert verdicts(server) == ["retry_after_ignored", "recovered"]


@pytest.mark.parametrize("error", ["bad_request", "authentication"])
def test_loop_retries_non_retryable_error(server: MockLLM, every: Ask, error: str) -> None:
    server.error(error)
    looped(server, every, 2)
    assert verdicts(server) == ["retried_non_retryable"]


def test_sdk_does_not_retry_bad_request(server: MockLLM, every: Ask) -> None:
    server.error("bad_request")
    with pytest.raises(FAILURES):
        every(server)
    assert len(server.requests) == 1
    assert verdicts(server) == []


def test_retry_after_missing_response_is_recovered(server: MockLLM) -> None:
    server.reply("Hi", times=1, faults=["no_response"])
    chat(server)
    assert verdicts(server) == ["recovered"]


def test_another_model_behind_a_failure_is_no_giving_up(server: MockLLM) -> None:
    server.error("overloaded", match={"model": "gpt-4o"})
    with openai.OpenAI(base_url=server.openai_url, api_key="sk", max_retries=0) as client:
        with pytest.raises(openai.APIError):
            client.chat.completions.create(model="gpt-4o", messages=HI)
        client.chat.completions.create(model="gpt-4o-mini", messages=HI)
    assert verdicts(server) == []
