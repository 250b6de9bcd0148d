"""The openai package's other calls on a live server: embeddings, completions, moderations; made calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Annotated, Any

import anthropic
import openai
import pytest
from pydantic import BaseModel, Field

from tests.live import Live
from tests.live import live as serve

FAST = ["stream_initial_delay_ms=0", "stream_delay_ms=0", "stream_jitter_ms=0"]


@pytest.fixture(scope="module")
def default() -> Iterator[Live]:
    with serve(packs=["default"], settings=[*FAST, "default_response=Hello there."]) as server:
        yield server


@pytest.fixture
def client(default: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{default.url}/v1", api_key="sk-test", max_retries=0) as built:
        yield built


def asynchronous(live: Live) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{live.url}/v1", api_key="sk-test", max_retries=0)


# --- embeddings ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["float", "base64", None])
def test_embedding_is_equal_in_both_encodings(client: openai.OpenAI, form: Any) -> None:
    more = {} if form is None else {"encoding_format": form}
    response = client.embeddings.create(
        model="embedding-embedding-3-small", input="hello", dimensions=16, **more
    )
    plain = client.embeddings.create(
        model="embedding-embedding-3-small", input="hello", dimensions=16, encoding_format="float"
    )
    embedding: Any = response.data[0].embedding
    if form == "base64":
        assert isinstance(embedding, str)
    else:
        assert embedding == pytest.approx(plain.data[0].embedding, abs=1e-7)
    assert response.usage.total_tokens == 1


def test_embeddings_have_the_size_of_their_model(client: openai.OpenAI) -> None:
    for model, size in (("text-embedding-3-small", 1536), ("text-embedding-3-large", 3072)):
        response = client.embeddings.create(model=model, input=["one", "two", "three"])
        assert [len(item.embedding) for item in response.data] == [size] * 3
        assert [item.index for item in response.data] == [0, 1, 2]


def test_nearest_embedding_is_of_similar_text(client: openai.OpenAI) -> None:
    stored = ["Reset your password in the settings.", "Our office is in Oslo.", "Refunds take five days."]
    request = "How can I reset my password?"
    model = "text-embedding-3-small"
    vectors = [item.embedding for item in client.embeddings.create(model=model, input=stored).data]
    question = client.embeddings.create(model=model, input=request).data[0].embedding
    near = [sum(a * b for a, b in zip(question, item, strict=True)) for item in vectors]
    assert near.index(max(near)) == 0


def test_tokens_and_async(default: Live) -> None:
    async def ask() -> Any:
        async with asynchronous(default) as client:
            return await client.embeddings.create(model="text-embedding-3-small", input=[[15339, 1917], [1]])

    response = asyncio.run(ask())
    assert len(response.data) == 2
    assert response.usage.prompt_tokens == 3


def test_embedding_with_unsupported_dimensions_is_400(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="does not support specifying dimensions"):
        client.embeddings.create(model="text-embedding-ada-002", input="a", dimensions=5)


def test_rule_with_error_refuses_embedding(tmp_path: Any) -> None:
    (tmp_path / "a.yaml").write_text(
        "rules: [{match: {api: embeddings, user: {contains: no}}, error: rate_limit}]"
    )
    with (
        serve(tmp_path) as live,
        openai.OpenAI(base_url=f"{live.url}/v1", api_key="sk", max_retries=0) as client,
    ):
        assert client.embeddings.create(model="m", input="yes").data
        with pytest.raises(openai.RateLimitError):
            client.embeddings.create(model="m", input="no")


# --- completions ---------------------------------------------------------------------------------


def test_completion_has_text_usage_and_id(client: openai.OpenAI) -> None:
    response = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Say hello")
    assert response.choices[0].text == "Hello there."
    assert response.choices[0].finish_reason == "stop"
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.prompt_tokens + response.usage.completion_tokens
    assert response.id.startswith("cmpl-")
    assert len(response.id) == 34


def test_completion_stream_has_text_and_usage(client: openai.OpenAI) -> None:
    stream = client.completions.create(
        model="gpt-3.5-turbo-instruct",
        prompt="Say hello",
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == "Hello there."
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None


def test_prompts_n_and_echo(client: openai.OpenAI) -> None:
    response = client.completions.create(model="m", prompt=["A: ", "B: "], n=2, echo=True)
    assert [choice.text for choice in response.choices] == [
        *["A: Hello there."] * 2,
        *["B: Hello there."] * 2,
    ]
    assert [choice.index for choice in response.choices] == [0, 1, 2, 3]


def test_max_tokens_and_stop_cut(client: openai.OpenAI) -> None:
    cut = client.completions.create(model="m", prompt="x", max_tokens=1).choices[0]
    assert (cut.text, cut.finish_reason) == ("Hello", "length")
    stopped = client.completions.create(model="m", prompt="x", stop=" there").choices[0]
    assert (stopped.text, stopped.finish_reason) == ("Hello", "stop")


def test_async_completions(default: Live) -> None:
    async def ask() -> list[str]:
        async with asynchronous(default) as client:
            whole = await client.completions.create(model="m", prompt="x")
            stream = await client.completions.create(model="m", prompt="x", stream=True)
            return [whole.choices[0].text, "".join([chunk.choices[0].text async for chunk in stream])]

    assert asyncio.run(ask()) == ["Hello there."] * 2


@pytest.mark.parametrize("stream", [False, True])
def test_out_of_credit_here_too(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.completions.create(model="credit-error", prompt="x", stream=stream)
    assert caught.value.status_code == 402
    assert caught.value.code == "insufficient_quota"


def test_fail_and_delay_as_in_chat(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        client.completions.create(model="m", prompt="x", extra_query={"fail": "429"})


# --- moderations ---------------------------------------------------------------------------------


def test_moderations(client: openai.OpenAI) -> None:
    response = client.moderations.create(input=["good morning", "i want to kill them."])
    assert [result.flagged for result in response.results] == [False, True]
    assert response.results[1].categories.violence
    assert response.results[1].category_scores.violence > 0.7
    assert response.model == "omni-moderation-latest"


def test_moderations_of_images(default: Live) -> None:
    async def ask() -> Any:
        async with asynchronous(default) as client:
            parts: Any = [
                {"type": "text", "text": "hello"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            ]
            return await client.moderations.create(model="omni-moderation-latest", input=parts)

    (result,) = asyncio.run(ask()).results
    assert result.category_applied_input_types.violence == ["text", "image"]


# --- models --------------------------------------------------------------------------------------


def test_models_are_listed_retrieved_and_deleted(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert "credit-error" in names
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    assert client.models.delete("ft:gpt-4o:mine").deleted


# --- from_schema, as the default pack uses it ----------------------------------------------------


class Weather(BaseModel):
    city: str
    days: Annotated[int, Field(ge=1, le=7)]
    hourly: list[float]
    note: str | None


def test_structured_output_parses_into_the_callers_model() -> None:
    messages: Any = [{"role": "user", "content": "weather"}]
    with (
        serve(packs=["default"], settings=FAST) as live,
        openai.OpenAI(base_url=f"{live.url}/v1", api_key="sk", max_retries=0) as client,
        anthropic.Anthropic(base_url=live.url, api_key="sk", max_retries=0) as claude,
    ):
        response = client.chat.completions.parse(model="gpt-4o", messages=messages, response_format=Weather)
        assert isinstance(response.choices[0].message.parsed, Weather)
        with client.chat.completions.stream(
            model="gpt-4o", messages=messages, response_format=Weather
        ) as stream:
            assert isinstance(stream.get_final_completion().choices[0].message.parsed, Weather)
        message = claude.messages.parse(
            model="some-model", max_tokens=999, messages=messages, output_format=Weather
        )
        assert isinstance(message.parsed_output, Weather)


def test_offered_tool_is_called_and_loop_ends(default: Live, client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tools: Any = [{"type": "function", "function": {"name": "get_weather", "parameters": schema}}]
    messages: Any = [{"role": "user", "content": "How is the weather?"}]
    first = client.chat.completions.create(
        model="gpt-4o", messages=messages, tools=tools, tool_choice="required"
    )
    message = first.choices[0].message
    assert message.tool_calls is not None
    messages += [
        message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny"},
    ]
    last = client.chat.completions.create(model="gpt-4o", messages=messages, tools=tools)
    assert last.choices[0].message.content == "Hello there."


# --- stored completions --------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["/v1", ""])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_completion_is_stored_listed_updated_and_deleted(default: Live, base: str, stream: bool) -> None:
    with openai.OpenAI(
        base_url=f"{default.url}{base}",
        api_key="k",
        max_retries=0,
        default_headers={"x-mockllm-session": f"stored-{base[1:]}-{stream}"},
    ) as client:
        request: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "store": True}
        if stream:
            with client.chat.completions.stream(**request) as events:
                response: Any = events.until_done().get_final_completion()
        else:
            response = client.chat.completions.create(**request)
        stored = client.chat.completions
        (listed,) = stored.list(model="gpt-4o-2024-08-06", order="desc", limit=1)
        reply = stored.retrieve(response.id)
        assert reply == listed
        assert reply.choices[0].message.content == response.choices[0].message.content == "Hello there."
        (requested_values,) = stored.messages.list(response.id)
        assert (requested_values.content, requested_values.role) == ("hi", "user")
        stored.update(response.id, metadata={"team": "a"})
        assert [item.id for item in stored.list(metadata={"team": "a"})] == [response.id]
        assert list(stored.list(metadata={"team": "b"})) == []
        assert stored.delete(response.id).deleted
        with pytest.raises(openai.NotFoundError, match="not found"):
            stored.retrieve(response.id)


def test_stored_completions_of_several_pages_by_the_async_client(default: Live) -> None:
    async def all_of_them() -> list[str]:
        async with openai.AsyncOpenAI(
            base_url=f"{default.url}/v1", api_key="k", default_headers={"x-mockllm-session": "pages"}
        ) as client:
            stored = client.chat.completions
            for text in ("one", "two", "three"):
                await stored.create(model="m", messages=[{"role": "user", "content": text}], store=True)
            outputs = [item async for item in stored.list(limit=2)]
            texts = [await stored.messages.list(item.id) for item in outputs]
            await stored.update(outputs[0].id, metadata={"a": "b"})
            await stored.delete(outputs[1].id)
            assert len([item async for item in stored.list()]) == 2
            assert (await stored.retrieve(outputs[0].id)).choices
            return [str(page.data[0].content) for page in texts]

    assert asyncio.run(all_of_them()) == ["one", "two", "three"]


# --- probabilities, legacy functions -------------------------------------------------------------


def test_probabilities_of_tokens_whole_and_streamed(client: openai.OpenAI) -> None:
    request: dict[str, Any] = {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "hi"}],
        "logprobs": True,
        "top_logprobs": 3,
    }
    whole = client.chat.completions.create(**request).choices[0].logprobs
    assert whole is not None
    assert whole.content is not None
    assert [item.token for item in whole.content] == ["Hello", " there", "."]
    assert [len(item.top_logprobs) for item in whole.content] == [3] * 3
    with client.chat.completions.stream(**request) as events:
        choice = events.until_done().get_final_completion().choices[0]
    assert choice.logprobs is not None
    assert choice.logprobs.content is not None
    assert "".join(item.token for item in choice.logprobs.content) == choice.message.content


def test_responses_and_completions_have_equal_logprobs(default: Live) -> None:
    async def all_of_them() -> list[Any]:
        async with asynchronous(default) as client:
            response = await client.responses.create(
                model="gpt-4o", input="hi", include=["message.output_text.logprobs"], top_logprobs=2
            )
            legacy = await client.completions.create(model="gpt-3.5-turbo-instruct", prompt="Say", logprobs=2)
            return [response.output[0], legacy.choices[0].logprobs]

    message, legacy = asyncio.run(all_of_them())
    output = message.content[0].logprobs
    assert [item.token for item in output] == legacy.tokens == ["Hello", " there", "."]
    assert output[0].top_logprobs[0].logprob == output[0].logprob == legacy.token_logprobs[0]
    assert legacy.text_offset == [3, 8, 14]


WEATHER: list[Any] = [
    {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_agent_loop_with_legacy_functions_ends_with_text(client: openai.OpenAI, stream: bool) -> None:
    request: dict[str, Any] = {
        "model": "gpt-4o",
        "functions": WEATHER,
        "function_call": {"name": "get_weather"},
    }
    messages: list[Any] = [{"role": "user", "content": "Weather?"}]
    if stream:
        chunks = list(client.chat.completions.create(messages=messages, stream=True, **request))
        calls = [chunk.choices[0].delta.function_call for chunk in chunks]
        legacy_call = {
            "name": "".join(call.name or "" for call in calls if call),
            "arguments": "".join(call.arguments or "" for call in calls if call),
        }
    else:
        call = client.chat.completions.create(messages=messages, **request).choices[0].message.function_call
        assert call is not None
        legacy_call = {"name": call.name, "arguments": call.arguments}
    assert legacy_call["name"] == "get_weather"
    assert set(json.loads(legacy_call["arguments"])) == {"city"}
    messages += [
        {"role": "assistant", "content": None, "function_call": legacy_call},
        {"role": "function", "name": "get_weather", "content": "21"},
    ]
    last = client.chat.completions.create(model="gpt-4o", messages=messages, functions=WEATHER)
    assert last.choices[0].message.content == "Hello there."
