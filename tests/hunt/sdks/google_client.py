"""A conversation with the SDK of Google, synchronous and asynchronous: two calls in a stream, their results, and a
response that is not streamed. It reports what is no complete reply."""

from __future__ import annotations

import asyncio
from typing import Any

from google import genai
from google.genai import errors, types

from mockllm.testing import MockLLM
from tests.hunt.sdks.incomplete import PARAMETERS, QUESTION, READ_TIMEOUT, Incomplete, checked

ERRORS = (errors.APIError, Incomplete)
MODEL = "gemini-2.5-flash"
TOOLS = types.GenerateContentConfig(
    tools=[
        types.Tool(
            function_declarations=[
                types.FunctionDeclaration(name=name, parameters_json_schema=parameters)
                for name, parameters in PARAMETERS.items()
            ]
        )
    ],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)
RETRIES = types.HttpRetryOptions(attempts=3, initial_delay=0.2)
"""The SDK retries only where it is configured to."""


class Joined:
    """The chunks of a response, or the whole response."""

    def __init__(self, *chunks: Any) -> None:
        self.text = ""
        self.parts: list[Any] = []
        self.finish: Any = None
        for chunk in chunks:
            self.add(chunk)

    def add(self, chunk: Any) -> None:
        for candidate in chunk.candidates or ():
            content = candidate.content
            for part in (content.parts if content is not None else None) or ():
                self.text += part.text or ""
                self.parts += [part] if part.function_call is not None else []
            self.finish = candidate.finish_reason or self.finish

    def calls_sent(self) -> list[tuple[str, Any]]:
        if self.finish != types.FinishReason.STOP or not self.parts:
            raise Incomplete(f"finish reason {self.finish}")
        calls = [part.function_call for part in self.parts]
        return [(call.name, checked(call.name, call.args)) for call in calls]

    def reported_text(self) -> str:
        if self.finish != types.FinishReason.STOP or not self.text:
            raise Incomplete(f"finish reason {self.finish}")
        return self.text


def with_results(joined: Joined) -> list[types.Content]:
    """The contents of the second request: the calls and their results."""
    results = [
        types.Part.from_function_response(name=part.function_call.name, response={"result": "booked"})
        for part in joined.parts
    ]
    return [
        types.Content(role="user", parts=[types.Part(text=QUESTION)]),
        types.Content(role="model", parts=joined.parts),
        types.Content(role="user", parts=results),
    ]


def client_of(server: MockLLM) -> genai.Client:
    options = types.HttpOptions(
        base_url=server.base_url, timeout=int(READ_TIMEOUT * 1000), retry_options=RETRIES
    )
    return genai.Client(api_key="any", http_options=options)


def converse(server: MockLLM) -> list[Any]:
    """The conversation with the synchronous client."""
    with client_of(server) as client:
        models = client.models
        calls = Joined(*models.generate_content_stream(model=MODEL, contents=QUESTION, config=TOOLS))
        built = calls.calls_sent()
        second: Any = with_results(calls)
        reported = Joined(
            *models.generate_content_stream(model=MODEL, contents=second, config=TOOLS)
        ).reported_text()
        third = models.generate_content(model=MODEL, contents="Hello.")
        return [built, reported, Joined(third).reported_text()]


async def talk(server: MockLLM) -> list[Any]:
    """The conversation with the asynchronous client."""
    async with client_of(server).aio as client:
        models = client.models
        calls, answer = Joined(), Joined()
        async for chunk in await models.generate_content_stream(model=MODEL, contents=QUESTION, config=TOOLS):
            calls.add(chunk)
        built = calls.calls_sent()
        second: Any = with_results(calls)
        async for chunk in await models.generate_content_stream(model=MODEL, contents=second, config=TOOLS):
            answer.add(chunk)
        reported = answer.reported_text()
        third = await models.generate_content(model=MODEL, contents="Hello.")
        return [built, reported, Joined(third).reported_text()]


def converse_async(server: MockLLM) -> list[Any]:
    return asyncio.run(talk(server))
