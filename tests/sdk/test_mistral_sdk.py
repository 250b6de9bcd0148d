"""The mistralai package reads our responses, sync and async, non-streaming and streamed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mistralai.client import Mistral, errors, models
from pydantic import BaseModel

from mockllm.core.failure import NAMED
from tests.live import Live
from tests.live import live as serve
from tests.sdk.frameworks.serving import RULES, scripted, shipped
from tests.sdk.loopback import loopback_only

__all__ = ["loopback_only"]

MODEL = "mistral-small-latest"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: list[Any] = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]


class Weather(BaseModel):
    city: str
    degrees: int


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def client_of(server: Live) -> Mistral:
    return Mistral(api_key="key", server_url=f"{server.url}/mistral")


@pytest.fixture(scope="module")
def server() -> Iterator[Live]:
    with scripted() as built:
        yield built


@pytest.fixture
def client(server: Live) -> Iterator[Mistral]:
    with client_of(server) as built:
        yield built


def text_of(events: list[models.CompletionEvent]) -> str:
    texts = [choice.delta.content for event in events for choice in event.data.choices]
    return "".join(text for text in texts if isinstance(text, str))


def calls_of(message: Any) -> list[tuple[str, Any]]:
    return [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls or ()]


PARIS, ROME = ("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Rome"})


def test_completion_has_text_model_and_usage(client: Mistral) -> None:
    response = client.chat.complete(model=MODEL, messages=user("hello"))
    (choice,) = response.choices
    assert choice.message is not None
    assert choice.message.content == "Hello, world. It is a fine day."
    assert (choice.finish_reason, response.model) == ("stop", MODEL)
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (12, 9)


def test_stream_has_text_finish_and_usage(client: Mistral) -> None:
    with client.chat.stream(model=MODEL, messages=user("hello")) as stream:
        events = list(stream)
    assert text_of(events) == "Hello, world. It is a fine day."
    assert [choice.finish_reason for choice in events[-1].data.choices] == ["stop"]
    assert events[-1].data.usage is not None
    assert events[-1].data.usage.total_tokens == 21


def test_async_whole_and_streamed(server: Live) -> None:
    async def ask() -> tuple[Any, str]:
        async with client_of(server) as client:
            whole = await client.chat.complete_async(model=MODEL, messages=user("hello"))
            stream = await client.chat.stream_async(model=MODEL, messages=user("hello"))
            async with stream:
                events = [event async for event in stream]
        assert whole.choices[0].message is not None
        return whole.choices[0].message.content, text_of(events)

    assert asyncio.run(ask()) == ("Hello, world. It is a fine day.",) * 2


@pytest.mark.parametrize(
    "choice", ["auto", "any", "required", {"type": "function", "function": {"name": "get_weather"}}]
)
def test_calls_whatever_lets_or_makes_the_model_call(client: Mistral, choice: Any) -> None:
    request: dict[str, Any] = {
        "model": MODEL,
        "messages": user("both"),
        "tools": TOOLS,
        "tool_choice": choice,
    }
    response = client.chat.complete(**request)
    assert response.choices[0].finish_reason == "tool_calls"
    assert calls_of(response.choices[0].message) == [PARIS, ROME]
    with client.chat.stream(**request) as stream:
        events = list(stream)
    called = [call for event in events for choice in event.data.choices for call in calls_of(choice.delta)]
    assert called == [PARIS, ROME]
    assert text_of(events) == "I will look."


def test_structured_output_is_parsed(client: Mistral) -> None:
    response = client.chat.parse(Weather, model=MODEL, messages=user("weather"))
    assert response.choices is not None
    assert response.choices[0].message is not None
    assert response.choices[0].message.parsed == Weather(city="Paris", degrees=21)


@pytest.mark.parametrize("serving", [scripted, shipped])
def test_agent_loop_ends_with_text(serving: Any) -> None:
    cities: list[str] = []
    with serving() as server, client_of(server) as client:
        messages = user("How is the weather?")
        for _ in range(5):
            request: dict[str, Any] = {"model": MODEL, "messages": messages, "tools": TOOLS}
            message = client.chat.complete(**request).choices[0].message
            assert message is not None
            messages.append(message)
            calls: Any = message.tool_calls or ()
            if not calls:
                break
            for call in calls:
                cities.append(json.loads(call.function.arguments)["city"])
                result = {"role": "tool", "name": "get_weather", "content": '{"degrees": 21}'}
                messages.append({**result, "tool_call_id": call.id})
    assert len(cities) == 1
    assert isinstance(message.content, str)
    assert message.content
    if serving is scripted:
        assert (cities, message.content) == (["Paris"], "It is 21 degrees.")


def test_mistral_content_types_are_accepted(client: Mistral) -> None:
    messages: Any = [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": "data:image/png;base64,aGk="},
                {"type": "document_url", "document_url": "https://localhost/a.pdf"},
                {"type": "text", "text": "hello"},
            ],
        },
        {"role": "assistant", "content": "Hello", "prefix": True},
    ]
    response = client.chat.complete(
        model=MODEL,
        messages=messages,
        random_seed=7,
        safe_prompt=True,
        prompt_mode="reasoning",
        parallel_tool_calls=False,
        prediction={"type": "content", "content": "Hello"},
    )
    assert response.choices[0].message is not None
    assert response.choices[0].message.content == "Hello, world. It is a fine day."


def test_models_are_listed_and_looked_up(client: Mistral) -> None:
    listed = client.models.list().data or []
    known = [model.id for model in listed if isinstance(model, models.BaseModelCard)]
    assert "limited-once" in known, "a model that a rule names is there"
    response = client.models.retrieve(model_id="any-other")
    assert isinstance(response, models.BaseModelCard)
    assert response.id == "any-other"
    assert response.capabilities.completion_chat is True


def test_embeddings(client: Mistral) -> None:
    response = client.embeddings.create(model="mistral-embed", inputs=["a", "b"])
    assert [item.index for item in response.data] == [0, 1]
    assert len(response.data[0].embedding or ()) == len(response.data[1].embedding or ())


STATUS = {
    "bad_request": 400,
    "authentication": 401,
    "permission": 403,
    "not_found": 404,
    "model_not_found": 400,
    "model_deprecated": 404,
    "request_too_large": 413,
    "context_length": 400,
    "rate_limit": 429,
    "insufficient_quota": 429,
    "content_filter": 400,
    "server_error": 500,
    "overloaded": 503,
    "unavailable": 503,
    "bad_gateway": 502,
    "timeout": 504,
}


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("mistral") / "errors.yaml"
    rules = (f"  - {{name: {name}, match: {{model: {name}}}, error: {name}}}\n" for name in NAMED)
    file.write_text("mockllm: 1\nrules:\n" + "".join(rules))
    with serve(file, RULES) as built:
        yield built


@pytest.mark.parametrize("name", NAMED)
def test_named_error_raises_sdk_exception(failing: Live, name: str) -> None:
    with client_of(failing) as client:
        with pytest.raises(errors.SDKError) as whole:
            client.chat.complete(model=name, messages=user("hi"))
        with pytest.raises(errors.SDKError) as streamed:
            client.chat.stream(model=name, messages=user("hi"))
    assert whole.value.status_code == streamed.value.status_code == STATUS[name]
    assert json.loads(whole.value.body)


def test_async_raises_the_same(failing: Live) -> None:
    async def ask() -> None:
        async with client_of(failing) as client:
            await client.chat.complete_async(model="rate_limit", messages=user("hi"))

    with pytest.raises(errors.SDKError, match="limit exceeded") as caught:
        asyncio.run(ask())
    assert caught.value.status_code == 429


def test_thinking_is_a_part_of_the_content(tmp_path: Path) -> None:
    file = tmp_path / "thinking.yaml"
    file.write_text("mockllm: 1\nrules: [{reply: {thinking: Let me see., text: Yes.}}]\n")
    with serve(file) as server, client_of(server) as client:
        (choice,) = client.chat.complete(model=MODEL, messages=user("hm")).choices
        with client.chat.stream(model=MODEL, messages=user("hm")) as stream:
            events = list(stream)
    message: Any = choice.message
    thought, text = message.content
    assert (type(thought), type(text)) == (models.ThinkChunk, models.TextChunk)
    assert (thought.thinking[0].text, thought.closed, text.text) == ("Let me see.", True, "Yes.")
    contents = [choice.delta.content for event in events for choice in event.data.choices]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    assert {type(part) for part in parts} == {models.ThinkChunk}
    assert text_of(events) == "Yes."
