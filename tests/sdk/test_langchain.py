"""LangChain against a live server: chat completions, responses and messages, its agents and its own
exceptions.

Its models keep their async clients as long as the process lives, so all that is async here runs in one loop.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, TypeAlias

import anthropic
import openai
import pytest
from langchain.agents import create_agent
from langchain_anthropic import ChatAnthropic
from langchain_anthropic.chat_models import AnthropicContextOverflowError, AnthropicRateLimitError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langchain_openai.chat_models.base import OpenAIInvalidRequestError, OpenAIRateLimitError

from tests.sdk.frameworks.fixtures import Weather, default, servers, url
from tests.sdk.loopback import loopback_only

__all__ = ["default", "loopback_only", "servers", "url"]

Making: TypeAlias = Callable[..., BaseChatModel]


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return json.dumps({"degrees": 21, "city": city})


QUESTION: Any = {"messages": [("user", "How is the weather?")]}


def chat(url: str, model: str = "gpt-4o", **more: Any) -> BaseChatModel:
    request = {"max_retries": 0, "stream_usage": True, **more}
    return ChatOpenAI(base_url=f"{url}/v1", api_key="sk", model=model, **request)


def responses(url: str, model: str = "gpt-4o") -> BaseChatModel:
    return chat(url, model, use_responses_api=True)


def claude(url: str, model: str = "claude-mock") -> BaseChatModel:
    return ChatAnthropic(base_url=url, api_key="sk", max_retries=0, model=model)


WAYS = {"chat": chat, "responses": responses, "claude": claude}
ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def together(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    return whole


@ways
def test_invoke_has_text_and_usage(way: Making, url: str) -> None:
    response = way(url).invoke("hello")
    assert response.text == "Hello, world. It is a fine day."
    assert response.usage_metadata is not None
    assert (response.usage_metadata["input_tokens"], response.usage_metadata["output_tokens"]) == (12, 9)


@ways
def test_stream_has_chunks_and_usage(way: Making, url: str) -> None:
    chunks = list(way(url).stream("hello"))
    whole = together(chunks)
    assert whole.text == "Hello, world. It is a fine day."
    assert sum(bool(chunk.text) for chunk in chunks) > 1
    assert whole.usage_metadata is not None
    assert whole.usage_metadata["total_tokens"] == 21


@ways
def test_async_whole_and_streamed(way: Making, url: str, loop: asyncio.Runner) -> None:
    async def ask() -> tuple[str, str]:
        model = way(url)
        whole = await model.ainvoke("hello")
        streamed = together([chunk async for chunk in model.astream("hello")])
        return whole.text, streamed.text

    assert loop.run(ask()) == ("Hello, world. It is a fine day.",) * 2


@ways
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_parallel_calls(way: Making, url: str, streamed: bool) -> None:
    model: Any = way(url).bind_tools([get_weather])
    response = together(list(model.stream("both"))) if streamed else model.invoke("both")
    assert response.text == "I will look."
    assert [(call["name"], call["args"]) for call in response.tool_calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Rome"}),
    ]
    assert len({call["id"] for call in response.tool_calls}) == 2


@ways
@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_structured_output(way: Making, url: str, default: str, method: str) -> None:
    def ask(server: str) -> Any:
        return way(server).with_structured_output(Weather, method=method).invoke("the weather, in JSON")

    assert ask(url) == Weather(city="Paris", degrees=21)
    built = ask(default)
    assert isinstance(built, Weather), "what the default pack makes fits the schema"
    assert built.city


def test_json_of_any_form(url: str) -> None:
    model: Any = chat(url)
    client = model.with_structured_output(None, method="json_mode")
    assert client.invoke("the weather, in JSON") == {"city": "Paris", "degrees": 21}


@pytest.mark.parametrize("way", [responses, claude])
def test_thinking_is_a_part_of_the_content(way: Making, url: str) -> None:
    response = way(url).invoke("think")
    kinds = [block["type"] for block in response.content_blocks]
    assert kinds == ["reasoning", "text"]
    assert response.content_blocks[0].get("reasoning") == "Let me see."
    assert response.text == "Forty-two."


@ways
def test_agent_calls_tool_and_ends_with_text(way: Making, url: str) -> None:
    response = create_agent(way(url), [get_weather]).invoke(QUESTION)
    _, call, result, reply = response["messages"]
    assert [built["args"] for built in call.tool_calls] == [{"city": "Paris"}]
    assert isinstance(result, ToolMessage)
    assert reply.text == "It is 21 degrees."


@ways
def test_async_streaming_agent_ends_with_text(way: Making, url: str, loop: asyncio.Runner) -> None:
    async def ask() -> list[str]:
        agent = create_agent(way(url), [get_weather])
        request: Any = {"messages": [("user", "both cities, please")]}
        steps: AsyncIterator[Any] = agent.astream(request, stream_mode="messages")
        return [message.text async for message, _ in steps if isinstance(message, AIMessageChunk)]

    assert "".join(loop.run(ask())) == "I will look.It is 21 degrees."


@ways
@pytest.mark.parametrize("form", [None, Weather], ids=["text", "structured"])
def test_agent_with_default_pack_calls_tool_once_and_ends(way: Making, default: str, form: Any) -> None:
    response = create_agent(way(default), [get_weather], response_format=form).invoke(QUESTION)
    results = [message for message in response["messages"] if isinstance(message, ToolMessage)]
    assert json.loads(results[0].text)["degrees"] == 21
    assert [message.name for message in results].count("get_weather") == 1
    if form is None:
        assert response["messages"][-1].text
    else:
        assert isinstance(response["structured_response"], Weather)


LIMITED: dict[str, Any] = {
    "chat": OpenAIRateLimitError,
    "responses": OpenAIRateLimitError,
    "claude": AnthropicRateLimitError,
}


@pytest.mark.parametrize("name", WAYS)
def test_errors_are_its_own_exceptions(name: str, url: str, loop: asyncio.Runner) -> None:
    limited, long = (WAYS[name](url, f"{error}-error") for error in ("rate-limit", "context-length"))
    with pytest.raises(LIMITED[name]) as caught:
        limited.invoke("hi")
    assert caught.value.response.headers["retry-after"] == "1"
    with pytest.raises(LIMITED[name]):
        loop.run(limited.ainvoke("hi"))
    with pytest.raises(LIMITED[name]):
        list(limited.stream("hi"))
    with pytest.raises(AnthropicContextOverflowError if name == "claude" else OpenAIInvalidRequestError):
        long.invoke("hi")


@ways
def test_error_in_stream_follows_its_chunks(way: Making, url: str) -> None:
    texts: list[str] = []
    with pytest.raises((openai.APIError, anthropic.APIStatusError), match=r"[Oo]verloaded"):
        texts += (chunk.text for chunk in way(url).stream("breaks"))
    assert "".join(texts) == "Once upon"


def test_client_with_retry_gets_second_response(url: str) -> None:
    assert chat(url, "limited-once", max_retries=1).invoke("hi").text == "Second time lucky."


def test_embeddings(url: str) -> None:
    request: dict[str, Any] = {"base_url": f"{url}/v1", "api_key": "sk", "check_embedding_ctx_length": False}
    embeddings = OpenAIEmbeddings(**request)
    assert [len(vector) for vector in embeddings.embed_documents(["a", "b"])] == [1536, 1536]
