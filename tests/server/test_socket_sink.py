"""The ends that a fault may give a connection, where the client is quicker."""

from __future__ import annotations

import asyncio
import socket
from contextlib import nullcontext
from typing import Any, cast

import pytest

from mockllm.server.connection import Connection
from mockllm.server.server_limits import ServerLimits
from mockllm.server.socket_sink import SocketSink


class Ended:
    """A connection that has ended, though it has not been informed. `closing` is what its transport says of itself;
    under TLS it does not know."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, closing: bool) -> None:
        self._loop = loop
        self.transport = self
        self.aborted = self.closed = False
        self._closing = closing

    def is_closing(self) -> bool:
        return self._closing

    def get_extra_info(self, name: str) -> Any:
        assert name == "socket"
        return socket.socket() if self._closing else None  # by now perhaps that of another connection

    def abort(self) -> None:
        self.aborted = True

    def close_and_drop_transport(self) -> None:
        self.closed = True


@pytest.mark.parametrize("closing", [True, False])
def test_reset_of_ended_connection_aborts_it(closing: bool) -> None:
    async def main() -> None:
        ended = Ended(asyncio.get_running_loop(), closing=closing)
        await SocketSink(cast(Connection, ended), ServerLimits(), lambda data: False).cut("reset")
        assert ended.aborted
        assert ended.closed

    asyncio.run(main())


class Unread:
    """A connection whose client reads, of each of its looks, so many bytes and then nothing."""

    transport = None

    def __init__(self, *unsent: int) -> None:
        self._unsent = [*unsent]

    @property
    def writing_paused(self) -> bool:
        return bool(self._unsent)

    @property
    def unsent_bytes(self) -> int:
        return self._unsent.pop(0)

    async def drained(self) -> None:
        if self._unsent:
            await asyncio.Event().wait()


@pytest.mark.parametrize(("unsent", "fails"), [((9, 9, 9), True), ((9, 8, 8, 8), True), ((9, 8), False)])
def test_wait_for_a_client_that_reads_nothing_ends(unsent: tuple[int, ...], fails: bool) -> None:
    sink = SocketSink(cast(Connection, Unread(*unsent)), ServerLimits(keepalive=0.001), lambda data: False)
    with pytest.raises(ConnectionResetError) if fails else nullcontext():
        asyncio.run(sink.drained())
