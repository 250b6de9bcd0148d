"""Sixteen ways to send the same: three SDKs, four protocols, sync and async, non-streaming and streamed, each
response in provider-neutral form.

A scenario holds for all of them, so one table of cases is sent in every way.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import anthropic
import openai
from google import genai
from google.genai import types

Query = Mapping[str, str]

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OPENAI_TOOLS: list[Any] = [{"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}]
ANTHROPIC_TOOLS: list[Any] = [{"name": "get_weather", "input_schema": SCHEMA}]
WEATHER = types.FunctionDeclaration(name="get_weather", parameters_json_schema=SCHEMA)


@dataclass(frozen=True)
class Question:
    """The request, before it is put in an SDK's words."""

    user: str
    model: str = "some-model"
    tools: bool = False
    stop: Sequence[str] = ()
    max_tokens: int | None = None
    query: Query | None = None


@dataclass(frozen=True)
class ClientReply:
    """What an SDK made of the response. `finish`: stop, length, tool_calls or refusal."""

    text: str
    calls: tuple[tuple[str, Any], ...] = ()
    finish: str = "stop"
    usage: tuple[int, int] = (0, 0)
    stopped_by: str | None = None


Way = Callable[[str, Question], ClientReply]


def _client(url: str, question: Question) -> dict[str, Any]:
    return {"base_url": url, "api_key": "sk", "max_retries": 0, "default_query": question.query}


def _for_openai(question: Question, stream: bool) -> dict[str, Any]:
    request: dict[str, Any] = {
        "model": question.model,
        "messages": [{"role": "user", "content": question.user}],
        "stream": stream,
    }
    if question.tools:
        request["tools"] = OPENAI_TOOLS
    if question.stop:
        request["stop"] = list(question.stop)
    if question.max_tokens is not None:
        request["max_completion_tokens"] = question.max_tokens
    if stream:
        request["stream_options"] = {"include_usage": True}
    return request


def _for_anthropic(question: Question, stream: bool) -> dict[str, Any]:
    request: dict[str, Any] = {
        "model": question.model,
        "messages": [{"role": "user", "content": question.user}],
        "max_tokens": 1000 if question.max_tokens is None else question.max_tokens,
        "stream": stream,
    }
    if question.tools:
        request["tools"] = ANTHROPIC_TOOLS
    if question.stop:
        request["stop_sequences"] = list(question.stop)
    return request


# --- openai --------------------------------------------------------------------------------------


def _openai_whole(response: Any) -> ClientReply:
    choice = response.choices[0]
    calls = [
        (call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or ()
    ]
    return _openai_reply(
        choice.message.content, choice.message.refusal, calls, choice.finish_reason, response.usage
    )


def _openai_streamed(chunks: Iterable[Any]) -> ClientReply:
    text = refusal = finish = usage = None
    calls: dict[int, list[str]] = {}
    for chunk in chunks:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            text = (text or "") + choice.delta.content if choice.delta.content is not None else text
            refusal = (refusal or "") + choice.delta.refusal if choice.delta.refusal is not None else refusal
            for call in choice.delta.tool_calls or ():
                if call.function.name is not None:
                    calls[call.index] = [call.function.name, ""]
                calls[call.index][1] += call.function.arguments or ""
    built = [(name, json.loads(arguments)) for name, arguments in calls.values()]
    return _openai_reply(text, refusal, built, finish, usage)


def _openai_reply(
    text: str | None, refusal: str | None, calls: Sequence[Any], finish: Any, usage: Any
) -> ClientReply:
    """A refusal has its own field here, and ends with `stop`."""
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    counted = (usage.prompt_tokens, usage.completion_tokens)
    if refusal is not None:
        assert not text
        return ClientReply(refusal, tuple(calls), "refusal", counted)
    return ClientReply(text or "", tuple(calls), finish, counted)


def openai_whole(url: str, question: Question) -> ClientReply:
    with openai.OpenAI(**_client(f"{url}/v1", question)) as client:
        return _openai_whole(client.chat.completions.create(**_for_openai(question, False)))


def openai_streamed(url: str, question: Question) -> ClientReply:
    with openai.OpenAI(**_client(f"{url}/v1", question)) as client:
        return _openai_streamed(client.chat.completions.create(**_for_openai(question, True)))


def openai_async_whole(url: str, question: Question) -> ClientReply:
    async def ask() -> ClientReply:
        async with openai.AsyncOpenAI(**_client(f"{url}/v1", question)) as client:
            return _openai_whole(await client.chat.completions.create(**_for_openai(question, False)))

    return asyncio.run(ask())


def openai_async_streamed(url: str, question: Question) -> ClientReply:
    async def ask() -> ClientReply:
        async with openai.AsyncOpenAI(**_client(f"{url}/v1", question)) as client:
            stream = await client.chat.completions.create(**_for_openai(question, True))
            return _openai_streamed([chunk async for chunk in stream])

    return asyncio.run(ask())


# --- openai, responses ---------------------------------------------------------------------------


def _for_responses(question: Question) -> dict[str, Any]:
    """Without `stop`: this protocol has no word for it."""
    request: dict[str, Any] = {
        "model": question.model,
        "input": [{"role": "user", "content": question.user}],
    }
    if question.tools:
        request["tools"] = [{"type": "function", **OPENAI_TOOLS[0]["function"], "strict": False}]
    if question.max_tokens is not None:
        request["max_output_tokens"] = question.max_tokens
    return request


def _responses_reply(response: Any) -> ClientReply:
    usage = response.usage
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    counted = (usage.input_tokens, usage.output_tokens)
    calls = tuple(
        (item.name, json.loads(item.arguments)) for item in response.output if item.type == "function_call"
    )
    parts = [part for item in response.output if item.type == "message" for part in item.content]
    refused = [part.refusal for part in parts if part.type == "refusal"]
    if response.status == "incomplete":
        assert response.incomplete_details.reason == "max_output_tokens"
        return ClientReply(response.output_text, calls, "length", counted)
    if refused:
        return ClientReply("".join(refused), calls, "refusal", counted)
    return ClientReply(response.output_text, calls, "tool_calls" if calls else "stop", counted)


def responses_whole(url: str, question: Question) -> ClientReply:
    with openai.OpenAI(**_client(f"{url}/v1", question)) as client:
        return _responses_reply(client.responses.create(**_for_responses(question)))


def responses_streamed(url: str, question: Question) -> ClientReply:
    with openai.OpenAI(**_client(f"{url}/v1", question)) as client:
        return _responses_reply(_last(list(client.responses.create(**_for_responses(question), stream=True))))


def responses_async_whole(url: str, question: Question) -> ClientReply:
    async def ask() -> ClientReply:
        async with openai.AsyncOpenAI(**_client(f"{url}/v1", question)) as client:
            return _responses_reply(await client.responses.create(**_for_responses(question)))

    return asyncio.run(ask())


def responses_async_streamed(url: str, question: Question) -> ClientReply:
    async def ask() -> ClientReply:
        async with openai.AsyncOpenAI(**_client(f"{url}/v1", question)) as client:
            stream = await client.responses.create(**_for_responses(question), stream=True)
            return _responses_reply(_last([event async for event in stream]))

    return asyncio.run(ask())


def _last(events: Sequence[Any]) -> Any:
    """The response that a stream ends with; its text is that of the deltas."""
    assert [event.sequence_number for event in events] == list(range(len(events)))
    response = events[-1].response
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == response.output_text
    return response


# --- anthropic -----------------------------------------------------------------------------------

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}


def _anthropic_reply(message: Any) -> ClientReply:
    text = "".join(block.text for block in message.content if block.type == "text")
    calls = tuple((block.name, block.input) for block in message.content if block.type == "tool_use")
    usage = (message.usage.input_tokens, message.usage.output_tokens)
    return ClientReply(text, calls, _FINISH[message.stop_reason], usage, message.stop_sequence)


def anthropic_whole(url: str, question: Question) -> ClientReply:
    with anthropic.Anthropic(**_client(url, question)) as client:
        return _anthropic_reply(client.messages.create(**_for_anthropic(question, False)))


def anthropic_streamed(url: str, question: Question) -> ClientReply:
    """By the SDK's own accumulator, which checks the order of events."""
    request = _for_anthropic(question, True)
    del request["stream"]
    with (
        anthropic.Anthropic(**_client(url, question)) as client,
        client.messages.stream(**request) as stream,
    ):
        return _anthropic_reply(stream.get_final_message())


def anthropic_async_whole(url: str, question: Question) -> ClientReply:
    async def ask() -> ClientReply:
        async with anthropic.AsyncAnthropic(**_client(url, question)) as client:
            return _anthropic_reply(await client.messages.create(**_for_anthropic(question, False)))

    return asyncio.run(ask())


def anthropic_async_streamed(url: str, question: Question) -> ClientReply:
    async def ask() -> ClientReply:
        request = _for_anthropic(question, True)
        del request["stream"]
        async with (
            anthropic.AsyncAnthropic(**_client(url, question)) as client,
            client.messages.stream(**request) as stream,
        ):
            return _anthropic_reply(await stream.get_final_message())

    return asyncio.run(ask())


# --- gemini --------------------------------------------------------------------------------------

_GEMINI_FINISH = {"STOP": "stop", "MAX_TOKENS": "length", "PROHIBITED_CONTENT": "refusal"}


def _gemini(url: str, question: Question) -> genai.Client:
    query = {"params": dict(question.query)} if question.query else {}
    options = types.HttpOptions(base_url=url, client_args=query, async_client_args=query)
    return genai.Client(api_key="k", http_options=options)


def _for_gemini(question: Question) -> dict[str, Any]:
    config = types.GenerateContentConfig(
        max_output_tokens=question.max_tokens,
        stop_sequences=list(question.stop) or None,
        tools=[types.Tool(function_declarations=[WEATHER])] if question.tools else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    return {"model": question.model, "contents": question.user, "config": config}


def _gemini_reply(chunks: Iterable[types.GenerateContentResponse]) -> ClientReply:
    """Calls end with `STOP` here; the last chunk has the usage."""
    text, calls, finish, usage = "", [], None, None
    for chunk in chunks:
        usage = chunk.usage_metadata or usage
        (candidate,) = chunk.candidates or []
        finish = candidate.finish_reason or finish
        for part in (candidate.content.parts if candidate.content else None) or ():
            if part.function_call is not None:
                calls.append((str(part.function_call.name), part.function_call.args))
            elif not part.thought:
                text += part.text or ""
    assert finish is not None
    assert usage is not None
    prompt, total = usage.prompt_token_count or 0, usage.total_token_count or 0
    ended = "tool_calls" if calls and finish.value == "STOP" else _GEMINI_FINISH[finish.value]
    return ClientReply(text, tuple(calls), ended, (prompt, total - prompt))


def gemini_whole(url: str, question: Question) -> ClientReply:
    with _gemini(url, question) as client:
        return _gemini_reply([client.models.generate_content(**_for_gemini(question))])


def gemini_streamed(url: str, question: Question) -> ClientReply:
    with _gemini(url, question) as client:
        return _gemini_reply(client.models.generate_content_stream(**_for_gemini(question)))


def gemini_async_whole(url: str, question: Question) -> ClientReply:
    async def ask() -> ClientReply:
        async with _gemini(url, question).aio as client:
            return _gemini_reply([await client.models.generate_content(**_for_gemini(question))])

    return asyncio.run(ask())


def gemini_async_streamed(url: str, question: Question) -> ClientReply:
    async def ask() -> ClientReply:
        async with _gemini(url, question).aio as client:
            stream = await client.models.generate_content_stream(**_for_gemini(question))
            return _gemini_reply([chunk async for chunk in stream])

    return asyncio.run(ask())


WAYS: Mapping[str, Way] = {
    "openai, whole": openai_whole,
    "openai, streamed": openai_streamed,
    "openai, async, whole": openai_async_whole,
    "openai, async, streamed": openai_async_streamed,
    "responses, whole": responses_whole,
    "responses, streamed": responses_streamed,
    "responses, async, whole": responses_async_whole,
    "responses, async, streamed": responses_async_streamed,
    "anthropic, whole": anthropic_whole,
    "anthropic, streamed": anthropic_streamed,
    "anthropic, async, whole": anthropic_async_whole,
    "anthropic, async, streamed": anthropic_async_streamed,
    "gemini, whole": gemini_whole,
    "gemini, streamed": gemini_streamed,
    "gemini, async, whole": gemini_async_whole,
    "gemini, async, streamed": gemini_async_streamed,
}
