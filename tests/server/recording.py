"""A recorder at work between a client and a provider, both of the test's own."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from mockllm.engine import Engine
from mockllm.recordings.scenario_writer import RequestParser
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.server.access_log import AccessLog
from mockllm.server.app import App
from mockllm.server.provider_proxy import ProviderProxy
from mockllm.server.server_limits import ServerLimits
from mockllm.server.upstreams import Upstreams
from mockllm.state.engine_state import EngineState
from tests.server.raw_client import Got, Raw
from tests.server.threaded_server import ThreadedServer
from tests.waiting import PATIENCE, until

KEY = "sk-" + "a1B2" * 8
_FINAL_STATUS = re.compile(rb"\A(HTTP/1\.1 [2-5].*\r\n)(?!Connection:)")
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Say it."}]}


@contextmanager
def recording(
    out: Path, everything: bool = True, **upstreams: str
) -> Iterator[tuple[str, ProviderProxy, list[str]]]:
    """A recorder at work: its URL, itself, and the lines for each request."""
    stated: list[str] = []
    recorder = ProviderProxy(Upstreams(upstreams), out, RequestParser(), stated.append, everything)
    app = App(
        Engine(run_steps(compile_catalog([])), EngineState()),
        limits=ServerLimits(grace=0.5),
        access_log=AccessLog(stated.append),
    )
    app.provider_proxy = recorder
    with ThreadedServer(app) as url:
        yield url, recorder, stated


def post(url: str, path: str, body: Any, *headers: str) -> Got:
    """A request with a separate connection."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: x",
        f"Content-Length: {len(raw)}",
        f"Authorization: Bearer {KEY}",
        *headers,
    ]
    with Raw.to(url) as client:
        client.send("\r\n".join([*lines, "", ""]).encode() + raw)
        return client.answer()


def files(out: Path, count: int = 1) -> list[Path]:
    """The files that were recorded, once there are so many."""
    return until(lambda: found if len(found := sorted(out.rglob("*.yaml"))) >= count else None)


@contextmanager
def closed_address() -> Iterator[str]:
    """An address that is taken, and where no process listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


class _LastResponse:
    """A connection of a provider: the head of its response has `Connection: close`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def sendall(self, data: bytes) -> None:
        self._connection.sendall(_FINAL_STATUS.sub(rb"\1Connection: close\r\n", data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@contextmanager
def provider(talk: Callable[[socket.socket, bytes], None]) -> Iterator[str]:
    """A provider that serves each connection as `talk` does, which gets the request's head. Each response says
    that its connection closes: else the server may send the next request on a connection that is just closing."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(PATIENCE)
                data = b""
                while b"\r\n\r\n" not in data:
                    data += connection.recv(65536)
                talk(cast(socket.socket, _LastResponse(connection)), data.partition(b"\r\n\r\n")[0])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(PATIENCE)


HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nSet-Cookie: private=1\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def answering(data: bytes) -> Callable[[socket.socket, bytes], None]:
    return lambda connection, _: connection.sendall(data)
