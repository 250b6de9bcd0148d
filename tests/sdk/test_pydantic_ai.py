"""Pydantic AI against a live server: chat completions, responses and messages, its agents and its exceptions. Its
models are asynchronous; `run_sync` is the same in a separate loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

import anthropic
import openai
import pytest
from pydantic_ai import Agent, NativeOutput, PromptedOutput, ToolOutput, UnexpectedModelBehavior
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ThinkingPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.sdk.frameworks.fixtures import Weather, default, servers, url
from tests.sdk.loopback import loopback_only

__all__ = ["default", "loopback_only", "servers", "url"]

T = TypeVar("T")


def get_weather(city: str) -> str:
    """The weather of a city."""
    return json.dumps({"degrees": 21, "city": city})


def chat(model: str, client: openai.AsyncOpenAI) -> Model:
    return OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client))


def responses(model: str, client: openai.AsyncOpenAI) -> Model:
    return OpenAIResponsesModel(model, provider=OpenAIProvider(openai_client=client))


def claude(model: str, client: anthropic.AsyncAnthropic) -> Model:
    return AnthropicModel(model, provider=AnthropicProvider(anthropic_client=client))


WAYS: dict[str, Any] = {"chat": chat, "responses": responses, "claude": claude}
MODELS = {"chat": "gpt-4o", "responses": "gpt-4o", "claude": "claude-mock"}
ways = pytest.mark.parametrize("way", WAYS)
Ask: TypeAlias = Callable[[Model], Awaitable[T]]


def run_with_model(url: str, way: str, ask: Ask[T], model: str | None = None) -> T:
    """What `ask` makes of a model whose client is closed again."""

    async def run() -> T:
        name, built = model or MODELS[way], WAYS[way]
        client: Any
        if way == "claude":
            client = anthropic.AsyncAnthropic(base_url=url, api_key="sk", max_retries=0)
        else:
            client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="sk", max_retries=0)
        async with client:
            return await ask(built(name, client))

    return asyncio.run(run())


@ways
def test_run_has_text_and_usage(way: str, url: str) -> None:
    async def ask(model: Model) -> None:
        result = await Agent(model).run("hello")
        assert result.output == "Hello, world. It is a fine day."
        assert (result.usage.input_tokens, result.usage.output_tokens) == (12, 9)

    run_with_model(url, way, ask)


@ways
def test_stream_has_chunks_and_usage(way: str, url: str) -> None:
    async def ask(model: Model) -> None:
        async with Agent(model).run_stream("hello") as result:
            chunks = [chunk async for chunk in result.stream_text(delta=True, debounce_by=None)]
            usage = result.usage
        assert "".join(chunks) == "Hello, world. It is a fine day."
        assert len(chunks) > 1
        assert usage.total_tokens == 21

    run_with_model(url, way, ask)


def test_without_a_loop_of_ones_own(url: str) -> None:
    """The client's sockets are closed with it, in the loop that they were opened in."""
    client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="sk", max_retries=0)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        assert Agent(chat("gpt-4o", client)).run_sync("hello").output == "Hello, world. It is a fine day."
        loop.run_until_complete(client.close())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@ways
def test_agent_calls_tools_and_ends_with_text(way: str, url: str) -> None:
    async def ask(model: Model) -> None:
        result = await Agent(model, tools=[get_weather]).run("How is the weather in both cities?")
        parts = [part for message in result.all_messages() for part in message.parts]
        calls = [part.args_as_dict() for part in parts if isinstance(part, ToolCallPart)]
        assert calls == [{"city": "Paris"}, {"city": "Rome"}]
        assert len([part for part in parts if isinstance(part, ToolReturnPart)]) == 2
        assert result.output == "It is 21 degrees."

    run_with_model(url, way, ask)


@ways
def test_streaming_agent_ends_with_text(way: str, url: str) -> None:
    async def ask(model: Model) -> str:
        async with Agent(model, tools=[get_weather]).run_stream("How is the weather?") as result:
            return await result.get_output()

    assert run_with_model(url, way, ask) == "It is 21 degrees."


FORMS: dict[str, Any] = {
    "a tool": ToolOutput(Weather),
    "the provider's": NativeOutput(Weather),
    "a prompt": PromptedOutput(Weather),
}
STRUCTURED = [(way, form) for way in WAYS for form in FORMS if way != "claude" or form == "a tool"]


@pytest.mark.parametrize(("way", "form"), STRUCTURED)
def test_structured_output(way: str, form: str, url: str, default: str) -> None:
    async def ask(model: Model) -> Any:
        return (await Agent(model, output_type=FORMS[form]).run("How is the weather?")).output

    assert run_with_model(url, way, ask) == Weather(city="Paris", degrees=21)
    if form != "a prompt":  # whose schema is prose, which a mock does not read
        built = run_with_model(default, way, ask)
        assert isinstance(built, Weather), "what the default pack makes fits the schema"


@ways
@pytest.mark.parametrize("form", [str, Weather], ids=["text", "structured"])
def test_agent_with_default_pack_calls_tool_once_and_ends(way: str, form: Any, default: str) -> None:
    async def ask(model: Model) -> None:
        result = await Agent(model, tools=[get_weather], output_type=form).run("How is the weather?")
        parts = [part for message in result.all_messages() for part in message.parts]
        called = [part.tool_name for part in parts if isinstance(part, ToolCallPart)]
        assert called == ["get_weather"] if form is str else ["get_weather", "final_result"]
        assert isinstance(result.output, form)

    run_with_model(default, way, ask)


@pytest.mark.parametrize("way", ["responses", "claude"])
def test_thinking_comes_with_its_signature(way: str, url: str) -> None:
    async def ask(model: Model) -> None:
        result = await Agent(model).run("think")
        parts = result.all_messages()[-1].parts
        (thought,) = (part for part in parts if isinstance(part, ThinkingPart))
        assert (thought.content, thought.signature) == ("Let me see.", "c2lnbmVk")
        assert result.output == "Forty-two."

    run_with_model(url, way, ask)


ERRORS = {
    "rate-limit-error": (429, 429),
    "auth-error": (401, 401),
    "context-length-error": (400, 400),
    "overloaded-error": (503, 529),
}


@ways
@pytest.mark.parametrize("error", ERRORS)
def test_errors_are_its_own_exceptions(way: str, error: str, url: str) -> None:
    async def ask(model: Model) -> None:
        await Agent(model).run("hi")

    with pytest.raises(ModelHTTPError) as caught:
        run_with_model(url, way, ask, error)
    assert caught.value.status_code == ERRORS[error][way == "claude"]
    assert caught.value.model_name == error


@ways
def test_error_in_stream_follows_its_chunks(way: str, url: str) -> None:
    texts: list[str] = []

    async def ask(model: Model) -> None:
        async with Agent(model).run_stream("breaks") as result:
            async for chunk in result.stream_text(delta=True, debounce_by=None):
                texts.append(chunk)  # noqa: PERF401 - what came before the error is wanted

    with pytest.raises((ModelHTTPError, UnexpectedModelBehavior)):
        run_with_model(url, way, ask)
    assert "".join(texts) == "Once upon"
