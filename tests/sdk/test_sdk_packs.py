"""The shipped packs as SDKs use them: a request controls its response by its query, or by the model's name."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from google.genai.errors import ClientError

from tests.live import Live
from tests.live import live as serve
from tests.sdk.ways import WAYS, Question, Way

HI: list[Any] = [{"role": "user", "content": "hi"}]
HELLO = "Hello! I'm a mock LLM response. How can I help you today?"


@pytest.fixture(scope="module")
def controls() -> Iterator[Live]:
    with serve(packs=["request-controls"]) as server:
        yield server


@pytest.fixture(scope="module")
def default() -> Iterator[Live]:
    fast = ["stream_initial_delay_ms=0", "stream_delay_ms=0", "stream_jitter_ms=0"]
    with serve(packs=["default"], settings=fast) as server:
        yield server


def openai_of(live: Live, **query: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{live.url}/v1", api_key="sk", max_retries=0, default_query=query or None)


def anthropic_of(live: Live, **query: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=live.url, api_key="sk", max_retries=0, default_query=query or None)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_pack_reply_has_text_and_usage(controls: Live, way: Way) -> None:
    reply = way(controls.url, Question("anything"))
    assert reply.text in (HELLO, "Hello from streaming mock provider!")
    assert reply.usage == (10, 15)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_fail_as_a_default_query(controls: Live, way: Way) -> None:
    limited = (openai.RateLimitError, anthropic.RateLimitError, ClientError)
    with pytest.raises(limited, match="Rate limit exceeded"):
        way(controls.url, Question("anything", query={"fail": "429"}))


def test_fail_for_one_request(controls: Live) -> None:
    with openai_of(controls) as client:
        with pytest.raises(openai.InternalServerError) as caught:
            client.chat.completions.create(model="m", messages=HI, extra_query={"fail": "500"})
        error = caught.value
        assert (error.type, error.code) == ("server_error", "internal_error")
        assert "Internal server error" in error.message
        assert client.chat.completions.create(model="m", messages=HI).choices[0].message.content == HELLO


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 422, 451, 500, 502, 503, 529, 599])
def test_fail_with_any_status(controls: Live, status: int) -> None:
    with openai_of(controls, fail=str(status)) as first, pytest.raises(openai.APIStatusError) as one:
        first.chat.completions.create(model="m", messages=HI)
    assert one.value.status_code == status
    assert set(one.value.response.json()["error"]) == {"message", "type", "param", "code"}
    with anthropic_of(controls, fail=str(status)) as second, pytest.raises(anthropic.APIStatusError) as two:
        second.messages.create(model="m", messages=HI, max_tokens=9)
    assert two.value.status_code == status
    assert two.value.response.json()["type"] == "error"


def test_fail_with_a_timeout_outlasts_an_impatient_client(controls: Live) -> None:
    with openai_of(controls, fail="timeout") as client, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model="m", messages=HI, timeout=0.3)


@pytest.mark.parametrize(
    ("name", "value"), [("delay", "abc"), ("fail", "abc"), ("fail", "200"), ("fail_chunk", "x")]
)
def test_invalid_control_is_400_that_names_parameter(controls: Live, name: str, value: str) -> None:
    query = {name: value, "stream": "true"}
    with openai_of(controls) as client, pytest.raises(openai.BadRequestError, match=name):
        client.chat.completions.create(model="m", messages=HI, stream=True, extra_query=query)


@pytest.mark.parametrize("fail", [None, "503"], ids=["before an answer", "also before a failure"])
def test_delay_is_waited(controls: Live, fail: str | None) -> None:
    query = {"delay": "250"} | ({"fail": fail} if fail else {})
    began = time.monotonic()
    with anthropic_of(controls, **query) as client:
        if fail is None:
            client.messages.create(model="m", messages=HI, max_tokens=9)
        else:
            with pytest.raises(anthropic.APIStatusError):
                client.messages.create(model="m", messages=HI, max_tokens=9)
    assert time.monotonic() - began >= 0.25


def test_malformed_chunk_raises_json_error(controls: Live) -> None:
    with openai_of(controls, fail_chunk="3") as client:
        stream = client.chat.completions.create(model="m", messages=HI, stream=True)
        texts = [next(stream).choices[0].delta.content for _ in range(3)]
        with pytest.raises(json.JSONDecodeError):
            next(stream)
    assert texts == ["", "Hello", " from"]


def test_malformed_chunk_in_async_stream_raises_json_error(controls: Live) -> None:
    async def ask() -> list[str | None]:
        async with openai.AsyncOpenAI(
            base_url=f"{controls.url}/v1", api_key="sk", max_retries=0, default_query={"fail_chunk": "2"}
        ) as client:
            stream = await client.chat.completions.create(model="m", messages=HI, stream=True)
            texts = [(await anext(stream)).choices[0].delta.content for _ in range(2)]
            with pytest.raises(json.JSONDecodeError):
                await anext(stream)
        return texts

    assert asyncio.run(ask()) == ["", "Hello"]


@pytest.mark.parametrize("stream", [False, True], ids=["without a stream", "beyond its end"])
def test_malformed_chunk_fault_beyond_the_end_is_logged_unplayed(controls: Live, stream: bool) -> None:
    seen = len(controls.lines)
    with openai_of(controls, fail_chunk="99") as client:
        response: Any = client.chat.completions.create(model="m", messages=HI, stream=stream)
        if stream:
            text = "".join(chunk.choices[0].delta.content or "" for chunk in response)
            assert text == "Hello from streaming mock provider!"
        else:
            assert response.choices[0].message.content == HELLO
    assert controls.line(lambda line: line in controls.lines[seen:] and "malformed not applied" in line)


# --- default -------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_default_pack_replies_to_every_client(default: Live, way: Way) -> None:
    reply = way(default.url, Question("hello"))
    assert reply.text
    assert reply.finish == "stop"


def test_default_pack_has_error_models(default: Live) -> None:
    with openai_of(default) as client, pytest.raises(openai.APIStatusError) as one:
        client.chat.completions.create(model="credit-error", messages=HI)
    assert one.value.status_code == 402
    assert one.value.response.json()["error"] == {
        "message": "You exceeded your current quota, please check your plan and billing details.",
        "type": "insufficient_quota",
        "param": None,
        "code": "insufficient_quota",
    }
    with anthropic_of(default) as claude, pytest.raises(anthropic.APIStatusError) as two:
        claude.messages.create(model="overloaded-error", messages=HI, max_tokens=9)
    assert two.value.status_code == 529


def test_default_pack_has_request_controls(default: Live) -> None:
    with openai_of(default, fail="503") as client, pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="m", messages=HI)


def test_default_response_variable_is_used_verbatim() -> None:
    with (
        serve(packs=["default"], environment={"DEFAULT_RESPONSE": "{{ user }} {# no #}"}) as server,
        openai_of(server) as client,
    ):
        response = client.chat.completions.create(model="m", messages=HI)
    assert response.choices[0].message.content == "{{ user }} {# no #}"


def test_error_models_alone_echo() -> None:
    with serve(packs=["error-models"]) as server, anthropic_of(server) as client:
        response = client.messages.create(
            model="m", messages=[{"role": "user", "content": "Echo {{ this }}!"}], max_tokens=99
        )
    assert [block.text for block in response.content if block.type == "text"] == ["Echo {{ this }}!"]
