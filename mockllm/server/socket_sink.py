"""Where an answer is written: the socket of its request, with the ways to end it that a fault may want."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from typing import Literal

from mockllm.server.connection import Connection
from mockllm.server.http1 import CONTINUE
from mockllm.server.server_limits import ServerLimits

if sys.platform != "win32":
    import fcntl
    import termios


class SocketSink:
    """Where an answer is written: the connection of its request."""

    __slots__ = ("_connection", "_limits", "written")

    def __init__(self, connection: Connection, limits: ServerLimits) -> None:
        self._connection = connection
        self._limits = limits
        self.written = False

    def write(self, data: bytes) -> None:
        transport = self._connection.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client has left")
        self.written = True
        transport.write(data)

    def go_on(self) -> None:
        """Tell a client that waits for it to send its body."""
        self.write(CONTINUE)
        self.written = False

    @property
    def full(self) -> bool:
        return self._connection.writing_paused

    async def drained(self) -> None:
        if self._connection.writing_paused:
            await self._connection._drain_helper()

    async def cut(self, how: Literal["close", "reset", "silence"]) -> None:
        """FIN or RST, behind what was written: a reset waits until the client's system has it all, or has
        taken nothing for the linger time. A silence lasts until the client leaves, which cancels it."""
        loop = self._connection._loop
        if how == "silence":
            await loop.create_future()
        transport = self._connection.transport
        if transport is not None and how == "reset":
            unsent, end = _unsent(transport), loop.time() + self._limits.linger
            while unsent and loop.time() < end:
                await asyncio.sleep(0.001)  # polled: the kernel tells nobody when it has sent
                before, unsent = unsent, _unsent(transport)
                if unsent < before:
                    end = loop.time() + self._limits.linger
            sock = _socket(transport)
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        self._connection.force_close()


def _socket(transport: asyncio.Transport) -> socket.socket | None:
    """None where the connection has ended: under TLS a transport has no socket any more, and else its number may
    be another connection's by now."""
    return None if transport.is_closing() else transport.get_extra_info("socket")


def _unsent(transport: asyncio.Transport) -> int:
    """How many bytes wait in the transport or unacknowledged in the kernel."""
    sock = _socket(transport)
    if sock is None:
        return 0
    waiting = bytearray(4)
    if sys.platform != "win32":
        fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, waiting)
    return transport.get_write_buffer_size() + int.from_bytes(waiting, sys.byteorder)
