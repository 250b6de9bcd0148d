"""Verdicts on real SDKs that read a stream: to its end, or not, and with which read timeout.

No wait is longer than the responses request, or than the shortest that an SDK makes by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from mockllm.testing import MockLLM
from tests.sdk.judging import HI, judged, verdicts
from tests.waiting import until


@pytest.fixture
def server() -> Iterator[MockLLM]:
    with judged() as built:
        yield built


def chat_stream(server: MockLLM, most: int | None = None, **client: Any) -> str:
    """Its text, as far as it is read."""
    with (
        openai.OpenAI(base_url=server.openai_url, api_key="sk", **client) as built,
        built.chat.completions.create(model="gpt-4o", messages=HI, stream=True) as stream,
    ):
        return read((chunk.choices[0].delta.content for chunk in stream), most)


def chat_stream_async(server: MockLLM, most: int | None = None, **client: Any) -> str:
    async def ask() -> str:
        texts: list[str] = []
        async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="sk", **client) as built:
            stream = await built.chat.completions.create(model="gpt-4o", messages=HI, stream=True)
            async with stream:
                with contextlib.suppress(openai.APIConnectionError):
                    async for chunk in stream:
                        texts += [chunk.choices[0].delta.content or ""]
                        if most is not None and len(texts) > most:
                            break
        return "".join(texts)

    return asyncio.run(ask())


def messages_stream(server: MockLLM, most: int | None = None, **client: Any) -> str:
    with (
        anthropic.Anthropic(base_url=server.anthropic_url, api_key="sk", **client) as built,
        built.messages.stream(model="claude-sonnet-5", max_tokens=99, messages=HI) as stream,
    ):
        return read(stream.text_stream, most)


def gemini_stream(server: MockLLM, most: int | None = None, timeout: float | None = None) -> str:
    http = types.HttpOptions(
        base_url=server.gemini_url, timeout=None if timeout is None else round(timeout * 1000)
    )
    client = genai.Client(api_key="k", http_options=http)
    try:
        stream = client.models.generate_content_stream(model="gemini-3-pro", contents="hi")
        return read((chunk.text for chunk in stream), most)
    finally:
        client.close()


def read(chunks: Iterator[str | None], most: int | None) -> str:
    """So much of it: an error ends it, and is not minded."""
    texts: list[str] = []
    with contextlib.suppress(Exception):
        for chunk in chunks:
            texts.append(chunk or "")
            if most is not None and len(texts) > most:
                break
    return "".join(texts)


STREAMS: dict[str, Callable[..., str]] = {
    "openai": chat_stream,
    "openai, async": chat_stream_async,
    "anthropic": messages_stream,
    "google-genai": gemini_stream,
}
TELLING = {name: ask for name, ask in STREAMS.items() if name != "google-genai"}
"""Those that tell their read timeout also where it is the default."""


@pytest.fixture(params=list(STREAMS.values()), ids=list(STREAMS))
def stream(request: pytest.FixtureRequest) -> Callable[..., str]:
    result: Callable[..., str] = request.param
    return result


@pytest.fixture(params=list(TELLING.values()), ids=list(TELLING))
def telling(request: pytest.FixtureRequest) -> Callable[..., str]:
    result: Callable[..., str] = request.param
    return result


def test_stream_read_to_its_end_has_no_verdict(server: MockLLM, stream: Callable[..., str]) -> None:
    server.reply({"chunks": ["a", "b", "c"]}, pace={"itl": "20ms"})
    assert stream(server) == "abc"
    assert verdicts(server) == []


def test_stream_left_early_is_cancelled_early(server: MockLLM, stream: Callable[..., str]) -> None:
    server.reply({"chunks": [f"{number} " for number in range(100)]}, pace={"itl": "50ms"})
    assert stream(server, 3).startswith("0 1 ")
    assert verdicts(server) == ["cancelled_early"]


STALL = [{"stall": {"after": {"chunks": 1}, "for": "300ms"}}]


def test_client_with_default_timeout_has_no_read_timeout(
    server: MockLLM, telling: Callable[..., str]
) -> None:
    server.reply({"chunks": ["a", "b", "c"]}, faults=STALL)
    assert telling(server) == "abc"
    assert verdicts(server) == ["no_read_timeout"]


def test_client_with_timeout_of_a_minute_has_no_verdict(server: MockLLM, telling: Callable[..., str]) -> None:
    server.reply({"chunks": ["a", "b", "c"]}, faults=STALL)
    assert telling(server, timeout=60.0) == "abc"
    assert verdicts(server) == []


def test_google_client_with_long_timeout_has_no_read_timeout(server: MockLLM) -> None:
    server.reply({"chunks": ["a", "b", "c"]}, faults=STALL)
    assert gemini_stream(server, timeout=600.0) == "abc"
    assert verdicts(server) == ["no_read_timeout"]


@pytest.mark.parametrize("fault", ["stall", "silence"])
def test_client_timeout_in_silent_stream_has_no_verdict(
    server: MockLLM, stream: Callable[..., str], fault: str
) -> None:
    place: dict[str, Any] = {"after": {"chunks": 1}}
    server.reply(
        {"chunks": ["a", "b", "c"]}, faults=[{fault: place | ({"for": "5s"} if fault == "stall" else {})}]
    )
    stream(server, timeout=1.0 if stream is gemini_stream else 0.2)
    assert verdicts(server) == []


def test_hanging_client_has_verdict_while_it_hangs(server: MockLLM) -> None:
    server.reply({"chunks": ["a", "b", "c"]}, faults=[{"silence": {"after": {"chunks": 1}}}])
    hanging = threading.Thread(target=chat_stream, args=(server,), kwargs={"max_retries": 0})
    hanging.start()
    try:
        until(lambda: server.verdicts.names == ["no_read_timeout"])
        assert "its read timeout is 600s" in server.verdicts[0].says
    finally:
        server.stop()
        hanging.join(30)


def talk(server: MockLLM, text: str) -> None:
    """The conversation goes on, with this as the assistant's words."""
    lines: list[Any] = [*HI, {"role": "assistant", "content": text}, {"role": "user", "content": "And?"}]
    with openai.OpenAI(base_url=server.openai_url, api_key="sk") as built:
        built.chat.completions.create(model="gpt-4o", messages=lines)


def talk_anthropic(server: MockLLM, text: str) -> None:
    lines: list[Any] = [*HI, {"role": "assistant", "content": text}, {"role": "user", "content": "And?"}]
    with anthropic.Anthropic(base_url=server.anthropic_url, api_key="sk") as built:
        built.messages.create(model="claude-sonnet-5", max_tokens=99, messages=lines)


def talk_gemini(server: MockLLM, expected_text: str) -> None:
    turns = [("user", "hi"), ("model", expected_text), ("user", "And?")]
    lines: list[Any] = [types.Content(role=role, parts=[types.Part(text=text)]) for role, text in turns]
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=server.gemini_url))
    try:
        client.models.generate_content(model="gemini-3-pro", contents=lines)
    finally:
        client.close()


TALKS: dict[str, tuple[Callable[..., str], Callable[[MockLLM, str], None]]] = {
    "openai": (chat_stream, talk),
    "anthropic": (messages_stream, talk_anthropic),
    "google-genai": (gemini_stream, talk_gemini),
}


@pytest.mark.parametrize(
    "fault", [{"close": {"after": {"chunks": 2}}}, "no_finish"], ids=["cut", "no finish"]
)
@pytest.mark.parametrize(("ask", "go_on"), TALKS.values(), ids=TALKS)
def test_cut_stream_used_as_response_is_truncated_accepted(
    server: MockLLM, ask: Callable[..., str], go_on: Callable[[MockLLM, str], None], fault: Any
) -> None:
    server.reply({"chunks": ["Once", " upon", " a"]}, match={"user": "hi", "stream": True}, faults=[fault])
    text = ask(server)
    assert text in ("Once upon", "Once upon a")
    go_on(server, text)
    assert verdicts(server) == ["truncated_stream_accepted"]


@pytest.mark.parametrize(("ask", "go_on"), TALKS.values(), ids=TALKS)
def test_cut_stream_requested_again_is_recovered(
    server: MockLLM, ask: Callable[..., str], go_on: Callable[[MockLLM, str], None]
) -> None:
    server.reply({"chunks": ["Once", " upon", " a"]}, match={"user": "hi", "stream": True})
    cut = [{"close": {"after": {"chunks": 2}}}]
    server.reply(
        {"chunks": ["Once", " upon", " a"]}, match={"user": "hi", "stream": True}, faults=cut, times=1
    )
    assert ask(server) == "Once upon"
    text = ask(server)
    assert text == "Once upon a"
    go_on(server, text)
    assert verdicts(server) == ["recovered"]
