"""Writes responses to the socket of a connection, and ends the connection in the ways that faults require."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Literal

from mockllm.server.http1 import CONTINUE

if TYPE_CHECKING:
    from mockllm.server.closable_connection import ClosableConnection
    from mockllm.server.server_limits import ServerLimits

if sys.platform != "win32":
    import fcntl
    import termios

SOCKET_POLL_SECONDS: Final = 0.001
"""Seconds between two polls for acknowledged bytes: the server's kernel does not notify it of acknowledgements.
Also the first interval between two polls of a half-closed connection, which grows (`MAX_POLL_INTERVAL`)."""


class SocketSink:
    """Writes to one connection. `queue_write` adds bytes to the write queue. `ready_connections.py` writes it after
    it has served the requests of an iteration, with the responses on other connections. While it serves none,
    `queue_write` writes the bytes at once. It returns False if the client has disconnected, or has not read what
    it got before. `written`: whether bytes of the current response were written, or added to the write queue."""

    __slots__ = (
        "_interim_response_sent",
        "_limits",
        "client_disconnected",
        "connection",
        "http2",
        "queue_write",
        "written",
    )

    def __init__(
        self, connection: ClosableConnection, limits: ServerLimits, queue_write: Callable[[bytes], bool]
    ) -> None:
        self.connection = connection
        self.queue_write = queue_write
        self._limits = limits
        self.written = self._interim_response_sent = False
        self.http2 = False
        self.client_disconnected = False
        """Whether the client has certainly disconnected. After a half-close, only a TCP RST for written bytes shows
        it (`check_client`)."""

    def write(self, data: bytes) -> None:
        transport = self.connection.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has disconnected")
        self.written = True
        transport.write(data)

    def write_continue(self) -> None:
        """Let a client send its body that waits for `100 Continue`."""
        self.write(CONTINUE)
        self.written = False

    def shut_down_writing(self) -> None:
        """Send FIN after the written bytes. The client has the linger time to read them and to close."""
        self.connection.close_write_side(self._limits.linger)

    @property
    def full(self) -> bool:
        return self.connection.writing_paused

    @property
    def half_closed(self) -> bool:
        """Whether the client sends no more: it may still read, or may have disconnected."""
        return self.connection.half_closed_at is not None

    def send_interim_response(self) -> None:
        """Send an interim response to a client that has half-closed the connection. Any HTTP/1.1 client skips it.
        The kernel of one that has closed the connection as a whole replies with a reset."""
        self._interim_response_sent = self.queue_write(CONTINUE)

    def check_client(self) -> None:
        """Set `client_disconnected` if the socket has an error. The kernel reports that once."""
        transport = self.connection.transport
        sock = None if transport is None else _socket(transport)
        if sock is not None and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.client_disconnected = True

    def disconnected_at(self, write_times: Sequence[float]) -> float | None:
        """Return when a client disconnected that had half-closed the connection before. Where a reset shows that it
        has disconnected, that is the time of the last write that it has read, or of the half-close. None if it has
        not half-closed, or reads later bytes. `write_times`: when the bytes of the response were written."""
        disconnected_at = self.connection.half_closed_at
        if disconnected_at is None:
            return None
        later = [time for time in write_times if time > disconnected_at]
        if self.client_disconnected:  # it has read all but the last bytes
            return later[-2] if len(later) > 1 else disconnected_at
        return None if later or self._interim_response_sent else disconnected_at

    async def drained(self) -> None:
        """Return when the client has read enough for the next bytes. Raises ConnectionError if it has disconnected,
        or has read nothing for the keep-alive time."""
        connection, unsent = self.connection, None
        while connection.writing_paused:
            before, unsent = unsent, connection.unsent_bytes
            if before is not None and unsent >= before:
                raise ConnectionResetError("the client reads nothing")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._limits.keepalive):
                    await connection.drained()
        await connection.drained()

    async def wait_until_acknowledged(self) -> None:
        """Return when the kernel of a client that has half-closed the connection has all bytes. Raises
        ConnectionError if the client has closed it as a whole, which only a TCP RST for these bytes shows."""
        while True:
            self.check_client()
            transport = self.connection.transport
            if self.client_disconnected or (transport is not None and transport.is_closing()):
                raise ConnectionResetError("the client has disconnected")
            if transport is None or not _unacknowledged(transport):
                return
            await asyncio.sleep(SOCKET_POLL_SECONDS)

    async def cut(self, how: Literal["close", "reset", "silence"]) -> None:
        """Send FIN or RST after the written bytes. A reset waits until the client's kernel has all bytes, or has
        accepted none for the linger time. A silence lasts until the client disconnects, which cancels it."""
        loop = asyncio.get_running_loop()
        if how == "silence":
            await loop.create_future()
        transport = self.connection.transport
        if transport is not None and how == "reset":
            unacknowledged, end = _unacknowledged(transport), loop.time() + self._limits.linger
            while unacknowledged and loop.time() < end:
                await asyncio.sleep(SOCKET_POLL_SECONDS)
                before, unacknowledged = unacknowledged, _unacknowledged(transport)
                if unacknowledged < before:
                    end = loop.time() + self._limits.linger
            sock = _socket(transport)
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        self.connection.close_and_drop_transport()


def _socket(transport: asyncio.Transport) -> socket.socket | None:
    """Return None if the connection has ended. A transport with TLS has no socket then, and the descriptor of
    another may belong to a new connection."""
    return None if transport.is_closing() else transport.get_extra_info("socket")


def _unacknowledged(transport: asyncio.Transport) -> int:
    """Return how many bytes wait in the transport or unacknowledged in the kernel."""
    sock = _socket(transport)
    if sock is None:
        return 0
    waiting = bytearray(4)
    if sys.platform != "win32":
        fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, waiting)
    return transport.get_write_buffer_size() + int.from_bytes(waiting, sys.byteorder)
