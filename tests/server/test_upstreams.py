"""What a provider gets of a request, and what of its behaviour reaches the client, the log and other requests."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from multidict import CIMultiDict

from mockllm.engine import EngineRequest
from mockllm.server.protocols import ProxyFailed
from mockllm.server.upstreams import MAX_RESPONSE_HEADER, Upstreams, joined_url
from tests.server.fake_engine import FakeHeading
from tests.server.raw_client import Raw
from tests.server.recording import BODY, answering, files, post, provider, recording
from tests.waiting import PATIENCE, until

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
PATH = "/v1/chat/completions?key=hidden"


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[str]:
    """A provider that serves all connections at the same time, as `talk` does."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def request_of(path: str) -> EngineRequest:
    return FakeHeading("GET", path, "", {}).read(b"", "127.0.0.1", 0.0)


def test_many_open_responses_do_not_hold_up_another_request() -> None:
    """A client of aiohttp has 100 connections by default."""
    open_responses = 110

    async def ask() -> int:
        began, ended = asyncio.Semaphore(0), asyncio.Event()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if b"/slow" in await reader.readuntil(b"\r\n\r\n"):
                began.release()
                await ended.wait()
            writer.write(EMPTY)
            await writer.drain()

        async with listening(talk) as url:
            upstreams = Upstreams({})
            slow = [
                asyncio.create_task(upstreams.send(request_of("/slow"), {}, url))
                for _ in range(open_responses)
            ]
            async with asyncio.timeout(PATIENCE):
                for _ in slow:
                    await began.acquire()
                async with await upstreams.send(request_of("/fast"), {}, url) as response:
                    status = response.status
            ended.set()
            for each in await asyncio.gather(*slow):
                each.close()
            await upstreams.close()
            return status

    assert asyncio.run(ask()) == 200


@pytest.mark.parametrize(
    "wrong",
    [
        b"no HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: hidden%b\r\n\r\n" % (b"a" * 2 * MAX_RESPONSE_HEADER),
    ],
    ids=["none", "two lengths", "long header"],
)
def test_malformed_response_is_a_502_that_shows_no_key(wrong: bytes, tmp_path: Path) -> None:
    with provider(answering(wrong)) as there, recording(tmp_path, openai=there) as (url, _, stated):
        got = post(url, PATH, BODY)
        line = until(lambda: next((line for line in stated if "502" in line), ""))
    assert got.status == 502
    assert "does not respond: its response is not HTTP" in got.text
    assert "its response is not HTTP" in line
    assert "hidden" not in got.text + line


def test_long_header_of_a_provider_reaches_the_client(tmp_path: Path) -> None:
    value = "a" * (MAX_RESPONSE_HEADER - 100)
    head = f"HTTP/1.1 200 OK\r\nX-Policy: {value}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    with provider(answering(head)) as there, recording(tmp_path, openai=there) as (url, _, _):
        assert post(url, PATH, BODY).headers["x-policy"] == value


def test_headers_of_a_provider_reach_the_client_as_its_bytes(tmp_path: Path) -> None:
    lines = [b"X-utf: caf\xc3\xa9", b"x-LATIN: caf\xe9", b"X-Tab: a\tb"]
    data = b"HTTP/1.1 200 OK\r\n" + b"\r\n".join([*lines, b"Content-Length: 2\r\n\r\n{}"])
    with provider(answering(data)) as there, recording(tmp_path, openai=there) as (url, _, _):
        with Raw.to(url) as client:
            client.send(b"GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            got = client.to_the_end()
        text = files(tmp_path)[0].read_text(encoding="utf-8")
    assert [line for line in lines if line in got] == lines
    assert 'X-utf: "café"' in text


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        ("http://a", "/mcp", "http://a/mcp"),
        ("http://a/mcp", "/mcp", "http://a/mcp"),
        ("http://a/v1", "/v1/x", "http://a/v1/x"),
        ("http://a/v1", "/v10", "http://a/v1/v10"),
    ],
)
def test_path_of_a_base_url_is_not_repeated(base: str, path: str, url: str) -> None:
    assert joined_url(base, path, "q=1") == f"{url}?q=1"


def test_headers_that_connection_names_are_not_forwarded() -> None:
    sent = CIMultiDict({"Connection": "close, X-Hop", "x-hop": "1", "X-Other-Hop": "1", "X-End": "1"})
    sent.add("Connection", "x-other-hop")
    assert {name.lower() for name in Upstreams({}).forwarded_headers(sent)} == {
        "x-end",
        "accept-encoding",
        "x-mockllm-recorder",
    }


def test_headers_that_a_provider_names_as_hops_end_here(tmp_path: Path) -> None:
    data = b"HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-End: 1\r\nContent-Length: 2\r\n\r\n{}"
    with provider(answering(data)) as there, recording(tmp_path, openai=there) as (url, _, _):
        got = post(url, PATH, BODY)
        assert ("x-hop" in got.headers, got.headers["x-end"]) == (False, "1")
        text = files(tmp_path)[0].read_text(encoding="utf-8")
    assert ("X-Hop" in text, "X-End" in text) == (False, True)


def test_unrequested_switch_of_protocols_is_a_502(tmp_path: Path) -> None:
    data = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n"
    with provider(answering(data)) as there, recording(tmp_path, openai=there) as (url, _, _):
        got = post(url, PATH, BODY)
    assert got.status == 502
    assert json.loads(got.body)["error"]["message"].endswith("it switches to another protocol")


def test_redirected_handshake_is_refused_and_not_followed() -> None:
    """A response with a redirect goes to the client, which decides whether it follows."""
    visited: list[str] = []

    async def redirect(request: web.Request) -> web.StreamResponse:
        visited.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    async def open_it() -> ProxyFailed:
        app = web.Application()
        app.router.add_get("/{any:.*}", redirect)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = "http://{}:{}".format(*runner.addresses[0])
        upstreams = Upstreams({})
        with pytest.raises(ProxyFailed) as failed:
            await upstreams.open_websocket(request_of("/v1/realtime"), {}, url, 100)
        await upstreams.close()
        await runner.cleanup()
        return failed.value

    failure = asyncio.run(open_it()).failure
    assert visited == ["/v1/realtime"]
    assert (failure.status, failure.message) == (502, "The upstream of other refuses the WebSocket with 307.")
