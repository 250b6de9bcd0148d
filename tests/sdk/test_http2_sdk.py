"""OpenAI's SDK over HTTP/2, without TLS and with it, and the faults that cut its streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import openai
import pytest

from tests.live import Live, live

RULES = """
mockllm: 1
rules:
  - match: {user: hello}
    reply: {chunks: ["Hello ", "over ", "HTTP/2."]}
  - match: {user: limited}
    error: rate_limit
  - match: {user: cut}
    reply: {chunks: ["One, ", "two, ", "three."]}
    faults: [{stall: {after: {chunks: 2}, for: 300ms}}, {close: {after: {chunks: 2}}}]
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("http2")
    (folder / "rules.yaml").write_text(RULES, encoding="utf-8")
    with live(folder) as running:
        yield running


@asynccontextmanager
async def client_of(served: Live) -> AsyncIterator[openai.AsyncOpenAI]:
    """A client that begins with HTTP/2, and tries each request once."""
    http_client = openai.DefaultAsyncHttpxClient(http1=False, http2=True, trust_env=False)
    base = f"{served.url}/v1"
    async with openai.AsyncOpenAI(
        base_url=base, api_key="any", max_retries=0, http_client=http_client
    ) as client:
        yield client


async def text_of(client: openai.AsyncOpenAI, user: str) -> str:
    stream = await client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": user}], stream=True
    )
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


def test_stream_arrives_over_http2(served: Live) -> None:
    async def versions() -> tuple[str, str]:
        async with client_of(served) as client:
            response = await client.models.with_raw_response.list()
            return response.http_response.http_version, await text_of(client, "hello")

    assert asyncio.run(versions()) == ("HTTP/2", "Hello over HTTP/2.")


def test_hundred_streams_share_a_connection(served: Live) -> None:
    async def texts() -> list[str]:
        async with client_of(served) as client:
            await text_of(client, "hello")
            return await asyncio.gather(*[text_of(client, "hello") for _ in range(100)])

    assert set(asyncio.run(texts())) == {"Hello over HTTP/2."}


def test_error_has_its_type_and_cut_is_an_error(served: Live) -> None:
    async def raised() -> None:
        async with client_of(served) as client:
            with pytest.raises(openai.RateLimitError):
                await text_of(client, "limited")
            with pytest.raises(openai.APIConnectionError):
                await text_of(client, "cut")
            assert await text_of(client, "hello") == "Hello over HTTP/2."

    asyncio.run(raised())
    line = served.line(lambda line: "fault" in line)
    assert "cut: connection closed" in line
