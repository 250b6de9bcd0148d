"""LangChain's Gemini with google-genai 2: text, streams, tools, structured output, an agent loop and errors."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
)
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_google_genai import ChatGoogleGenerativeAI, GoogleGenerativeAIEmbeddings
from pydantic import BaseModel

HELLO = "Hello, world. It is a fine day."


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    degrees: int


@tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return json.dumps({"degrees": 21, "city": city})


def gemini(url: str, model: str = "gemini-2.5-flash") -> Any:
    return ChatGoogleGenerativeAI(model=model, base_url=url, google_api_key="key", max_retries=1)


def test_invoke_has_text_and_usage(url: str) -> None:
    response = gemini(url).invoke("hello")
    assert response.text == HELLO
    assert (response.usage_metadata["input_tokens"], response.usage_metadata["output_tokens"]) == (12, 9)


def test_stream_has_text_and_usage(url: str) -> None:
    chunks = list(gemini(url).stream("hello"))
    assert "".join(chunk.text for chunk in chunks) == HELLO
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole = whole + chunk
    assert whole.usage_metadata["total_tokens"] == 21


def test_async_whole_and_streamed(url: str) -> None:
    async def ask() -> tuple[str, str]:
        model = gemini(url)
        whole = await model.ainvoke("hello")
        return whole.text, "".join([chunk.text async for chunk in model.astream("hello")])

    assert asyncio.run(ask()) == (HELLO, HELLO)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_parallel_calls(url: str, streamed: bool) -> None:
    model = gemini(url).bind_tools([get_weather])
    if streamed:
        calls = [call for chunk in model.stream("both") for call in chunk.tool_calls]
    else:
        calls = model.invoke("both").tool_calls
    assert [(call["name"], call["args"]["city"]) for call in calls] == [
        ("get_weather", "Paris"),
        ("get_weather", "Rome"),
    ]


@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_structured_output(url: str, default: str, method: str) -> None:
    def ask(server: str) -> Any:
        return gemini(server).with_structured_output(Weather, method=method).invoke("the weather")

    assert ask(url) == Weather(city="Paris", degrees=21)
    assert isinstance(ask(default), Weather), "what the default pack makes fits the schema"


@pytest.mark.parametrize("scripted", [True, False], ids=["scripted", "the default pack"])
def test_agent_loop_ends_with_text(scripted: bool, url: str, default: str) -> None:
    model = gemini(url if scripted else default).bind_tools([get_weather])
    messages: list[Any] = [HumanMessage("How is the weather?")]
    cities = []
    for _ in range(5):
        response = model.invoke(messages)
        messages.append(response)
        if not response.tool_calls:
            break
        for call in response.tool_calls:
            cities.append(call["args"]["city"])
            messages.append(get_weather.invoke(call))
    assert len(cities) == 1
    assert response.text
    if scripted:
        assert (cities, response.text) == (["Paris"], "It is 21 degrees.")


ERRORS: dict[str, type[Exception]] = {
    "rate-limit-error": ModelRateLimitError,
    "permission-error": ModelPermissionDeniedError,
    "model-not-found-error": ModelNotFoundError,
    "context-length-error": ContextOverflowError,
    "server-error": ModelAPIError,
}


@pytest.mark.parametrize("error", ERRORS)
def test_errors_are_its_own_exceptions(error: str, url: str) -> None:
    with pytest.raises(ERRORS[error]):
        gemini(url, error).invoke("hi")
    with pytest.raises(ERRORS[error]):
        asyncio.run(gemini(url, error).ainvoke("hi"))


def test_error_in_stream_follows_its_chunks(url: str) -> None:
    texts: list[str] = []
    with pytest.raises(Exception, match="high demand"):
        texts += (chunk.text for chunk in gemini(url).stream("breaks"))
    assert "".join(texts) == "Once upon"


def test_embeddings(url: str) -> None:
    built = GoogleGenerativeAIEmbeddings(model="gemini-embedding-001", base_url=url, google_api_key="key")
    assert [len(vector) for vector in built.embed_documents(["a", "b"])] == [3072, 3072]
