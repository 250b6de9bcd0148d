"""The OpenAI Agents SDK against a live server: by responses, as it is by default, and by chat completions.

Its tracing goes to OpenAI of itself, and is switched off by its own setting.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import openai
import pytest
from agents import (
    Agent,
    Model,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    function_tool,
)

from tests.sdk.frameworks.fixtures import Weather, default, servers, url
from tests.sdk.loopback import loopback_only

__all__ = ["default", "loopback_only", "servers", "url"]

T = TypeVar("T")
UNTRACED = RunConfig(tracing_disabled=True)


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    return json.dumps({"degrees": 21, "city": city})


WAYS = {"responses": OpenAIResponsesModel, "chat": OpenAIChatCompletionsModel}
ways = pytest.mark.parametrize("way", WAYS)
Ask: TypeAlias = Callable[[Model], Awaitable[T]]


def run_with_model(url: str, way: str, ask: Ask[T], model: str = "gpt-4o") -> T:
    """What `ask` makes of a model whose client is closed again."""

    async def run() -> T:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="sk", max_retries=0) as client:
            return await ask(WAYS[way](model, client))

    return asyncio.run(run())


def agent(model: Model, **more: Any) -> Agent[None]:
    return Agent(name="forecaster", model=model, **more)


@ways
def test_run_has_text_and_usage(way: str, url: str) -> None:
    async def ask(model: Model) -> None:
        result = await Runner.run(agent(model), "hello", run_config=UNTRACED)
        assert result.final_output == "Hello, world. It is a fine day."
        usage = result.context_wrapper.usage
        assert (usage.requests, usage.input_tokens, usage.output_tokens) == (1, 12, 9)

    run_with_model(url, way, ask)


@ways
def test_streamed_run_has_events_of_responses(way: str, url: str) -> None:
    async def ask(model: Model) -> None:
        result = Runner.run_streamed(agent(model), "hello", run_config=UNTRACED)
        events = [event.data async for event in result.stream_events() if event.type == "raw_response_event"]
        texts = [event.delta for event in events if event.type == "response.output_text.delta"]
        assert "".join(texts) == result.final_output == "Hello, world. It is a fine day."
        assert events[-1].type == "response.completed"
        assert result.context_wrapper.usage.total_tokens == (21 if way == "responses" else 0)

    run_with_model(url, way, ask)


@ways
def test_agent_calls_tools_and_ends_with_text(way: str, url: str) -> None:
    async def ask(model: Model) -> None:
        built = agent(model, tools=[get_weather])
        result = await Runner.run(built, "How is the weather in both cities?", run_config=UNTRACED)
        kinds = [item.type for item in result.new_items]
        assert kinds.count("tool_call_item") == kinds.count("tool_call_output_item") == 2
        assert result.final_output == "It is 21 degrees."

    run_with_model(url, way, ask)


def test_only_what_is_new_is_sent_where_the_server_remembers(url: str) -> None:
    async def ask(model: Model) -> None:
        built = agent(model, tools=[get_weather])
        first = await Runner.run(
            built, "How is the weather?", auto_previous_response_id=True, run_config=UNTRACED
        )
        assert first.final_output == "It is 21 degrees.", "the tool is known by its call's id alone"
        second = await Runner.run(
            built, "hello", previous_response_id=first.last_response_id, run_config=UNTRACED
        )
        assert second.final_output == "Hello, world. It is a fine day."

    run_with_model(url, "responses", ask)


@ways
def test_streaming_agent_calls_tool_and_ends_with_text(way: str, url: str) -> None:
    async def ask(model: Model) -> None:
        built = agent(model, tools=[get_weather])
        result = Runner.run_streamed(built, "How is the weather?", run_config=UNTRACED)
        names = [
            event.name async for event in result.stream_events() if event.type == "run_item_stream_event"
        ]
        assert names == ["tool_called", "tool_output", "message_output_created"]
        assert result.final_output == "It is 21 degrees."

    run_with_model(url, way, ask)


@ways
def test_structured_output(way: str, url: str, default: str) -> None:
    async def ask(model: Model) -> Any:
        built = agent(model, output_type=Weather)
        return (await Runner.run(built, "How is the weather?", run_config=UNTRACED)).final_output

    assert run_with_model(url, way, ask) == Weather(city="Paris", degrees=21)
    assert isinstance(run_with_model(default, way, ask), Weather), (
        "what the default pack makes fits the schema"
    )


@ways
@pytest.mark.parametrize("choice", ["auto", "required"])
def test_agent_with_default_pack_calls_tool_once_and_ends(way: str, choice: str, default: str) -> None:
    async def ask(model: Model) -> None:
        settings = ModelSettings(tool_choice=choice)
        built = agent(model, tools=[get_weather], output_type=Weather, model_settings=settings)
        result = await Runner.run(built, "How is the weather?", run_config=UNTRACED)
        kinds = [item.type for item in result.new_items]
        assert kinds == ["tool_call_item", "tool_call_output_item", "message_output_item"]
        assert isinstance(result.final_output, Weather)

    run_with_model(default, way, ask)


@ways
def test_agent_hands_off_to_other_agent(way: str, default: str) -> None:
    async def ask(model: Model) -> None:
        other: Agent[None] = Agent(name="expert", model=model)
        result = await Runner.run(agent(model, handoffs=[other]), "How is the weather?", run_config=UNTRACED)
        assert result.last_agent is other
        assert result.final_output

    run_with_model(default, way, ask)


@ways
def test_errors_are_the_openai_packages_own(way: str, url: str) -> None:
    async def ask(model: Model) -> None:
        await Runner.run(agent(model), "hi", run_config=UNTRACED)

    async def stream(model: Model) -> None:
        async for _ in Runner.run_streamed(agent(model), "breaks", run_config=UNTRACED).stream_events():
            pass

    with pytest.raises(openai.RateLimitError):
        run_with_model(url, way, ask, "rate-limit-error")
    with pytest.raises(openai.AuthenticationError):
        run_with_model(url, way, ask, "auth-error")
    with pytest.raises(openai.APIError, match="overloaded"):
        run_with_model(url, way, stream)
