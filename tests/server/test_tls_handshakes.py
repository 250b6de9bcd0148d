"""The half handshakes of a port with HTTPS, in the process of the test."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mockllm.server.app import App
from mockllm.server.certificates import context, self_signed
from mockllm.server.connection_factory import ConnectionFactory
from mockllm.server.tls_listener import TlsListener
from tests.server.fake_engine import FakeEngine
from tests.waiting import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="asyncio's own server has these ports there")


class Handshakes(ConnectionFactory):
    """Counts those that are going on."""

    count = 0

    def __init__(self, app: App) -> None:
        super().__init__(app)
        self._changed = asyncio.Event()

    async def until(self, count: int) -> None:
        while self.count != count:
            self._changed.clear()
            await self._changed.wait()

    def begin_tls_handshake(self, client: str) -> bool:
        self.count += 1
        self._changed.set()
        return super().begin_tls_handshake(client)

    def end_tls_handshake(self, client: str) -> None:
        self.count -= 1
        self._changed.set()
        super().end_tls_handshake(client)


class Listening:
    """A port with HTTPS, on the running loop."""

    def __init__(self, tmp_path: Path) -> None:
        app = App(FakeEngine({}))
        app.limits = replace(app.limits, linger=600.0, head_time=600.0)
        app.tls = context(self_signed(tmp_path).server)
        self._sock = socket.create_server(("127.0.0.1", 0))
        self._sock.setblocking(False)
        self.port: int = self._sock.getsockname()[1]
        self.handshakes = Handshakes(app)
        self.listener = TlsListener(app, self.handshakes, self._sock)

    async def opened(self, sent: bytes) -> socket.socket:
        """Return a client, blocking, whose connection is accepted, though not yet served."""
        before = self.handshakes.count
        client = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        client.sendall(sent)
        await self.handshakes.until(before + 1)
        return client

    async def refused(self) -> socket.socket:
        """Return a client that has got the refusal of plain HTTP."""
        client = await self.opened(b"GET / HTTP/1.1\r\n\r\n")
        received = await asyncio.to_thread(client.makefile("rb").read)
        assert received.startswith(b"HTTP/1.1 400 ")
        return client


def listen(tmp_path: Path, act: Callable[[Listening], Awaitable[None]]) -> None:
    """Let a test act with a port. Fail for a socket that it leaves open."""

    async def acted() -> None:
        listening = Listening(tmp_path)
        try:
            await act(listening)
        finally:
            listening.listener.cut()
            listening.listener.close()
        await listening.handshakes.until(0)
        for _ in range(3):  # until asyncio has closed the sockets
            await asyncio.sleep(0)

    gc.collect()  # what other tests have left
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(asyncio.wait_for(acted(), PATIENCE))
        gc.collect()
    assert [str(warning.message) for warning in caught] == []


def test_plain_client_that_has_left_is_counted_no_longer(tmp_path: Path) -> None:
    async def act(listening: Listening) -> None:
        (await listening.refused()).close()
        await listening.handshakes.until(0)

    listen(tmp_path, act)


def test_end_of_the_server_ends_the_linger_of_a_plain_client(tmp_path: Path) -> None:
    async def act(listening: Listening) -> None:
        with await listening.refused() as client:
            listening.listener.cut()
            await listening.handshakes.until(0)
            client.close()

    listen(tmp_path, act)


def test_cut_before_the_first_step_closes_the_socket(tmp_path: Path) -> None:
    async def act(listening: Listening) -> None:
        with await listening.opened(b"") as client:
            listening.listener.cut()
            await listening.handshakes.until(0)
            assert await asyncio.to_thread(client.recv, 1) == b""

    listen(tmp_path, act)


def test_second_close_does_nothing(tmp_path: Path) -> None:
    async def act(listening: Listening) -> None:
        listening.listener.close()
        listening.listener.close()

    listen(tmp_path, act)
