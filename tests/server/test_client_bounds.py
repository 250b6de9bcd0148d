"""Bounds on one client: the time for its body, and its connections. Real sockets, and a clock that the test turns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from mockllm.server.app import App
from mockllm.server.connection import Connection
from mockllm.server.deadlines import Deadlines
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, whole
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer
from tests.server.virtual import VirtualClock
from tests.waiting import until

LIMITS = ServerLimits(grace=0.2, linger=0.2, body_idle=30.0, body_time=60.0, connections=3)


class ClockedApp(App):
    """Its deadlines come when the test says so."""

    def start(self) -> None:
        super().start()
        self.clock = VirtualClock()
        self.deadlines = Deadlines(self.clock)


class ClockedServer(ThreadedServer):
    app: ClockedApp

    def advance(self, seconds: float) -> None:
        clock, end = self.app.clock, self.app.clock.now + seconds
        self._loop.call_soon_threadsafe(clock.run_until, end)
        until(lambda: clock.now >= end)

    def received(self) -> int:
        """The bytes of the present body that have come."""
        return sum(
            connection._body.total_bytes
            for connection in list(self._server._connection_factory.connections)
            if isinstance(connection, Connection) and connection._body is not None
        )


@pytest.fixture
def server() -> Iterator[ClockedServer]:
    served = ClockedServer(ClockedApp(FakeEngine({"/ok": whole()}), limits=LIMITS))
    served.start()
    yield served
    served.stop()


def dripped(server: ClockedServer, raw: Raw, count: int) -> None:
    """Send a byte of a body each ten seconds."""
    for number in range(1, count + 1):
        raw.send(b"x")
        until(lambda number=number: server.received() == number)  # type: ignore[misc]
        server.advance(10)


def test_body_that_drips_is_refused_after_its_time(server: ClockedServer) -> None:
    with Raw(server.port) as raw:
        raw.send(request("POST", "/ok", Content_Length="100"))
        until(lambda: server.app.unfinished_exchanges == 1)
        dripped(server, raw, 6)
        got = raw.answer()
        assert got.status == 408
        error = json.loads(got.body)["error"]
        assert error["type"] == "timeout"
        assert "60 s (--body-timeout)" in error["message"]
        assert got.headers["connection"] == "close"


def test_body_that_comes_within_its_time_is_taken(server: ClockedServer) -> None:
    with Raw(server.port) as raw:
        raw.send(request("POST", "/ok", Content_Length="6"))
        until(lambda: server.app.unfinished_exchanges == 1)
        dripped(server, raw, 5)
        assert raw.send(b"x").answer().status == 200


def test_connections_beyond_the_limit_are_refused(
    server: ClockedServer, capfd: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(Raw(server.port)) for _ in range(3)]
        for client in clients:
            assert client.send(request(path="/ok")).answer().status == 200
        for _ in range(5):
            with Raw(server.port) as refused:
                got = refused.to_the_end()
                assert got.startswith(b"HTTP/1.1 503 ")
                assert b"--max-connections-per-address" in got
        assert clients[0].send(request(path="/ok")).answer().status == 200
        messages = capfd.readouterr().err
        assert messages.count("--max-connections-per-address") == 1
        assert "refused 1 connection, the last from 127.0.0.1" in messages
        server.advance(10)
        with Raw(server.port) as refused:
            refused.to_the_end()
        assert "refused 5 connections, the last from 127.0.0.1" in capfd.readouterr().err


def test_connection_that_ends_makes_room_for_another(server: ClockedServer) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(Raw(server.port)) for _ in range(3)]
        assert clients[0].send(request(path="/ok")).answer().status == 200
        clients[1].sock.close()

        def served() -> bool:
            with Raw(server.port) as raw, suppress(ConnectionError):  # a refused connection may be reset
                raw.send(request(path="/ok", Connection="close")).to_the_end()
            return raw.rest.startswith(b"HTTP/1.1 200 ")

        clients[2].sock.close()
        until(served)
