"""Vendors that speak OpenAI's protocol, by the openai package: one server for all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from mockllm.dialects.vendors.vendor import Vendor
from tests.compatible import VENDORS
from tests.live import Live
from tests.live import live as serve

RULES = """mockllm: 1
rules:
  - name: weather
    match: {tools: get_weather}
    reply: {tool_calls: [{name: get_weather, arguments: {city: Paris}}, {name: get_weather, arguments: {}}]}
  - name: thinks
    match: {user: think}
    reply: {thinking: Let me see., text: Forty-two.}
  - name: limited
    match: {user: again}
    error: {type: rate_limit, retry_after: 2s}
  - name: denied
    match: {user: denied}
    error: authentication
  - name: breaks-off
    match: {user: breaks}
    reply: {chunks: [Once, {error: overloaded}]}
""" + "".join(
    f"  - {{name: {vendor.name}, match: {{provider: {vendor.name}}}, reply: Hello from {vendor.name}.}}\n"
    for vendor in VENDORS
)
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
]
vendors = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("vendors") / "vendors.yaml"
    file.write_text(RULES)
    with serve(file) as built:
        yield built


@pytest.fixture
def client(server: Live, vendor: Vendor) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url + vendor.path(""), api_key="key", max_retries=0) as built:
        yield built


@vendors
def test_rule_of_vendor_has_text_model_and_usage(client: openai.OpenAI, vendor: Vendor) -> None:
    response = client.chat.completions.create(model="some-model", messages=user("hi"))
    assert response.choices[0].message.content == f"Hello from {vendor.name}."
    assert response.model == "some-model"
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.prompt_tokens + response.usage.completion_tokens


@vendors
def test_streamed(client: openai.OpenAI, vendor: Vendor) -> None:
    chunks = list(
        client.chat.completions.create(
            model="m", messages=user("hi"), stream=True, stream_options={"include_usage": True}
        )
    )
    texts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == f"Hello from {vendor.name}."
    finishes = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    repeated = 2 if vendor.name == "openrouter" else 1  # its chunk with the usage has the reason, too
    assert finishes == [vendor.form.finish["stop"]] * repeated
    assert [chunk.usage for chunk in chunks if chunk.usage] != []


@vendors
def test_async(server: Live, vendor: Vendor) -> None:
    async def ask() -> str:
        async with openai.AsyncOpenAI(base_url=server.url + vendor.path(""), api_key="k") as client:
            stream = await client.chat.completions.create(model="m", messages=user("hi"), stream=True)
            return "".join([choice.delta.content or "" async for chunk in stream for choice in chunk.choices])

    assert asyncio.run(ask()) == f"Hello from {vendor.name}."


@vendors
def test_parallel_calls_are_equal_whole_and_streamed(client: openai.OpenAI) -> None:
    response = client.chat.completions.create(model="m", messages=user("weather?"), tools=TOOLS)
    called = [
        call.function for call in response.choices[0].message.tool_calls or () if call.type == "function"
    ]
    assert [(call.name, json.loads(call.arguments)) for call in called] == [
        ("get_weather", {"city": "Paris"}),
        ("get_weather", {}),
    ]
    chunks: dict[int, str] = {}
    for chunk in client.chat.completions.create(
        model="m", messages=user("weather?"), tools=TOOLS, stream=True
    ):
        for choice in chunk.choices:
            for call in choice.delta.tool_calls or ():
                assert call.function is not None
                place: int | None = call.index  # which some leave out of calls that they say at once
                place = len(chunks) if place is None else place
                chunks[place] = chunks.get(place, "") + (call.function.arguments or "")
    assert [json.loads(text) for text in chunks.values()] == [{"city": "Paris"}, {}]


def text_and_thought(message: Any, vendor: Vendor) -> tuple[str, str]:
    """Return the text and the reasoning of a message or a delta; Mistral's content has both as parts."""
    parts = message.content if isinstance(message.content, list) else []
    thoughts = [entry["text"] for part in parts for entry in part.get("thinking", ())]
    texts = [part["text"] for part in parts if part["type"] == "text"]
    if parts:
        return "".join(texts), "".join(thoughts)
    extra = message.model_extra or {}
    return message.content or "", extra.get(vendor.form.thinking or "reasoning") or ""


@vendors
def test_thinking_is_seen_where_the_vendor_shows_it(client: openai.OpenAI, vendor: Vendor) -> None:
    thought = "Let me see." if vendor.form.thinking else ""
    whole = client.chat.completions.create(model="m", messages=user("think")).choices[0].message
    assert text_and_thought(whole, vendor) == ("Forty-two.", thought)
    streamed = [
        text_and_thought(choice.delta, vendor)[1]
        for chunk in client.chat.completions.create(model="m", messages=user("think"), stream=True)
        for choice in chunk.choices
    ]
    assert "".join(streamed) == thought


@vendors
def test_errors_are_the_sdks_own(client: openai.OpenAI, vendor: Vendor) -> None:
    with pytest.raises(openai.RateLimitError) as limited:
        client.chat.completions.create(model="m", messages=user("again"))
    if vendor.errors.details is None:
        assert limited.value.response.headers["retry-after"] == "2"
    else:
        assert '"retryDelay":"2s"' in limited.value.response.text
    denied: type[openai.APIStatusError] = openai.AuthenticationError
    if vendor.name in ("xai", "gemini"):
        denied = openai.BadRequestError  # the response of these to a wrong key
    with pytest.raises(denied):
        client.chat.completions.create(model="m", messages=user("denied"))


@vendors
def test_error_in_stream_raises_api_error(client: openai.OpenAI, vendor: Vendor) -> None:
    stream = client.chat.completions.create(model="m", messages=user("breaks"), stream=True)
    if vendor.name == "mistral":
        assert len(list(stream)) > 0  # whose errors have no member that the SDK looks for
        return
    with pytest.raises(openai.APIError):
        list(stream)


@vendors
def test_responses_where_there_are_any(client: openai.OpenAI, vendor: Vendor) -> None:
    if vendor.edit_response is None:
        with pytest.raises(openai.APIStatusError) as raised:
            client.responses.create(model="m", input="hi")
        assert raised.value.status_code == (501 if vendor.name == "mistral" else 404)  # not built
        return
    assert client.responses.create(model="m", input="hi").output_text == f"Hello from {vendor.name}."
    with client.responses.stream(model="m", input="hi") as stream:
        assert stream.get_final_response().output_text == f"Hello from {vendor.name}."


@vendors
def test_completions_embeddings_and_models(client: openai.OpenAI, vendor: Vendor) -> None:
    assert client.completions.create(model="m", prompt="hi").choices[0].text == f"Hello from {vendor.name}."
    streamed = client.completions.create(model="m", prompt="hi", stream=True)
    assert "".join(chunk.choices[0].text for chunk in streamed) == f"Hello from {vendor.name}."
    if vendor.name != "perplexity":  # its vectors are no numbers
        assert len(client.embeddings.create(model="m", input="a").data[0].embedding) == 1536
    assert client.models.retrieve("some-model").id == "some-model"
