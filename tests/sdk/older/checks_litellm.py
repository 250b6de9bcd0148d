"""LiteLLM with openai 2: one call for every provider, each by its own protocol, and its own exceptions."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import litellm
import pytest
from pydantic import BaseModel

litellm.disable_hf_tokenizer_download = True  # else it fetches a tokenizer for Llama's names

WAYS: dict[str, tuple[str, str, str]] = {
    "openai": ("openai/", "gpt-4o", "/v1"),
    "anthropic": ("anthropic/", "claude-mock", ""),
    "gemini": ("gemini/", "gemini-2.5-flash", "/v1beta"),
    "mistral": ("mistral/", "mistral-small-latest", "/mistral/v1"),
    "groq": ("groq/", "llama-3.3-70b-versatile", "/groq/openai/v1"),
    "azure": ("azure/", "my-deployment", ""),
    "bedrock": ("bedrock/converse/", "anthropic.claude-3-5-sonnet-20241022-v2:0", ""),
    "ollama": ("ollama_chat/", "llama3.2", ""),
}
ways = pytest.mark.parametrize("way", WAYS)
AWS = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "aws_region_name": "us-east-1"}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}]


class Weather(BaseModel):
    city: str
    degrees: int


def params(url: str, way: str, text: str, model: str | None = None, **more: Any) -> dict[str, Any]:
    prefix, usual, base = WAYS[way]
    if way == "azure":
        more["api_version"] = "2024-10-21"
    if way == "bedrock":
        more |= AWS
    return {
        "model": prefix + (model or usual),
        "api_base": url + base,
        "api_key": "key",
        "num_retries": 0,
        "max_retries": 0,
        "messages": [{"role": "user", "content": text}],
        **more,
    }


def calls_of(message: Any) -> list[tuple[str, Any]]:
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()]


PARIS, ROME = ("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})
HELLO = "Hello, world. It is a fine day."


@ways
def test_text_is_equal_whole_and_streamed(way: str, url: str) -> None:
    response = litellm.completion(**params(url, way, "hello"))
    assert response.choices[0].message.content == HELLO
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (12, 9)
    chunks = list(litellm.completion(**params(url, way, "hello", stream=True)))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == HELLO
    assert chunks[-1].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("way", ["openai", "anthropic", "gemini", "bedrock", "ollama"])
def test_async_whole_and_streamed(way: str, url: str) -> None:
    async def ask() -> tuple[str, str]:
        whole = await litellm.acompletion(**params(url, way, "hello"))
        stream = await litellm.acompletion(**params(url, way, "hello", stream=True))
        texts = [chunk.choices[0].delta.content or "" async for chunk in stream]
        return whole.choices[0].message.content, "".join(texts)

    assert asyncio.run(ask()) == (HELLO, HELLO)


@ways
def test_parallel_calls_are_equal_whole_and_streamed(way: str, url: str) -> None:
    whole = litellm.completion(**params(url, way, "both", tools=TOOLS))
    assert calls_of(whole.choices[0].message) == [PARIS, ROME]
    chunks = list(litellm.completion(**params(url, way, "both", tools=TOOLS, stream=True)))
    built = litellm.stream_chunk_builder(chunks)
    if way == "ollama":  # it does not read the index of Ollama's calls, and joins their arguments
        calls = [call for chunk in chunks for call in calls_of(chunk.choices[0].delta)]
    else:
        calls = calls_of(built.choices[0].message)
    assert calls == [PARIS, ROME]
    assert built.choices[0].finish_reason == "tool_calls"


@ways
def test_structured_output_fits_the_schema(way: str, url: str, default: str) -> None:
    for server in (url, default):
        question = params(server, way, "the weather, in JSON", response_format=Weather)
        text = litellm.completion(**question).choices[0].message.content
        assert Weather.model_validate_json(text).city


@pytest.mark.parametrize("way", ["anthropic", "gemini"])
def test_thinking_comes_with_its_signature(way: str, url: str) -> None:
    message = litellm.completion(**params(url, way, "think")).choices[0].message
    assert (message.reasoning_content, message.content) == ("Let me see.", "Forty-two.")


@ways
@pytest.mark.parametrize("scripted", [True, False], ids=["scripted", "the default pack"])
def test_agent_loop_ends_with_text(way: str, scripted: bool, url: str, default: str) -> None:
    question = params(url if scripted else default, way, "How is the weather?", tools=TOOLS)
    cities = []
    for _ in range(5):
        message = litellm.completion(**question).choices[0].message
        question["messages"].append(message)
        if not message.tool_calls:
            break
        for call in message.tool_calls:
            cities.append(json.loads(call.function.arguments)["city"])
            result = {"role": "tool", "name": "get_weather", "content": '{"degrees": 21}'}
            question["messages"].append({**result, "tool_call_id": call.id})
    assert len(cities) == 1
    assert message.content
    if scripted:
        assert (cities, message.content) == (["Paris"], "It is 21 degrees.")


ERRORS: dict[str, type[Exception]] = {
    "rate-limit-error": litellm.RateLimitError,
    "auth-error": litellm.AuthenticationError,
    "context-length-error": litellm.ContextWindowExceededError,
    "server-error": litellm.InternalServerError,
    "bad-request-error": litellm.BadRequestError,
}


FAILING = [(way, error) for way in WAYS for error in ERRORS]
FAILING.remove(("groq", "auth-error"))  # whose type of error it takes for a bad request's
FAILING.remove(("bedrock", "server-error"))  # it says that the service is unavailable
FAILING.remove(("ollama", "context-length-error"))  # it says that the request is bad
FAILING.remove(("mistral", "context-length-error"))  # whose message is not among those that it knows


@pytest.mark.parametrize(("way", "error"), FAILING)
def test_errors_are_its_own_exceptions(way: str, error: str, url: str) -> None:
    with pytest.raises(ERRORS[error]):
        litellm.completion(**params(url, way, "hi", error))


def test_async_raises_the_same(url: str) -> None:
    with pytest.raises(litellm.RateLimitError):
        asyncio.run(litellm.acompletion(**params(url, "anthropic", "hi", "rate-limit-error")))


@pytest.mark.parametrize("way", ["openai", "anthropic", "gemini"])
def test_error_in_stream_follows_its_chunks(way: str, url: str) -> None:
    texts: list[str] = []
    breaking = params(url, way, "breaks", stream=True)
    with pytest.raises(litellm.exceptions.MidStreamFallbackError):
        texts += (chunk.choices[0].delta.content or "" for chunk in litellm.completion(**breaking))
    assert "".join(texts) == "Once upon"


def test_embeddings(url: str) -> None:
    response = litellm.embedding(
        model="openai/text-embedding-3-small", input=["a", "b"], api_base=f"{url}/v1", api_key="key"
    )
    assert [len(item["embedding"]) for item in response.data] == [1536, 1536]
