"""Makes the connections of a server, and counts them by the address of their client."""

from __future__ import annotations

import asyncio
from collections import Counter
from math import inf
from typing import TYPE_CHECKING, Final, Protocol

from mockllm.core.display import counted
from mockllm.server.access_log import shortened_for_line
from mockllm.server.app import App
from mockllm.server.connection import Connection
from mockllm.server.line_output import report
from mockllm.server.reading_connection import ReadingConnection
from mockllm.server.ready_connections import ReadyConnections

if TYPE_CHECKING:
    from mockllm.server.http2.connection import Http2Connection

HTTP2_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""The first bytes of a client that uses HTTP/2 (RFC 9113, section 3.4)."""
REPORT_INTERVAL: Final = 10.0
"""Seconds between two lines about refused connections."""


class OpenConnection(Protocol):
    """A connection of any version of HTTP. `client_address`: the peer's, without its port."""

    client_address: str

    @property
    def transport(self) -> asyncio.Transport | None: ...

    @property
    def unsent_bytes(self) -> int:
        """Bytes that wait for the client."""

    async def shutdown(self, seconds: float) -> None:
        """End the connection and its exchanges, which have these seconds to end by themselves."""


class ConnectionFactory:
    """Makes the connections of a server; server sockets use it as their protocol factory."""

    def __init__(self, app: App) -> None:
        """Call it on the loop that runs the connections."""
        app.start()
        self._app = app
        self._loop = asyncio.get_running_loop()
        self.ready_connections = ReadyConnections(app.deadlines, self._loop, app.counting_rounds)
        self.connections: set[OpenConnection] = set()
        self._multiplexed: set[Http2Connection] = set()
        """The open connections that use HTTP/2."""
        self._counts: dict[str, int] = {}
        """The open connections by client address."""
        self._tls_handshakes: Counter[str] = Counter()
        """The connections by client address whose TLS begins."""
        self._refused = 0
        """The connections that were refused since the last report."""
        self._next_report = -inf

    def __call__(self) -> Connection:
        return Connection(self, self._app, self._loop)

    def switch_to_http2(self, connection: ReadingConnection, data: bytes) -> None:
        """Let a client go on with HTTP/2. `data` begins with the preface, or with the rest of one whose beginning
        came in earlier reads."""
        from mockllm.server.http2.connection import Http2Connection

        transport = connection.transport
        connection.connection_lost(None)  # its transport goes on
        if transport is not None and not transport.is_closing():
            successor = Http2Connection(self, self._app, self._loop)
            self._multiplexed.add(successor)
            transport.set_protocol(successor)
            successor.connection_made(transport)
            sizes = range(min(len(data), len(HTTP2_PREFACE)), 0, -1)
            start = next((size for size in sizes if HTTP2_PREFACE.endswith(data[:size])), 0)
            successor.data_received(HTTP2_PREFACE + data[start:])

    def add(self, connection: OpenConnection) -> bool:
        """Add an open connection. Return whether its address has no more of them than the limit allows."""
        self.connections.add(connection)
        count = self._counts[connection.client_address] = self._counts.get(connection.client_address, 0) + 1
        if (
            self._app.report_connections is not None
        ):  # reports this worker's count, and returns that of all workers
            count = self._app.report_connections(connection.client_address, count)
        return self._within_limit(connection.client_address, count)

    def begin_tls_handshake(self, client_address: str) -> bool:
        """Count a connection whose TLS begins, until `end_tls_handshake`. Return whether its address is within the
        limit. A connection beyond it is not counted."""
        if not self._within_limit(client_address, self._tls_handshakes[client_address] + 1):
            return False
        self._tls_handshakes[client_address] += 1
        return True

    def end_tls_handshake(self, client_address: str) -> None:
        """Count no longer a connection whose TLS has begun, or failed."""
        self._tls_handshakes[client_address] -= 1
        if not self._tls_handshakes[client_address]:
            del self._tls_handshakes[client_address]

    def _within_limit(self, client_address: str, count: int) -> bool:
        """Return whether an address may have so many connections. Report that one is refused."""
        limit = self._app.limits.connections
        if count <= limit:
            return True
        self._refused += 1
        monotonic = self._app.deadlines.time()
        if monotonic >= self._next_report:
            self._next_report = monotonic + REPORT_INTERVAL
            refused, self._refused = self._refused, 0
            last = shortened_for_line(client_address)
            text = f"refused {counted(refused, 'connection')}, the last from {last}"
            report(f"{text}: more than {limit} (--max-connections-per-address)")
        return False

    def remove(self, connection: OpenConnection) -> None:
        """Remove a connection that has ended."""
        if connection in self.connections:
            self.connections.remove(connection)
            self._multiplexed.discard(connection)
            count = self._counts.pop(connection.client_address) - 1
            if count:
                self._counts[connection.client_address] = count
            if self._app.report_connections is not None:
                self._app.report_connections(connection.client_address, count)

    def drain(self) -> None:
        """Announce the end of the server to the clients of HTTP/2, which has a frame for that."""
        for connection in tuple(self._multiplexed):
            connection.drain()

    async def shutdown(self, seconds: float) -> None:
        """End all connections."""
        await asyncio.gather(*[connection.shutdown(seconds) for connection in self.connections])
