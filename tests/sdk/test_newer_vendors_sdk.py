"""What the vendors' own unmodified packages make of our responses: perplexityai, huggingface_hub, zai-sdk."""

from __future__ import annotations

import importlib
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import Live
from tests.live import live as serve
from tests.sdk.loopback import loopback_only

__all__ = ["loopback_only"]

SCENARIO = """
rules:
  - {match: {user: slow}, error: {type: rate_limit, retry_after: 1s}}
  - {match: {user: key}, error: authentication}
  - {match: {user: gone}, error: model_not_found}
  - match: {user: source}
    reply: {text: It rains., citations: [{url: "https://a.example", title: Rain, quote: wet}]}
  - {match: {tools: look}, reply: {tool_calls: [{name: look, arguments: {city: Oslo}}]}}
  - {reply: {thinking: Hm., text: One two three.}}
"""
TOOLS: list[Any] = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("s")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as built:
        yield built


def reported(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


# --- Perplexity ---------------------------------------------------------------------------------


@pytest.fixture
def perplexity(server: Live) -> Iterator[Any]:
    package = pytest.importorskip("perplexity")
    with package.Perplexity(base_url=f"{server.url}/perplexity", api_key="key", max_retries=0) as client:
        yield client


def test_perplexity_client_reads_a_response(perplexity: Any) -> None:
    response = perplexity.chat.completions.create(model="sonar", messages=reported("source"))
    assert response.choices[0].message.content == "It rains."
    assert response.citations == ["https://a.example"]
    assert (response.search_results[0].title, response.search_results[0].snippet) == ("Rain", "wet")
    assert response.usage.total_tokens == response.usage.prompt_tokens + response.usage.completion_tokens
    assert response.usage.cost.total_cost > 0


def test_perplexity_client_reads_vectors_and_their_cost(perplexity: Any) -> None:
    response = perplexity.embeddings.create(model="pplx-embed-v1-0.6b", input="a")
    assert len(b64decode(response.data[0].embedding)) == 1024
    assert response.usage.cost.currency == "USD"


def test_perplexity_client_reads_a_stream(perplexity: Any) -> None:
    with perplexity.chat.completions.create(model="sonar", messages=reported("hi"), stream=True) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "One two three."
    assert chunks[-1].choices[0].message.content == "One two three."
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.completion_tokens > 0


def test_perplexity_search_is_known_and_not_served(perplexity: Any) -> None:
    import perplexity as package

    with pytest.raises(package.InternalServerError) as raised:
        perplexity.search.create(query="rain")
    assert raised.value.status_code == 501
    assert "POST /perplexity/search is a call of Perplexity" in str(raised.value)


def test_perplexity_client_raises_its_errors(perplexity: Any) -> None:
    import perplexity as package

    for text, error in (("slow", package.RateLimitError), ("key", package.AuthenticationError)):
        with pytest.raises(error):
            perplexity.chat.completions.create(model="sonar", messages=reported(text))
    with pytest.raises(package.BadRequestError, match="Invalid model 'x'"):
        perplexity.chat.completions.create(model="x", messages=reported("gone"))


# --- Hugging Face -------------------------------------------------------------------------------


@pytest.fixture
def hugging_face(server: Live, monkeypatch: pytest.MonkeyPatch) -> Any:
    package = pytest.importorskip("huggingface_hub")
    constants = importlib.import_module("huggingface_hub.constants")
    monkeypatch.setattr(constants, "ENDPOINT", server.url)  # where it looks up which agent it runs in
    return package.InferenceClient(base_url=f"{server.url}/huggingface/v1", api_key="key")


def test_hugging_face_client_reads_a_response(hugging_face: Any) -> None:
    response = hugging_face.chat_completion(reported("hi"), model="meta-llama/Llama-3.1-8B-Instruct")
    assert response.choices[0].message.content == "One two three."
    called = hugging_face.chat_completion(reported("hi"), model="m", tools=TOOLS).choices[0].message
    assert called.tool_calls[0].function.name == "look"


def test_hugging_face_client_reads_a_stream(hugging_face: Any) -> None:
    chunks = list(hugging_face.chat_completion(reported("hi"), model="m", stream=True))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == "One two three."


def test_hugging_face_client_raises_its_errors(hugging_face: Any) -> None:
    from huggingface_hub.errors import HfHubHTTPError

    for text, status in (("slow", 429), ("key", 401), ("gone", 400)):
        with pytest.raises(HfHubHTTPError) as raised:
            hugging_face.chat_completion(reported(text), model="m")
        assert raised.value.response.status_code == status


# --- Z.ai ---------------------------------------------------------------------------------------


@pytest.fixture
def zai(server: Live) -> Iterator[Any]:
    package = pytest.importorskip("zai")
    client = package.ZaiClient(api_key="id.secret", base_url=f"{server.url}/zai/api/paas/v4", max_retries=0)
    yield client
    client.close()


def test_zai_client_reads_a_response(zai: Any) -> None:
    response = zai.chat.completions.create(model="glm-5.3", messages=reported("hi"))
    message = response.choices[0].message
    assert (message.content, message.reasoning_content) == ("One two three.", "Hm.")
    assert response.request_id == response.id
    assert response.usage.prompt_tokens_details.cached_tokens == 0


def test_zai_client_reads_a_stream(zai: Any) -> None:
    chunks = list(zai.chat.completions.create(model="glm-5.3", messages=reported("hi"), stream=True))
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert "".join(delta.content or "" for delta in deltas) == "One two three."
    assert "".join(delta.reasoning_content or "" for delta in deltas) == "Hm."
    assert chunks[-1].usage.total_tokens > 0
    called = list(
        zai.chat.completions.create(model="glm-5.3", messages=reported("hi"), tools=TOOLS, stream=True)
    )
    names = [call.function.name for chunk in called for call in chunk.choices[0].delta.tool_calls or ()]
    assert "look" in names


def test_zai_client_raises_its_errors(zai: Any) -> None:
    from zai.core import APIAuthenticationError, APIReachLimitError, APIRequestFailedError

    for text, error, code in (
        ("slow", APIReachLimitError, "1302"),
        ("key", APIAuthenticationError, "1000"),
        ("gone", APIRequestFailedError, "1211"),
    ):
        with pytest.raises(error, match=code):
            zai.chat.completions.create(model="glm-5.3", messages=reported(text))


def test_zai_client_reads_embeddings(zai: Any) -> None:
    assert len(zai.embeddings.create(model="embedding-3", input=["a", "b"]).data) == 2
