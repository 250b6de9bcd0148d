"""AsyncAzureOpenAI against a live server: an agent loop, structured output and errors; test_azure_sdk.py holds
the rest, mostly without async.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.live import Live
from tests.sdk.frameworks.serving import scripted

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: list[Any] = [{"type": "function", "function": {"name": "get_weather", "parameters": PARAMETERS}}]


class Weather(BaseModel):
    city: str
    degrees: int


@pytest.fixture(scope="module")
def server() -> Iterator[Live]:
    with scripted() as built:
        yield built


def client_of(server: Live) -> openai.AsyncAzureOpenAI:
    return openai.AsyncAzureOpenAI(
        azure_endpoint=server.url, api_key="key", api_version="2024-10-21", max_retries=0
    )


def test_agent_loop_ends_with_text(server: Live) -> None:
    async def ask() -> str | None:
        messages: list[Any] = [{"role": "user", "content": "How is the weather?"}]
        async with client_of(server) as client:
            first = await client.chat.completions.create(model="mine", messages=messages, tools=TOOLS)
            message = first.choices[0].message
            calls: Any = message.tool_calls or ()
            (call,) = calls
            assert json.loads(call.function.arguments) == {"city": "Paris"}
            messages += [message, {"role": "tool", "tool_call_id": call.id, "content": '{"degrees": 21}'}]
            last = await client.chat.completions.create(model="mine", messages=messages, tools=TOOLS)
        return last.choices[0].message.content

    assert asyncio.run(ask()) == "It is 21 degrees."


def test_structured_output_is_parsed(server: Live) -> None:
    async def ask() -> Weather | None:
        messages: list[Any] = [{"role": "user", "content": "the weather"}]
        async with client_of(server) as client:
            response = await client.chat.completions.parse(
                model="mine", messages=messages, response_format=Weather
            )
        return response.choices[0].message.parsed

    assert asyncio.run(ask()) == Weather(city="Paris", degrees=21)


ERRORS: dict[str, type[openai.APIStatusError]] = {
    "too often": openai.RateLimitError,
    "a stranger": openai.AuthenticationError,
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("text", ERRORS)
def test_errors_are_the_sdks_own(server: Live, text: str, stream: bool) -> None:
    async def ask() -> None:
        messages: list[Any] = [{"role": "user", "content": text}]
        async with client_of(server) as client:
            await client.chat.completions.create(model="mine", messages=messages, stream=stream)

    with pytest.raises(ERRORS[text]):
        asyncio.run(ask())
