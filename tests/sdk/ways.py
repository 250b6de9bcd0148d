"""Sixteen ways to ask the same: three SDKs, four protocols, sync and async, whole and streamed, each answer
in neutral words.

What a scenario says is promised for all of them, so one table of cases is asked in every way.
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
    """What is asked, before it is put in an SDK's words."""

    user: str
    model: str = "some-model"
    tools: bool = False
    stop: Sequence[str] = ()
    max_tokens: int | None = None
    query: Query | None = None


@dataclass(frozen=True)
class Said:
    """What an SDK made of the answer. `finish`: stop, length, tool_calls or refusal."""

    text: str
    calls: tuple[tuple[str, Any], ...] = ()
    finish: str = "stop"
    usage: tuple[int, int] = (0, 0)
    stopped_by: str | None = None


Way = Callable[[str, Question], Said]


def _client(url: str, question: Question) -> dict[str, Any]:
    return {"base_url": url, "api_key": "sk", "max_retries": 0, "default_query": question.query}


def _for_openai(question: Question, stream: bool) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": question.model,
        "messages": [{"role": "user", "content": question.user}],
        "stream": stream,
    }
    if question.tools:
        asked["tools"] = OPENAI_TOOLS
    if question.stop:
        asked["stop"] = list(question.stop)
    if question.max_tokens is not None:
        asked["max_completion_tokens"] = question.max_tokens
    if stream:
        asked["stream_options"] = {"include_usage": True}
    return asked


def _for_anthropic(question: Question, stream: bool) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": question.model,
        "messages": [{"role": "user", "content": question.user}],
        "max_tokens": 1000 if question.max_tokens is None else question.max_tokens,
        "stream": stream,
    }
    if question.tools:
        asked["tools"] = ANTHROPIC_TOOLS
    if question.stop:
        asked["stop_sequences"] = list(question.stop)
    return asked


# --- openai --------------------------------------------------------------------------------------


def _openai_whole(answer: Any) -> Said:
    choice = answer.choices[0]
    calls = [
        (call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or ()
    ]
    return _openai_said(
        choice.message.content, choice.message.refusal, calls, choice.finish_reason, answer.usage
    )


def _openai_streamed(chunks: Iterable[Any]) -> Said:
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
    made = [(name, json.loads(arguments)) for name, arguments in calls.values()]
    return _openai_said(text, refusal, made, finish, usage)


def _openai_said(
    text: str | None, refusal: str | None, calls: Sequence[Any], finish: Any, usage: Any
) -> Said:
    """A refusal is told by its own field here, and ends with `stop`."""
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    counted = (usage.prompt_tokens, usage.completion_tokens)
    if refusal is not None:
        assert not text
        return Said(refusal, tuple(calls), "refusal", counted)
    return Said(text or "", tuple(calls), finish, counted)


def openai_whole(url: str, question: Question) -> Said:
    with openai.OpenAI(**_client(f"{url}/v1", question)) as client:
        return _openai_whole(client.chat.completions.create(**_for_openai(question, False)))


def openai_streamed(url: str, question: Question) -> Said:
    with openai.OpenAI(**_client(f"{url}/v1", question)) as client:
        return _openai_streamed(client.chat.completions.create(**_for_openai(question, True)))


def openai_async_whole(url: str, question: Question) -> Said:
    async def ask() -> Said:
        async with openai.AsyncOpenAI(**_client(f"{url}/v1", question)) as client:
            return _openai_whole(await client.chat.completions.create(**_for_openai(question, False)))

    return asyncio.run(ask())


def openai_async_streamed(url: str, question: Question) -> Said:
    async def ask() -> Said:
        async with openai.AsyncOpenAI(**_client(f"{url}/v1", question)) as client:
            stream = await client.chat.completions.create(**_for_openai(question, True))
            return _openai_streamed([chunk async for chunk in stream])

    return asyncio.run(ask())


# --- openai, responses ---------------------------------------------------------------------------


def _for_responses(question: Question) -> dict[str, Any]:
    """Without `stop`: this protocol has no word for it."""
    asked: dict[str, Any] = {
        "model": question.model,
        "input": [{"role": "user", "content": question.user}],
    }
    if question.tools:
        asked["tools"] = [{"type": "function", **OPENAI_TOOLS[0]["function"], "strict": False}]
    if question.max_tokens is not None:
        asked["max_output_tokens"] = question.max_tokens
    return asked


def _responses_said(response: Any) -> Said:
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
        return Said(response.output_text, calls, "length", counted)
    if refused:
        return Said("".join(refused), calls, "refusal", counted)
    return Said(response.output_text, calls, "tool_calls" if calls else "stop", counted)


def responses_whole(url: str, question: Question) -> Said:
    with openai.OpenAI(**_client(f"{url}/v1", question)) as client:
        return _responses_said(client.responses.create(**_for_responses(question)))


def responses_streamed(url: str, question: Question) -> Said:
    with openai.OpenAI(**_client(f"{url}/v1", question)) as client:
        return _responses_said(_last(list(client.responses.create(**_for_responses(question), stream=True))))


def responses_async_whole(url: str, question: Question) -> Said:
    async def ask() -> Said:
        async with openai.AsyncOpenAI(**_client(f"{url}/v1", question)) as client:
            return _responses_said(await client.responses.create(**_for_responses(question)))

    return asyncio.run(ask())


def responses_async_streamed(url: str, question: Question) -> Said:
    async def ask() -> Said:
        async with openai.AsyncOpenAI(**_client(f"{url}/v1", question)) as client:
            stream = await client.responses.create(**_for_responses(question), stream=True)
            return _responses_said(_last([event async for event in stream]))

    return asyncio.run(ask())


def _last(events: Sequence[Any]) -> Any:
    """The response that a stream ends with; its text is that of the deltas."""
    assert [event.sequence_number for event in events] == list(range(len(events)))
    response = events[-1].response
    said = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert said == response.output_text
    return response


# --- anthropic -----------------------------------------------------------------------------------

_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "refusal",
}


def _anthropic_said(message: Any) -> Said:
    text = "".join(block.text for block in message.content if block.type == "text")
    calls = tuple((block.name, block.input) for block in message.content if block.type == "tool_use")
    usage = (message.usage.input_tokens, message.usage.output_tokens)
    return Said(text, calls, _FINISH[message.stop_reason], usage, message.stop_sequence)


def anthropic_whole(url: str, question: Question) -> Said:
    with anthropic.Anthropic(**_client(url, question)) as client:
        return _anthropic_said(client.messages.create(**_for_anthropic(question, False)))


def anthropic_streamed(url: str, question: Question) -> Said:
    """By the SDK's own accumulator, which checks the order of events."""
    asked = _for_anthropic(question, True)
    del asked["stream"]
    with (
        anthropic.Anthropic(**_client(url, question)) as client,
        client.messages.stream(**asked) as stream,
    ):
        return _anthropic_said(stream.get_final_message())


def anthropic_async_whole(url: str, question: Question) -> Said:
    async def ask() -> Said:
        async with anthropic.AsyncAnthropic(**_client(url, question)) as client:
            return _anthropic_said(await client.messages.create(**_for_anthropic(question, False)))

    return asyncio.run(ask())


def anthropic_async_streamed(url: str, question: Question) -> Said:
    async def ask() -> Said:
        asked = _for_anthropic(question, True)
        del asked["stream"]
        async with (
            anthropic.AsyncAnthropic(**_client(url, question)) as client,
            client.messages.stream(**asked) as stream,
        ):
            return _anthropic_said(await stream.get_final_message())

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


def _gemini_said(chunks: Iterable[types.GenerateContentResponse]) -> Said:
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
    return Said(text, tuple(calls), ended, (prompt, total - prompt))


def gemini_whole(url: str, question: Question) -> Said:
    with _gemini(url, question) as client:
        return _gemini_said([client.models.generate_content(**_for_gemini(question))])


def gemini_streamed(url: str, question: Question) -> Said:
    with _gemini(url, question) as client:
        return _gemini_said(client.models.generate_content_stream(**_for_gemini(question)))


def gemini_async_whole(url: str, question: Question) -> Said:
    async def ask() -> Said:
        async with _gemini(url, question).aio as client:
            return _gemini_said([await client.models.generate_content(**_for_gemini(question))])

    return asyncio.run(ask())


def gemini_async_streamed(url: str, question: Question) -> Said:
    async def ask() -> Said:
        async with _gemini(url, question).aio as client:
            stream = await client.models.generate_content_stream(**_for_gemini(question))
            return _gemini_said([chunk async for chunk in stream])

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
