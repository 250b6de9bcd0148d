"""LangChain's models for Amazon Bedrock and for Ollama's own API: texts, streams, tools, an agent and errors.

Separate from test_langchain.py: each model here holds connections, which a test closes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, TypeAlias

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from langchain.agents import create_agent
from langchain_aws import ChatBedrockConverse
from langchain_core.messages import AIMessageChunk, ToolMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama, OllamaEmbeddings
from ollama import ResponseError

from tests.sdk.frameworks.fixtures import Weather, default, servers, url
from tests.sdk.loopback import loopback_only

__all__ = ["default", "loopback_only", "servers", "url"]

Making: TypeAlias = Callable[..., Any]
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
HELLO = "Hello, world. It is a fine day."
QUESTION: Any = {"messages": [("user", "How is the weather?")]}


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return f'{{"degrees": 21, "city": "{city}"}}'


@pytest.fixture
def built() -> Iterator[Mapping[str, Making]]:
    """How each model is made; its connections are closed at the end."""
    with ExitStack() as stack:

        def bedrock(url: str, model: str = CLAUDE) -> Any:
            settings: Any = {
                "model": model,
                "base_url": url,
                "region_name": "us-east-1",
                "aws_access_key_id": "any",
                "aws_secret_access_key": "any",
                "provider": "anthropic",
                "disable_streaming": False,
                "config": Config(retries={"total_max_attempts": 1}),
            }
            client = ChatBedrockConverse(**settings)
            stack.callback(client.client.close)
            stack.callback(client.bedrock_client.close)
            return client

        def ollama(url: str, model: str = "llama3.2") -> Any:
            client = ChatOllama(model=model, base_url=url)
            assert client._client is not None
            stack.callback(client._client.close)
            return client

        yield {"bedrock": bedrock, "ollama": ollama}


ways = pytest.mark.parametrize("way", ["bedrock", "ollama"])


def together(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    return whole


@ways
def test_text_and_usage_whole_and_streamed(way: str, built: Mapping[str, Making], url: str) -> None:
    model = built[way](url)
    chunks = list(model.stream("hello"))
    for response in (model.invoke("hello"), together(chunks)):
        assert response.text == HELLO
        assert response.usage_metadata is not None
        assert (response.usage_metadata["input_tokens"], response.usage_metadata["output_tokens"]) == (12, 9)
    assert sum(bool(chunk.text) for chunk in chunks) > 1


@ways
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_parallel_calls(way: str, streamed: bool, built: Mapping[str, Making], url: str) -> None:
    model = built[way](url).bind_tools([get_weather])
    response = together(list(model.stream("both"))) if streamed else model.invoke("both")
    assert response.text == "I will look."
    assert [(call["name"], call["args"]) for call in response.tool_calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Rome"}),
    ]
    assert len({call["id"] for call in response.tool_calls}) == 2


METHODS = [("bedrock", "function_calling"), ("ollama", "json_schema")]
"""Ollama has no `tool_choice`, so a call to the tool of the form cannot be distinguished from any other."""


@pytest.mark.parametrize(("way", "method"), METHODS)
def test_structured_output(
    way: str, method: str, built: Mapping[str, Making], url: str, default: str
) -> None:
    def ask(server: str) -> Any:
        return (
            built[way](server).with_structured_output(Weather, method=method).invoke("the weather, in JSON")
        )

    assert ask(url) == Weather(city="Paris", degrees=21)
    assert isinstance(ask(default), Weather), "what the default pack makes fits the schema"


def test_thinking_of_bedrock_is_a_part_of_the_content(built: Mapping[str, Making], url: str) -> None:
    response = built["bedrock"](url).invoke("think")
    assert [block["type"] for block in response.content_blocks] == ["reasoning", "text"]
    assert response.text == "Forty-two."


@ways
def test_agent_calls_tool_and_ends_with_text(
    way: str, built: Mapping[str, Making], url: str, default: str
) -> None:
    _, call, result, reply = create_agent(built[way](url), [get_weather]).invoke(QUESTION)["messages"]
    assert [each["args"] for each in call.tool_calls] == [{"city": "Paris"}]
    assert isinstance(result, ToolMessage)
    assert reply.text == "It is 21 degrees."
    messages = create_agent(built[way](default), [get_weather]).invoke(QUESTION)["messages"]
    assert sum(isinstance(message, ToolMessage) for message in messages) == 1
    assert messages[-1].text


def test_async_streaming_agent_of_ollama_ends_with_text(url: str) -> None:
    async def ask() -> str:
        model: Any = ChatOllama(model="llama3.2", base_url=url)
        agent: Any = create_agent(model, [get_weather])
        request: Any = {"messages": [("user", "both cities, please")]}
        steps = agent.astream(request, stream_mode="messages")
        texts = [step[0].text async for step in steps if isinstance(step[0], AIMessageChunk)]
        await model._async_client.close()
        model._client.close()
        return "".join(texts)

    assert asyncio.run(ask()) == "I will look.It is 21 degrees."


@ways
def test_errors_are_those_of_its_sdk(way: str, built: Mapping[str, Making], url: str) -> None:
    expected: dict[str, tuple[type[Exception], str]] = {
        "bedrock": (ClientError, "ThrottlingException"),
        "ollama": (ResponseError, "status code: 429"),
    }
    error, words = expected[way]
    limited = built[way](url, "rate-limit-error")
    with pytest.raises(error, match=words):
        limited.invoke("hi")
    with pytest.raises(error, match=words):
        list(limited.stream("hi"))
    with pytest.raises(error, match=r"too long|exceeds"):
        built[way](url, "context-length-error").invoke("hi")


@ways
def test_error_in_stream_follows_its_chunks(way: str, built: Mapping[str, Making], url: str) -> None:
    texts: list[str] = []
    with pytest.raises((EventStreamError, ResponseError), match=r"serviceUnavailable|server busy"):
        texts += (chunk.text for chunk in built[way](url).stream("breaks"))
    assert "".join(texts) == "Once upon"


def test_embeddings_of_ollama(url: str) -> None:
    embeddings: Any = OllamaEmbeddings(model="nomic-embed-text", base_url=url)
    assert [len(vector) for vector in embeddings.embed_documents(["a", "b"])] == [768, 768]
    embeddings._client.close()
