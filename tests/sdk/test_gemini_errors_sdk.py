"""Each named error as the exception that the google-genai package has for it, and what its clients do wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from mockllm.core.failure import NAMED
from tests.live import Live
from tests.live import live as serve
from tests.sdk.gemini_clients import gemini, post, vertex

ERRORS: dict[str, tuple[type[errors.APIError], int, str]] = {
    "bad_request": (errors.ClientError, 400, "INVALID_ARGUMENT"),
    "authentication": (errors.ClientError, 400, "INVALID_ARGUMENT"),
    "permission": (errors.ClientError, 403, "PERMISSION_DENIED"),
    "not_found": (errors.ClientError, 404, "NOT_FOUND"),
    "model_not_found": (errors.ClientError, 404, "NOT_FOUND"),
    "model_deprecated": (errors.ClientError, 404, "NOT_FOUND"),
    "request_too_large": (errors.ClientError, 400, "INVALID_ARGUMENT"),
    "context_length": (errors.ClientError, 400, "INVALID_ARGUMENT"),
    "rate_limit": (errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
    "insufficient_quota": (errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
    "server_error": (errors.ServerError, 500, "INTERNAL"),
    "overloaded": (errors.ServerError, 503, "UNAVAILABLE"),
    "unavailable": (errors.ServerError, 503, "UNAVAILABLE"),
    "bad_gateway": (errors.ServerError, 502, "UNAVAILABLE"),
    "timeout": (errors.ServerError, 504, "DEADLINE_EXCEEDED"),
}
SCENARIO = """mockllm: 1
rules:
""" + "".join(f"  - {{name: {name}, match: {{model: {name}}}, error: {name}}}\n" for name in NAMED)


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("gemini-errors") / "errors.yaml"
    file.write_text(SCENARIO)
    with serve(file) as server:
        yield server


def test_table_has_every_named_error_except_content_filter() -> None:
    assert set(ERRORS) == set(NAMED) - {"content_filter"}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", ERRORS)
def test_named_error_raises_sdk_exception(failing: Live, name: str, stream: bool) -> None:
    kind, code, status = ERRORS[name]
    with gemini(failing) as client:
        ask = client.models.generate_content_stream if stream else client.models.generate_content
        with pytest.raises(kind) as caught:
            list(ask(model=name, contents="hi"))
    assert (caught.value.code, caught.value.status) == (code, status)
    assert caught.value.message


def test_async_raises_the_same(failing: Live) -> None:
    async def ask() -> None:
        client = gemini(failing).aio
        with pytest.raises(errors.ClientError) as caught:
            await client.models.generate_content(model="rate_limit", contents="hi")
        assert caught.value.details["error"]["details"][-1]["retryDelay"] == "1s"
        stream = await client.models.generate_content_stream(model="overloaded", contents="hi")
        with pytest.raises(errors.ServerError):
            await anext(stream)
        await client.aclose()

    asyncio.run(ask())


def test_vertex_authentication_error_is_401(failing: Live) -> None:
    with vertex(failing) as client, pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model="authentication", contents="hi")
    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_blocked_prompt_has_no_candidates(failing: Live, stream: bool) -> None:
    with gemini(failing) as client:
        if stream:
            (response,) = client.models.generate_content_stream(model="content_filter", contents="hi")
        else:
            response = client.models.generate_content(model="content_filter", contents="hi")
    assert not response.candidates
    assert response.prompt_feedback is not None
    assert response.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT


@pytest.mark.parametrize("ask", [gemini, vertex], ids=["gemini", "vertex"])
def test_error_in_stream_follows_its_chunks(live: Live, ask: Any) -> None:
    texts: list[str] = []
    with ask(live) as client, pytest.raises(errors.ServerError) as caught:
        texts += (
            chunk.text for chunk in client.models.generate_content_stream(model="breaks-off", contents="hi")
        )
    assert "".join(texts) == "Once upon"
    assert (caught.value.code, caught.value.status) == (503, "UNAVAILABLE")


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no contents": ({"contents": []}, "contents is not specified"),
    "an unknown role": ({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, "valid role"),
    "no parts": ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
    "too hot": ({"contents": [{"parts": [{"text": "x"}]}], "config": {"temperature": 3}}, "temperature"),
}


@pytest.mark.parametrize(("requests", "named"), MISTAKES.values(), ids=MISTAKES.keys())
def test_invalid_request_is_400_that_names_field(live: Live, requests: dict[str, Any], named: str) -> None:
    body = {"generationConfig": requests.get("config", {}), "contents": requests["contents"]}
    status, _, response = post(f"{live.url}/v1beta/models/x:generateContent?key=k", body)
    assert status == 400
    assert named in json.loads(response)["error"]["message"]


def test_client_with_retries_gets_third_response(live: Live) -> None:
    options = types.HttpOptions(
        base_url=live.url,
        headers={"x-case": "gemini"},
        retry_options=types.HttpRetryOptions(attempts=3, initial_delay=0.01, max_delay=0.02, jitter=0.001),
    )
    with genai.Client(api_key="key", http_options=options) as client:
        response = client.models.generate_content(model="twice-limited", contents="hi")
    assert response.text == "Third time lucky."


def test_stream_error_has_form_of_requested_stream(failing: Live) -> None:
    body = {"contents": [{"parts": [{"text": "hello"}]}]}
    url = f"{failing.url}/v1beta/models/overloaded:streamGenerateContent?key=k"
    status, kind, response = post(url, body)
    assert (status, kind) == (503, "application/json; charset=UTF-8")
    assert [item["error"]["code"] for item in json.loads(response)] == [503]
    status, kind, response = post(f"{url}&alt=sse", body)
    assert (status, kind) == (503, "text/event-stream")
    assert json.loads(response)["error"]["code"] == 503
