"""The end of a connection whose client still sends: it reads the last bytes of the server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from mockllm.server.closable_connection import ClosableConnection
from mockllm.server.server_limits import ServerLimits


class RecordingTransport:
    """A transport that records what is done with it."""

    def __init__(self, *, tls: bool = False, closing: bool = False, unsent: Sequence[int] = ()) -> None:
        """`unsent`: the bytes that wait for the client, at one look after another; 0 after the last one."""
        self.tls, self.closing = tls, closing
        self._unsent = [*unsent]
        self.calls: list[str] = []

    def get_write_buffer_size(self) -> int:
        return self._unsent.pop(0) if self._unsent else 0

    def abort(self) -> None:
        self.calls.append("abort")

    def get_extra_info(self, name: str) -> object:
        return None

    def can_write_eof(self) -> bool:
        return not self.tls

    def is_closing(self) -> bool:
        return self.closing

    def resume_reading(self) -> None:
        self.calls.append("resume")

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def write_eof(self) -> None:
        self.calls.append("FIN")

    def close(self) -> None:
        self.calls.append("close")


def calls_after(transport: RecordingTransport, act: Callable[[ClosableConnection], None]) -> list[str]:
    async def main() -> None:
        protocol = ClosableConnection(asyncio.get_running_loop(), ServerLimits())
        protocol.connection_made(cast(asyncio.Transport, transport))
        act(protocol)
        assert protocol.closing
        assert protocol.transport is None

    asyncio.run(main())
    return transport.calls


def test_two_ends_are_one() -> None:
    def end_twice(protocol: ClosableConnection) -> None:
        protocol.close_write_side(1)
        protocol.close_write_side(1)

    assert calls_after(RecordingTransport(), end_twice) == ["FIN"]


def test_client_that_sends_no_more_gets_no_linger_time() -> None:
    def end(connection: ClosableConnection) -> None:
        connection.half_closed_at = 0.0
        connection.close_write_side(60.0)

    assert calls_after(RecordingTransport(), end) == ["close"]


@pytest.mark.parametrize(
    ("unsent", "calls"),
    [((9, 9), ["close", "abort"]), ((9, 5, 5), ["close", "abort"]), ((9, 5, 0), ["close"]), ((), ["close"])],
)
def test_unread_transport_is_aborted(unsent: Sequence[int], calls: Sequence[str]) -> None:
    async def main() -> None:
        protocol = ClosableConnection(loop := asyncio.get_running_loop(), ServerLimits(keepalive=1e-9))
        protocol.connection_made(cast(asyncio.Transport, transport))
        protocol.close_and_drop_transport()
        for _ in range(5):
            after = loop.create_future()
            loop.call_later(0.0, after.set_result, None)
            await after

    transport = RecordingTransport(unsent=unsent)
    asyncio.run(main())
    assert transport.calls == calls


def test_paused_socket_is_read_again() -> None:
    def end_paused(protocol: ClosableConnection) -> None:
        protocol.pause_reading()
        protocol.close_write_side(1)

    assert calls_after(RecordingTransport(), end_paused) == ["pause", "resume", "FIN"]


def test_stopping_server_waits_for_no_client() -> None:
    def end_and_stop(protocol: ClosableConnection) -> None:
        protocol.close_write_side(1)
        protocol.close_and_drop_transport()

    assert calls_after(RecordingTransport(), end_and_stop) == ["FIN", "close"]


@pytest.mark.parametrize(
    "transport", [RecordingTransport(tls=True), RecordingTransport(closing=True)], ids=["TLS", "closing"]
)
def test_connection_that_cannot_end_one_side_is_closed(transport: RecordingTransport) -> None:
    assert calls_after(transport, lambda protocol: protocol.close_write_side(1)) == ["close"]
