"""A conversation with the SDK of Anthropic, synchronous and asynchronous: two calls in a stream, their results, and a
response that is not streamed. It reports what is no complete reply."""

from __future__ import annotations

import asyncio
from typing import Any

from anthropic import Anthropic, AnthropicError, AsyncAnthropic

from mockllm.testing import MockLLM
from tests.hunt.sdks.incomplete import PARAMETERS, QUESTION, READ_TIMEOUT, Incomplete, checked

ERRORS = (AnthropicError, Incomplete)
GENERAL: dict[str, Any] = {"model": "claude-sonnet-5", "max_tokens": 500}
TOOLS: Any = [{"name": name, "input_schema": parameters} for name, parameters in PARAMETERS.items()]
FIRST: list[Any] = [{"role": "user", "content": QUESTION}]
THIRD: list[Any] = [{"role": "user", "content": "Hello."}]


def calls_sent(message: Any) -> list[tuple[str, str, Any]]:
    if message.stop_reason != "tool_use":
        raise Incomplete(f"stop reason {message.stop_reason}")
    used = [block for block in message.content if block.type == "tool_use"]
    return [(block.id, block.name, checked(block.name, block.input)) for block in used]


def with_results(message: Any, built: list[tuple[str, str, Any]]) -> list[Any]:
    """The messages of the second request: the calls and their results."""
    content = [{"type": "tool_use", "id": id, "name": name, "input": values} for id, name, values in built]
    results = [{"type": "tool_result", "tool_use_id": id, "content": "booked"} for id, _, _ in built]
    return [*FIRST, {"role": "assistant", "content": content}, {"role": "user", "content": results}]


def reported_text(message: Any) -> str:
    if message.stop_reason != "end_turn" or not message.content:
        raise Incomplete(f"stop reason {message.stop_reason}")
    return "".join(block.text for block in message.content if block.type == "text")


def converse(server: MockLLM) -> list[Any]:
    """The conversation with the synchronous client."""
    with Anthropic(base_url=server.anthropic_url, api_key="any", timeout=READ_TIMEOUT) as client:
        with client.messages.stream(**GENERAL, messages=FIRST, tools=TOOLS) as stream:
            message = stream.get_final_message()
        built = calls_sent(message)
        second = with_results(message, built)
        with client.messages.stream(**GENERAL, messages=second, tools=TOOLS) as stream:
            reported = reported_text(stream.get_final_message())
        third = client.messages.create(**GENERAL, messages=THIRD)
        return [[call[1:] for call in built], reported, reported_text(third)]


async def talk(server: MockLLM) -> list[Any]:
    """The conversation with the asynchronous client."""
    async with AsyncAnthropic(base_url=server.anthropic_url, api_key="any", timeout=READ_TIMEOUT) as client:
        async with client.messages.stream(**GENERAL, messages=FIRST, tools=TOOLS) as stream:
            message = await stream.get_final_message()
        built = calls_sent(message)
        second = with_results(message, built)
        async with client.messages.stream(**GENERAL, messages=second, tools=TOOLS) as stream:
            reported = reported_text(await stream.get_final_message())
        third = await client.messages.create(**GENERAL, messages=THIRD)
        return [[call[1:] for call in built], reported, reported_text(third)]


def converse_async(server: MockLLM) -> list[Any]:
    return asyncio.run(talk(server))
