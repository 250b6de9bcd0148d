"""A conversation with the SDK of OpenAI, synchronous and asynchronous: two calls in a stream, their results, and a
response that is not streamed. It reports what is no complete reply."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from openai import AsyncOpenAI, OpenAI, OpenAIError

from mockllm.testing import MockLLM
from tests.hunt.sdks.incomplete import PARAMETERS, QUESTION, READ_TIMEOUT, Incomplete, checked

ERRORS = (OpenAIError, Incomplete)
MODEL = "gpt-4o"
TOOLS: Any = [
    {"type": "function", "function": {"name": name, "parameters": parameters}}
    for name, parameters in PARAMETERS.items()
]


class Joined:
    """The chunks of a stream."""

    def __init__(self) -> None:
        self.text = ""
        self.calls: dict[int, dict[str, Any]] = {}
        self.finish: str | None = None

    def add(self, chunk: Any) -> None:
        for choice in chunk.choices:
            delta = choice.delta
            if delta.refusal:
                raise Incomplete(f"refused: {delta.refusal}")
            self.text += delta.content or ""
            for call in delta.tool_calls or ():
                known = self.calls.setdefault(call.index, {"id": call.id, "name": "", "arguments": ""})
                known["name"] += call.function.name or ""
                known["arguments"] += call.function.arguments or ""
            self.finish = choice.finish_reason or self.finish

    def calls_sent(self) -> list[tuple[str, str, Any]]:
        if self.finish != "tool_calls":
            raise Incomplete(f"finish reason {self.finish}")
        return [
            (each["id"], each["name"], checked(each["name"], each["arguments"]))
            for each in self.calls.values()
        ]

    def reported_text(self) -> str:
        if self.finish != "stop" or not self.text:
            raise Incomplete(f"finish reason {self.finish}")
        return self.text


def with_results(joined: Joined) -> list[Any]:
    """The messages of the second request: the calls and their results."""
    calls = [
        {
            "id": each["id"],
            "type": "function",
            "function": {"name": each["name"], "arguments": each["arguments"]},
        }
        for each in joined.calls.values()
    ]
    results = [
        {"role": "tool", "tool_call_id": each["id"], "content": "booked"} for each in joined.calls.values()
    ]
    return [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": None, "tool_calls": calls},
        *results,
    ]


def whole_text(response: Any) -> str:
    """The text of a response that is not streamed."""
    if not response.choices:
        raise Incomplete("no choice")
    choice = response.choices[0]
    if choice.finish_reason != "stop" or not choice.message.content:
        raise Incomplete(f"finish reason {choice.finish_reason}")
    return str(choice.message.content)


def joined(chunks: Iterable[Any]) -> Joined:
    found = Joined()
    for chunk in chunks:
        found.add(chunk)
    return found


def converse(server: MockLLM) -> list[Any]:
    """The conversation with the synchronous client."""
    with OpenAI(base_url=server.openai_url, api_key="any", timeout=READ_TIMEOUT) as client:
        create = client.chat.completions.create
        first: list[Any] = [{"role": "user", "content": QUESTION}]
        calls = joined(create(model=MODEL, messages=first, tools=TOOLS, stream=True))
        built = calls.calls_sent()
        second = with_results(calls)
        reported = joined(create(model=MODEL, messages=second, tools=TOOLS, stream=True)).reported_text()
        third = create(model=MODEL, messages=[{"role": "user", "content": "Hello."}])
        return [[call[1:] for call in built], reported, whole_text(third)]


async def talk(server: MockLLM) -> list[Any]:
    """The conversation with the asynchronous client."""
    async with AsyncOpenAI(base_url=server.openai_url, api_key="any", timeout=READ_TIMEOUT) as client:
        create = client.chat.completions.create
        first: list[Any] = [{"role": "user", "content": QUESTION}]
        calls = Joined()
        async with await create(model=MODEL, messages=first, tools=TOOLS, stream=True) as stream:
            async for chunk in stream:
                calls.add(chunk)
        built, answer = calls.calls_sent(), Joined()
        async with await create(
            model=MODEL, messages=with_results(calls), tools=TOOLS, stream=True
        ) as stream:
            async for chunk in stream:
                answer.add(chunk)
        reported = answer.reported_text()
        third = await create(model=MODEL, messages=[{"role": "user", "content": "Hello."}])
        return [[call[1:] for call in built], reported, whole_text(third)]


def converse_async(server: MockLLM) -> list[Any]:
    return asyncio.run(talk(server))
