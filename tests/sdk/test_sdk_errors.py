"""Each named error is the exception that the SDKs have for it; a stream that breaks is one too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from mockllm.core.failure import NAMED
from tests.live import Live
from tests.live import live as serve

OPENAI = {
    "bad_request": (openai.BadRequestError, 400, "invalid_request_error"),
    "authentication": (openai.AuthenticationError, 401, "invalid_request_error"),
    "permission": (openai.PermissionDeniedError, 403, "request_forbidden"),
    "not_found": (openai.NotFoundError, 404, "invalid_request_error"),
    "model_not_found": (openai.NotFoundError, 404, "invalid_request_error"),
    "model_deprecated": (openai.NotFoundError, 404, "invalid_request_error"),
    "request_too_large": (openai.APIStatusError, 413, "invalid_request_error"),
    "context_length": (openai.BadRequestError, 400, "invalid_request_error"),
    "rate_limit": (openai.RateLimitError, 429, "tokens"),
    "insufficient_quota": (openai.RateLimitError, 429, "insufficient_quota"),
    "content_filter": (openai.BadRequestError, 400, "invalid_request_error"),
    "server_error": (openai.InternalServerError, 500, "server_error"),
    "overloaded": (openai.InternalServerError, 503, "server_error"),
    "unavailable": (openai.InternalServerError, 503, "server_error"),
    "bad_gateway": (openai.InternalServerError, 502, "server_error"),
    "timeout": (openai.InternalServerError, 504, "server_error"),
}
ANTHROPIC = {
    "bad_request": (anthropic.BadRequestError, 400, "invalid_request_error"),
    "authentication": (anthropic.AuthenticationError, 401, "authentication_error"),
    "permission": (anthropic.PermissionDeniedError, 403, "permission_error"),
    "not_found": (anthropic.NotFoundError, 404, "not_found_error"),
    "model_not_found": (anthropic.NotFoundError, 404, "not_found_error"),
    "model_deprecated": (anthropic.NotFoundError, 404, "not_found_error"),
    "request_too_large": (anthropic.APIStatusError, 413, "request_too_large"),
    "context_length": (anthropic.BadRequestError, 400, "invalid_request_error"),
    "rate_limit": (anthropic.RateLimitError, 429, "rate_limit_error"),
    "insufficient_quota": (anthropic.APIStatusError, 402, "billing_error"),
    "content_filter": (anthropic.BadRequestError, 400, "invalid_request_error"),
    "server_error": (anthropic.InternalServerError, 500, "api_error"),
    "overloaded": (anthropic.APIStatusError, 529, "overloaded_error"),
    "unavailable": (anthropic.APIStatusError, 503, "api_error"),
    "bad_gateway": (anthropic.InternalServerError, 502, "api_error"),
    "timeout": (anthropic.APIStatusError, 504, "timeout_error"),
}
SCENARIO = """mockllm: 1
rules:
""" + "".join(f"  - {{name: {name}, match: {{model: {name}}}, error: {name}}}\n" for name in NAMED)

HI: list[Any] = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("errors") / "errors.yaml"
    file.write_text(SCENARIO)
    with serve(file) as server:
        yield server


def test_tables_have_every_named_error() -> None:
    assert set(OPENAI) == set(ANTHROPIC) == set(NAMED)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", OPENAI)
def test_openai_raises_its_own_exception(errors: Live, name: str, stream: bool) -> None:
    kind, status, type = OPENAI[name]
    with (
        openai.OpenAI(base_url=f"{errors.url}/v1", api_key="sk", max_retries=0) as client,
        pytest.raises(kind) as caught,
    ):
        client.chat.completions.create(model=name, messages=HI, stream=stream)
    assert (caught.value.status_code, caught.value.type) == (status, type)
    assert caught.value.request_id
    assert set(caught.value.response.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", ANTHROPIC)
def test_anthropic_raises_its_own_exception(errors: Live, name: str, stream: bool) -> None:
    kind, status, type = ANTHROPIC[name]
    with (
        anthropic.Anthropic(base_url=errors.url, api_key="sk", max_retries=0) as client,
        pytest.raises(kind) as caught,
    ):
        client.messages.create(model=name, messages=HI, max_tokens=9, stream=stream)
    body: Any = caught.value.body
    assert (caught.value.status_code, body["error"]["type"]) == (status, type)
    if name != "request_too_large":  # the proxy in front says that one, without ids
        assert caught.value.request_id == body["request_id"]


def test_async_clients_raise_the_same(errors: Live) -> None:
    async def ask() -> None:
        async with openai.AsyncOpenAI(base_url=f"{errors.url}/v1", api_key="sk", max_retries=0) as chat:
            with pytest.raises(openai.RateLimitError):
                await chat.chat.completions.create(model="rate_limit", messages=HI)
        async with anthropic.AsyncAnthropic(base_url=errors.url, api_key="sk", max_retries=0) as claude:
            with pytest.raises(anthropic.RateLimitError):
                await claude.messages.create(model="rate_limit", messages=HI, max_tokens=9)

    asyncio.run(ask())


# --- inside a stream -----------------------------------------------------------------------------


def openai_stream(client: openai.OpenAI, model: str, texts: list[str]) -> None:
    for chunk in client.chat.completions.create(model=model, messages=HI, stream=True):
        texts += [choice.delta.content for choice in chunk.choices if choice.delta.content]


def anthropic_stream(client: anthropic.Anthropic, model: str, texts: list[str]) -> None:
    with client.messages.stream(model=model, messages=HI, max_tokens=99) as stream:
        for chunk in stream.text_stream:
            texts.append(chunk)  # noqa: PERF402 - what came before an error is looked at


def test_openai_stream_raises_scripted_error(chat: openai.OpenAI) -> None:
    texts: list[str] = []
    with pytest.raises(openai.APIError, match="overloaded") as caught:
        openai_stream(chat, "breaks-off", texts)
    assert caught.value.type == "server_error"
    assert texts == ["Once", " upon"]


def test_anthropic_stream_raises_scripted_error(claude: anthropic.Anthropic) -> None:
    texts: list[str] = []
    with pytest.raises(anthropic.APIStatusError, match="overloaded_error"):
        anthropic_stream(claude, "breaks-off", texts)
    assert texts == ["Once", " upon"]


def test_scripted_error_without_stream_is_whole_response(
    chat: openai.OpenAI, claude: anthropic.Anthropic
) -> None:
    with pytest.raises(openai.InternalServerError) as first:
        chat.chat.completions.create(model="breaks-off", messages=HI)
    assert first.value.status_code == 503
    with pytest.raises(anthropic.APIStatusError) as second:
        claude.messages.create(model="breaks-off", messages=HI, max_tokens=99)
    assert second.value.status_code == 529


def test_malformed_chunk_raises_json_error_in_openai(chat: openai.OpenAI) -> None:
    texts: list[str] = []
    with pytest.raises(json.JSONDecodeError):
        openai_stream(chat, "broken-chunk", texts)
    assert texts == ["One"]


def test_malformed_chunk_raises_json_error_in_anthropic(claude: anthropic.Anthropic) -> None:
    texts: list[str] = []
    with pytest.raises(json.JSONDecodeError):
        anthropic_stream(claude, "broken-chunk", texts)
    assert texts == ["One"]


def test_malformed_chunk_without_stream_is_logged_unplayed(live: Live, chat: openai.OpenAI) -> None:
    response = chat.chat.completions.create(model="broken-chunk", messages=HI)
    assert response.choices[0].message.content == "One two three."
    assert live.line(lambda line: "malformed not applied" in line)


def test_raw_bytes_in_a_script_reach_the_client(chat: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    with pytest.raises(json.JSONDecodeError):
        openai_stream(chat, "a-raw-line", [])
    texts: list[str] = []
    anthropic_stream(claude, "a-raw-line", texts)  # its SDK passes over events without a name
    assert "".join(texts) == "One two"


def test_comment_in_stream_is_ignored_by_sdks(chat: openai.OpenAI, claude: anthropic.Anthropic) -> None:
    one: list[str] = []
    two: list[str] = []
    openai_stream(chat, "a-comment", one)
    anthropic_stream(claude, "a-comment", two)
    assert one == two == ["One", " two"]


# --- retries -------------------------------------------------------------------------------------


def test_openai_retries_until_sequence_succeeds(live: Live) -> None:
    headers = {"x-case": "openai"}
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key="sk", default_headers=headers) as client:
        raw = client.chat.completions.with_raw_response.create(model="twice-limited", messages=HI)
    assert raw.parse().choices[0].message.content == "Third time lucky."
    assert raw.retries_taken == 2


def test_anthropic_retries_until_sequence_succeeds(live: Live) -> None:
    headers = {"x-case": "anthropic"}
    with anthropic.Anthropic(base_url=live.url, api_key="sk", default_headers=headers) as client:
        raw = client.messages.with_raw_response.create(model="twice-limited", messages=HI, max_tokens=99)
    assert raw.retries_taken == 2
    assert [block.text for block in raw.parse().content if block.type == "text"] == ["Third time lucky."]


def test_error_is_raised_after_one_retry_too_few(live: Live) -> None:
    headers = {"x-case": "impatient"}
    with (
        openai.OpenAI(
            base_url=f"{live.url}/v1", api_key="sk", max_retries=1, default_headers=headers
        ) as client,
        pytest.raises(openai.RateLimitError) as caught,
    ):
        client.chat.completions.create(model="twice-limited", messages=HI)
    assert caught.value.response.headers["retry-after-ms"] == "50"


def test_retries_are_counted_by_scope(live: Live) -> None:
    for case in ("a", "b"):
        headers = {"x-case": case}
        with anthropic.Anthropic(base_url=live.url, api_key="sk", default_headers=headers) as client:
            raw = client.messages.with_raw_response.create(
                model="once-overloaded", messages=HI, max_tokens=99
            )
        assert raw.retries_taken == 1


def test_rule_matches_retry_of_sdk(live: Live) -> None:
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key="sk", max_retries=1) as client:
        response = client.chat.completions.create(model="retries-are-seen", messages=HI)
    assert response.choices[0].message.content == "You tried again."


def test_async_clients_retry_too(live: Live) -> None:
    async def ask() -> str | None:
        headers = {"x-case": "async"}
        async with openai.AsyncOpenAI(
            base_url=f"{live.url}/v1", api_key="sk", default_headers=headers
        ) as client:
            response = await client.chat.completions.create(model="twice-limited", messages=HI)
        return response.choices[0].message.content

    assert asyncio.run(ask()) == "Third time lucky."
