"""What only the responses protocol has in the openai package: its helpers, items, state, events, errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from mockllm.core.failure import NAMED
from tests.live import Live
from tests.live import live as serve
from tests.sdk.test_sdk_errors import OPENAI, SCENARIO
from tests.sdk.ways import SCHEMA

TOOLS: list[Any] = [{"type": "function", "name": "get_weather", "parameters": SCHEMA, "strict": False}]
UNKNOWN: Any = (openai.BadRequestError, 400, "invalid_request_error")
NEAR_OPENAI: Any = {**OPENAI, "model_not_found": UNKNOWN, "model_deprecated": UNKNOWN}
"""An unknown model is a 400 here."""


class Weather(BaseModel):
    city: str
    degrees: int


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file: Path = tmp_path_factory.mktemp("errors") / "errors.yaml"
    file.write_text(SCENARIO)
    with serve(file) as server:
        yield server


def test_agent_loop_with_history_ends_with_text(chat: openai.OpenAI) -> None:
    history: list[Any] = [{"role": "user", "content": "weather?"}]
    first = chat.responses.create(model="gpt-4o", input=history, tools=TOOLS)
    (call,) = first.output
    assert call.type == "function_call"
    assert json.loads(call.arguments) == {"city": "Paris"}
    history += [call, {"type": "function_call_output", "call_id": call.call_id, "output": '{"degrees": 21}'}]
    last = chat.responses.create(model="gpt-4o", input=history, tools=TOOLS)
    assert last.output_text == "It is 21 degrees."


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_agent_loop_with_previous_response_id_ends_with_text(chat: openai.OpenAI, stream: bool) -> None:
    """The output carries only the call's id; the tool's name and the history are in what is stored."""
    request: dict[str, Any] = {"model": "gpt-4o", "input": "weather?", "tools": TOOLS}
    if stream:
        with chat.responses.stream(**request) as events:
            first: Any = events.until_done().get_final_response()
    else:
        first = chat.responses.create(**request)
    output: Any = {
        "type": "function_call_output",
        "call_id": first.output[0].call_id,
        "output": '{"degrees": 21}',
    }
    last = chat.responses.create(model="gpt-4o", previous_response_id=first.id, input=[output], tools=TOOLS)
    assert (last.output_text, last.previous_response_id) == ("It is 21 degrees.", first.id)
    listed = chat.responses.input_items.list(last.id, order="asc")
    assert [item.type for item in listed] == ["message", "function_call", "function_call_output"]


def test_stored_response_is_retrieved_streamed_and_deleted(chat: openai.OpenAI) -> None:
    response = chat.responses.create(model="gpt-4o", input="hello")
    reply = chat.responses.retrieve(response.id)
    assert (reply.id, reply.output_text) == (response.id, response.output_text)
    events = list(chat.responses.retrieve(response.id, stream=True))
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == response.output_text
    with pytest.raises(openai.BadRequestError, match="Cannot cancel"):
        chat.responses.cancel(response.id)
    chat.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError, match="not found"):
        chat.responses.retrieve(response.id)


def test_compacted_conversation_continues(chat: openai.OpenAI) -> None:
    first = chat.responses.create(model="gpt-4o", input="hello")
    built = chat.responses.compact(model="gpt-4o", previous_response_id=first.id)
    assert [item.type for item in built.output] == ["message", "compaction"]
    texts = [item.to_dict(warnings=False) for item in built.output]  # its types know no input in an output
    history: Any = [*texts, {"role": "user", "content": "count"}]
    response = chat.responses.create(model="gpt-4o", input=history)
    assert response.output_text == "one two three four five six"


@pytest.mark.parametrize("id", ["resp_unknown", None], ids=["unknown", "not stored"])
def test_only_what_is_stored_is_gone_on_from(chat: openai.OpenAI, id: str | None) -> None:
    id = id or chat.responses.create(model="gpt-4o", input="hello", store=False).id
    with pytest.raises(openai.BadRequestError, match="not found") as caught:
        chat.responses.create(model="gpt-4o", input="hello", previous_response_id=id)
    assert caught.value.code == "previous_response_not_found"


def test_stored_response_is_found_in_its_session_only(chat: openai.OpenAI) -> None:
    of_session = chat.with_options(default_headers={"x-mockllm-session": "one"})
    response = of_session.responses.create(model="gpt-4o", input="hello")
    assert of_session.responses.retrieve(response.id).id == response.id
    other = chat.with_options(default_headers={"x-mockllm-session": "two"})
    with pytest.raises(openai.NotFoundError):
        other.responses.retrieve(response.id)


def test_sequence_step_follows_turn_of_conversation(chat: openai.OpenAI) -> None:
    first = chat.responses.create(model="gpt-4o", input="go through it", instructions="Be brief.")
    second = chat.responses.create(model="gpt-4o", input="go on", previous_response_id=first.id)
    third = chat.responses.create(model="gpt-4o", input="go on", previous_response_id=second.id)
    assert [item.output_text for item in (first, second, third)] == ["part one", "part two", "part three"]


def test_parallel_calls_are_items_of_their_own(chat: openai.OpenAI) -> None:
    response = chat.responses.create(model="gpt-4o", input="both", tools=TOOLS)
    assert [item.type for item in response.output] == ["message", "function_call", "function_call"]
    ids = [item.call_id for item in response.output if item.type == "function_call"]
    assert len(set(ids)) == 2
    assert all(id.startswith("call_") and len(id) == 29 for id in ids)


def test_stream_helper_collects_text_and_calls(chat: openai.OpenAI) -> None:
    with chat.responses.stream(model="gpt-4o", input="both", tools=TOOLS) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert final.output_text == "I will look."
    arguments = [item.arguments for item in final.output if item.type == "function_call"]
    assert [json.loads(argument)["city"] for argument in arguments] == ["Paris", "Rome"]
    assert final.id.startswith("resp_")
    assert len(final.id) == 55


def test_async_stream_helper_collects_text(live: Live) -> None:
    async def ask() -> str:
        async with (
            openai.AsyncOpenAI(base_url=f"{live.url}/v1", api_key="sk", max_retries=0) as client,
            client.responses.stream(model="gpt-4o", input="hello") as stream,
        ):
            return (await stream.get_final_response()).output_text

    assert asyncio.run(ask()) == "Hello, world. It is a fine day."


def test_thinking_is_a_summary(chat: openai.OpenAI) -> None:
    response = chat.responses.create(model="gpt-5", input="think", reasoning={"summary": "auto"})
    reasoning, message = response.output
    assert reasoning.type == "reasoning"
    assert [part.text for part in reasoning.summary] == ["Let me see."]
    assert reasoning.encrypted_content == "c2lnbmVk"
    assert message.type == "message"
    with chat.responses.stream(model="gpt-5", input="think") as stream:
        texts = [event.delta for event in stream if event.type == "response.reasoning_summary_text.delta"]
    assert "".join(texts) == "Let me see."


def test_parse_returns_model_instance(chat: openai.OpenAI) -> None:
    response = chat.responses.parse(model="gpt-4o", input="weather", text_format=Weather)
    assert response.output_parsed == Weather(city="Paris", degrees=21)
    with chat.responses.stream(model="gpt-4o", input="weather", text_format=Weather) as stream:
        assert stream.get_final_response().output_parsed == Weather(city="Paris", degrees=21)


def test_response_echoes_parameters_of_request(chat: openai.OpenAI) -> None:
    response = chat.responses.create(
        model="gpt-4o", input="hello", instructions="Be brief.", metadata={"a": "b"}, temperature=0.5
    )
    assert (response.instructions, response.metadata, response.temperature) == ("Be brief.", {"a": "b"}, 0.5)
    assert (response.tool_choice, response.truncation) == ("auto", "disabled")


def test_input_tokens_are_those_of_the_usage(chat: openai.OpenAI) -> None:
    counted = chat.responses.input_tokens.count(model="gpt-4o", input="count", instructions="Be brief.")
    response = chat.responses.create(model="gpt-4o", input="count", instructions="Be brief.")
    assert response.usage is not None
    assert counted.input_tokens == response.usage.input_tokens


def test_table_has_every_named_error() -> None:
    assert set(NEAR_OPENAI) == set(NAMED)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", NEAR_OPENAI)
def test_errors_are_the_exceptions_of_the_sdk(errors: Live, name: str, stream: bool) -> None:
    kind, status, type = NEAR_OPENAI[name]
    with (
        openai.OpenAI(base_url=f"{errors.url}/v1", api_key="sk", max_retries=0) as client,
        pytest.raises(kind) as caught,
    ):
        client.responses.create(model=name, input="hi", stream=stream)
    assert (caught.value.status_code, caught.value.type) == (status, type)


def test_error_in_stream_raises_api_error(chat: openai.OpenAI) -> None:
    events: list[Any] = []

    def listen() -> None:
        for event in chat.responses.create(model="breaks-off", input="x", stream=True):
            events.append(event)  # noqa: PERF402 - what came before the error counts

    with pytest.raises(openai.APIError) as caught:
        listen()
    texts = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert texts == ["Once", " upon"]
    assert caught.value.type == "server_error"


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": None}, "model"),
    "nothing to answer": ({"input": None}, "input"),
    "too hot": ({"temperature": 3}, "temperature"),
    "an output without its call": (
        {"input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]},
        "No tool call found for function call output with call_id c.",
    ),
}


@pytest.mark.parametrize(("wrong", "named"), MISTAKES.values(), ids=MISTAKES.keys())
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_invalid_request_is_400_that_names_parameter(
    chat: openai.OpenAI, wrong: dict[str, Any], named: str, stream: bool
) -> None:
    request: dict[str, Any] = {"model": "gpt-4o", "input": "hello", "stream": stream} | wrong
    with pytest.raises(openai.BadRequestError, match=named) as caught:
        chat.responses.create(**request)
    assert caught.value.type == "invalid_request_error"
