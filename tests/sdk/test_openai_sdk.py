"""What only the openai package uses: its helpers, `n`, usage in streams, ids in headers, models."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.live import Live
from tests.sdk.ways import OPENAI_TOOLS


class Weather(BaseModel):
    city: str
    degrees: int


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def test_agent_loop_ends_with_text(chat: openai.OpenAI) -> None:
    messages = user("weather?")
    first = chat.chat.completions.create(model="gpt-4o", messages=messages, tools=OPENAI_TOOLS)
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    assert message.content is None
    assert message.tool_calls is not None
    call: Any = message.tool_calls[0]
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    messages += [
        message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": '{"degrees": 21}'},
    ]
    last = chat.chat.completions.create(model="gpt-4o", messages=messages, tools=OPENAI_TOOLS)
    assert last.choices[0].message.content == "It is 21 degrees."
    assert last.choices[0].finish_reason == "stop"


def test_parallel_calls_have_ids_of_their_own(chat: openai.OpenAI) -> None:
    response = chat.chat.completions.create(model="gpt-4o", messages=user("both"), tools=OPENAI_TOOLS)
    calls = response.choices[0].message.tool_calls
    assert calls is not None
    assert len({call.id for call in calls}) == 2
    assert all(call.id.startswith("call_") and len(call.id) == 29 for call in calls)


def test_stream_helper_collects_text_and_calls(chat: openai.OpenAI) -> None:
    with chat.chat.completions.stream(model="gpt-4o", messages=user("both"), tools=OPENAI_TOOLS) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "I will look."
    calls: Any = final.choices[0].message.tool_calls
    assert [json.loads(call.function.arguments)["city"] for call in calls] == ["Paris", "Rome"]
    assert kinds.count("content.done") == 1
    assert kinds.count("tool_calls.function.arguments.done") == 2


def test_async_stream_helper_collects_text(live: Live) -> None:
    async def ask() -> str | None:
        async with (
            openai.AsyncOpenAI(base_url=f"{live.url}/v1", api_key="sk", max_retries=0) as client,
            client.chat.completions.stream(model="gpt-4o", messages=user("hello")) as stream,
        ):
            return (await stream.get_final_completion()).choices[0].message.content

    assert asyncio.run(ask()) == "Hello, world. It is a fine day."


def test_parse_returns_model_instance(chat: openai.OpenAI) -> None:
    response = chat.chat.completions.parse(model="gpt-4o", messages=user("weather"), response_format=Weather)
    assert response.choices[0].message.parsed == Weather(city="Paris", degrees=21)


def test_parse_of_a_stream(chat: openai.OpenAI) -> None:
    with chat.chat.completions.stream(
        model="gpt-4o", messages=user("weather"), response_format=Weather
    ) as stream:
        assert stream.get_final_completion().choices[0].message.parsed == Weather(city="Paris", degrees=21)


def test_parse_of_a_refusal_has_no_value(chat: openai.OpenAI) -> None:
    response = chat.chat.completions.parse(model="gpt-4o", messages=user("bomb"), response_format=Weather)
    message = response.choices[0].message
    assert (message.parsed, message.refusal) == (None, "I cannot help with that.")


def test_parse_of_json_that_was_cut(chat: openai.OpenAI) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        chat.chat.completions.parse(model="cut-json", messages=user("x"), response_format=Weather)


def test_json_mode(chat: openai.OpenAI) -> None:
    response = chat.chat.completions.create(
        model="gpt-4o", messages=user("in json"), response_format={"type": "json_object"}
    )
    assert json.loads(response.choices[0].message.content or "") == {"any": [1, 2]}


def test_n_repeats_the_reply_and_choices_are_sent_as_written(chat: openai.OpenAI) -> None:
    same = chat.chat.completions.create(model="gpt-4o", messages=user("hello"), n=3)
    assert [choice.index for choice in same.choices] == [0, 1, 2]
    assert {choice.message.content for choice in same.choices} == {"Hello, world. It is a fine day."}
    two = chat.chat.completions.create(model="gpt-4o", messages=user("several"), n=2)
    assert [choice.message.content for choice in two.choices] == ["first", "second"]


def test_n_in_a_stream_interleaves_the_choices(chat: openai.OpenAI) -> None:
    texts, finished = ["", "", ""], [0, 0, 0]
    for chunk in chat.chat.completions.create(model="gpt-4o", messages=user("hello"), n=3, stream=True):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
            finished[choice.index] += choice.finish_reason == "stop"
    assert texts == ["Hello, world. It is a fine day."] * 3
    assert finished == [1, 1, 1]


@pytest.mark.parametrize("wanted", [True, False])
def test_usage_chunk_is_sent_if_requested(chat: openai.OpenAI, wanted: bool) -> None:
    options: Any = {"include_usage": True} if wanted else openai.omit
    chunks = list(
        chat.chat.completions.create(
            model="gpt-4o", messages=user("hello"), stream=True, stream_options=options
        )
    )
    counted = [chunk.usage.total_tokens for chunk in chunks if chunk.usage is not None]
    assert counted == ([21] if wanted else [])
    assert [chunk.choices == [] for chunk in chunks] == [False] * (len(chunks) - wanted) + [True] * wanted


def test_stream_has_one_id_in_all_chunks(chat: openai.OpenAI) -> None:
    chunks = list(chat.chat.completions.create(model="gpt-4o", messages=user("hello"), stream=True))
    again = list(chat.chat.completions.create(model="gpt-4o", messages=user("hello"), stream=True))
    (first,), (second,) = ({chunk.id for chunk in item} for item in (chunks, again))
    assert first.startswith("chatcmpl-")
    assert len(first) == 38
    assert first != second
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_raw_response_has_request_id_and_rate_limits(chat: openai.OpenAI) -> None:
    raw = chat.chat.completions.with_raw_response.create(model="gpt-4o", messages=user("hello"))
    assert raw.headers["x-mockllm-rule"] == "conversation.yaml:hello"
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.parse()._request_id == raw.headers["x-request-id"]
    assert {"openai-version", "openai-processing-ms", "x-ratelimit-remaining-requests"} <= set(raw.headers)


def test_stream_left_early_is_closed(live: Live, chat: openai.OpenAI) -> None:
    with chat.chat.completions.create(model="gpt-4o", messages=user("hello"), stream=True) as stream:
        next(iter(stream))
    assert chat.chat.completions.create(model="gpt-4o", messages=user("hello")).usage is not None


def test_models_are_listed_and_looked_up(chat: openai.OpenAI) -> None:
    listed = [model.id for model in chat.models.list()]
    assert "twice-limited" in listed, "a model that a rule names is there"
    model = chat.models.retrieve("twice-limited")
    assert (model.id, model.object) == ("twice-limited", "model")
    assert chat.models.retrieve("any-other").id == "any-other", "chat answers it, so it is there"


def test_rules_see_the_api_key_and_count_by_it(live: Live) -> None:
    def ask(key: str, text: str) -> str | None:
        with openai.OpenAI(base_url=f"{live.url}/v1", api_key=key, max_retries=0) as client:
            response = client.chat.completions.create(model="gpt-4o", messages=user(text))
        return response.choices[0].message.content

    assert ask("sk-open-sesame", "secret") == "Come in."
    with pytest.raises(openai.NotFoundError, match="api_key"):
        ask("sk-other", "secret")
    assert [ask(key, "who am I") for key in ("one", "two", "one", "two")] == [
        *("first time", "first time", "second time", "second time")
    ]


def test_unmatched_request_is_404_with_nearest_rules(chat: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        chat.chat.completions.create(model="gpt-4o", messages=user("helo"))
    assert "conversation.yaml:5" in str(caught.value)
    assert 'expected "hello"' in str(caught.value)


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": None}, "model"),
    "no messages": ({"messages": []}, "messages"),
    "null for a message": ({"messages": [None]}, "messages"),
    "a role that nobody has": ({"messages": [{"role": "robot", "content": "hi"}]}, "robot"),
    "too hot": ({"temperature": 3}, "temperature"),
    "a result without its call": (
        {"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]},
        "tool",
    ),
}


@pytest.mark.parametrize(("wrong", "named"), MISTAKES.values(), ids=MISTAKES.keys())
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_invalid_request_is_400_that_names_parameter(
    chat: openai.OpenAI, wrong: dict[str, Any], named: str, stream: bool
) -> None:
    request: dict[str, Any] = {"model": "gpt-4o", "messages": user("hello"), "stream": stream} | wrong
    with pytest.raises(openai.BadRequestError, match=named) as caught:
        chat.chat.completions.create(**request)
    assert caught.value.type == "invalid_request_error"
