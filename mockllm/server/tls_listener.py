"""Accepts the connections of a socket with HTTPS, each with the present certificate.

asyncio's own servers know one certificate only, and are silent to plain HTTP and about half handshakes.
"""

from __future__ import annotations

import asyncio
import socket
import time
from functools import partial
from typing import Final, cast

from mockllm.server.app import App
from mockllm.server.connection_errors import error_bytes
from mockllm.server.connection_factory import ConnectionFactory
from mockllm.server.http1 import DateLine

PLAIN_HTTP: Final = "The plain HTTP request was sent to a port with HTTPS: write https:// in its address."
RETRY: Final = 1.0
"""Seconds until the next connection is accepted where the system allows no more open files."""


class TlsListener:
    """Accepts connections until it is closed."""

    def __init__(self, app: App, connection_factory: ConnectionFactory, sock: socket.socket) -> None:
        """Call it on the loop that runs the connections."""
        self._app = app
        self._connection_factory = connection_factory
        self._sock = sock
        self._loop = asyncio.get_running_loop()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._retry: asyncio.TimerHandle | None = None
        self._loop.add_reader(sock, self._accept)

    def _accept(self) -> None:
        try:
            sock, peer = self._sock.accept()
        except (BlockingIOError, ConnectionAbortedError):  # the client has disconnected
            return
        except OSError:
            self._loop.remove_reader(self._sock)
            self._retry = self._loop.call_later(RETRY, self._loop.add_reader, self._sock, self._accept)
            return
        client_address = str(peer[0])
        if not self._connection_factory.begin_tls_handshake(client_address):
            sock.close()
            return
        sock.setblocking(False)
        task = self._loop.create_task(self._begin(sock))
        self._handshakes.add(task)
        task.add_done_callback(partial(self._end, sock, client_address))

    def _end(self, sock: socket.socket, client_address: str, task: asyncio.Task[None]) -> None:
        """Count a handshake no longer. A task that was cancelled may not have begun."""
        self._handshakes.discard(task)
        self._connection_factory.end_tls_handshake(client_address)
        if task.cancelled():
            sock.close()

    async def _begin(self, sock: socket.socket) -> None:
        """Make the connection of a client, or refuse one that speaks plain HTTP."""
        end = self._loop.time() + self._app.limits.head_time
        try:
            async with asyncio.timeout_at(end):
                first = await self._first_byte(sock)
            if first.isupper():  # the first letter of a method; that of a handshake is 0x16
                await self._refuse(sock)
            elif first:
                left = max(0.001, end - self._loop.time())
                await self._loop.connect_accepted_socket(
                    self._connection_factory, sock, ssl=self._app.tls, ssl_handshake_timeout=left
                )
            else:
                sock.close()
        except OSError:  # the time is over, or the handshake fails
            sock.close()

    async def _refuse(self, sock: socket.socket) -> None:
        """Refuse a client that speaks plain HTTP. It has the linger time to read that."""
        transport, plain_http = await self._loop.connect_accepted_socket(_PlainHttp, sock)
        try:
            await asyncio.wait([plain_http.lost], timeout=self._app.limits.linger)
        finally:
            transport.abort()

    async def _first_byte(self, sock: socket.socket) -> bytes:
        """Return the first byte, which stays in the socket; nothing if the client sends none."""
        readable = asyncio.Event()
        self._loop.add_reader(sock, readable.set)
        try:
            await readable.wait()
        finally:
            self._loop.remove_reader(sock)
        return sock.recv(1, socket.MSG_PEEK)

    def close(self) -> None:
        """Accept no more connections."""
        if self._sock.fileno() < 0:
            return
        if self._retry is not None:
            self._retry.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def cut(self) -> None:
        """End the handshakes."""
        for task in tuple(self._handshakes):
            task.cancel()


class _PlainHttp(asyncio.Protocol):
    """Refuses a client that speaks plain HTTP, and ignores what it sends, so that it gets the error response. `lost`
    has a result once the connection has ended."""

    def __init__(self) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)
        stream.write(error_bytes(400, PLAIN_HTTP, DateLine().bytes_at(time.time())))
        stream.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(None)
