"""LlamaIndex with openai 2: completions and chats of its OpenAI model, structured output, and an agent."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.core.prompts import PromptTemplate
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAI, OpenAIResponses
from pydantic import BaseModel

HELLO = "Hello, world. It is a fine day."
WAYS: dict[str, Any] = {"chat": OpenAI, "responses": OpenAIResponses}
ways = pytest.mark.parametrize("way", WAYS)


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    degrees: int


def get_weather(city: str) -> str:
    """The weather of a city."""
    return json.dumps({"degrees": 21, "city": city})


def model(url: str, way: str = "chat") -> Any:
    return WAYS[way](model="gpt-4o", api_base=f"{url}/v1", api_key="sk", max_retries=0, reuse_client=False)


def user(text: str) -> list[Any]:
    return [ChatMessage(role="user", content=text)]


@ways
def test_text_is_equal_whole_and_streamed(way: str, url: str) -> None:
    assert model(url, way).complete("hello").text == HELLO
    assert model(url, way).chat(user("hello")).message.content == HELLO
    assert "".join(chunk.delta or "" for chunk in model(url, way).stream_chat(user("hello"))) == HELLO


@ways
def test_async_whole_and_streamed(way: str, url: str) -> None:
    async def ask() -> tuple[Any, str]:
        client = model(url, way)
        whole = await client.achat(user("hello"))
        stream = await client.astream_chat(user("hello"))
        return whole.message.content, "".join([chunk.delta or "" async for chunk in stream])

    assert asyncio.run(ask()) == (HELLO, HELLO)


@ways
def test_parallel_calls(way: str, url: str) -> None:
    client = model(url, way)
    tool = FunctionTool.from_defaults(get_weather)
    response = client.chat_with_tools([tool], user_msg="both", allow_parallel_tool_calls=True)
    calls = client.get_tool_calls_from_response(response)
    assert [(call.tool_name, call.tool_kwargs) for call in calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {"city": "Rome"}),
    ]


def test_structured_output(url: str, default: str) -> None:
    def ask(server: str) -> Any:
        return model(server).structured_predict(Weather, PromptTemplate("How is the weather?"))

    assert ask(url) == Weather(city="Paris", degrees=21)
    assert isinstance(ask(default), Weather), "what the default pack makes fits the schema"


@ways
@pytest.mark.parametrize("streaming", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("scripted", [True, False], ids=["scripted", "the default pack"])
def test_agent_calls_tool_and_ends_with_text(
    way: str, scripted: bool, streaming: bool, url: str, default: str
) -> None:
    cities = []

    def weather(city: str) -> str:
        """The weather of a city."""
        cities.append(city)
        return get_weather(city)

    async def ask() -> str:
        tool = FunctionTool.from_defaults(weather, name="get_weather")
        client = model(url if scripted else default, way)
        agent = FunctionAgent(tools=[tool], llm=client, streaming=streaming)
        return str(await agent.run("How is the weather?"))

    text = asyncio.run(ask())
    assert len(cities) == 1
    assert text
    if scripted:
        assert (cities, text) == (["Paris"], "It is 21 degrees.")


@ways
def test_errors_are_the_openai_packages_own(way: str, url: str) -> None:
    with pytest.raises(openai.RateLimitError):
        model(url, way).chat(user("too often"))
    with pytest.raises(openai.AuthenticationError):
        asyncio.run(model(url, way).achat(user("a stranger")))


def test_error_in_stream_follows_its_chunks(url: str) -> None:
    texts: list[str] = []
    with pytest.raises(openai.APIError, match="overloaded"):
        texts += (chunk.delta or "" for chunk in model(url).stream_chat(user("breaks")))
    assert "".join(texts) == "Once upon"
