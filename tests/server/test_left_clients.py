"""Clients that leave while their response is delayed, and those that only send no more."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from mockllm.core.rendering.plan import CutStep, Delivery, Hold, Plan, ResponseHead, WaitStep
from mockllm.server.connection import MAX_POLL_INTERVAL, Connection
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, chunks, whole
from tests.server.raw_client import Raw, request
from tests.server.test_client_bounds import ClockedApp, ClockedServer
from tests.server.threaded_server import written_down
from tests.waiting import PATIENCE, until

DELAY = 5.0
HELD = replace(whole(), delivery=Delivery(hold=Hold("approval", DELAY)))
PLANS = {"/late": whole(delay=DELAY), "/stream": chunks(1, DELAY), "/held": HELD}
CHUNKS = {"/chunks": chunks(2, DELAY)}
WITHHELD = Plan(
    ResponseHead(200, ()), (WaitStep(DELAY, 0), CutStep("close", 0)), delivery=Delivery(sends_nothing=True)
)
LIMITS = ServerLimits(grace=0.2, linger=2 * PATIENCE)


@pytest.fixture
def server() -> Iterator[ClockedServer]:
    served = ClockedServer(ClockedApp(FakeEngine({**PLANS, **CHUNKS, "/withheld": WITHHELD}), limits=LIMITS))
    served.start()
    yield served
    served.stop()


def send_request(server: ClockedServer, client: Raw, path: str) -> None:
    client.send(request(path=path))
    until(lambda: server.app.unfinished_exchanges == 1)


def sends_no_more(server: ClockedServer) -> bool:
    connections = list(server._server._connection_factory.connections)
    return any(isinstance(each, Connection) and each.half_closed_at is not None for each in connections)


def end_linger_time(server: ClockedServer) -> None:
    """What the timer of the linger time does."""
    for each in list(server._server._connection_factory.connections):
        assert isinstance(each, Connection)
        server._loop.call_soon_threadsafe(each.close_and_drop_transport)


@pytest.mark.parametrize("path", ["/late", "/held"])
def test_client_that_leaves_before_its_response_is_gone(server: ClockedServer, path: str) -> None:
    """Its interim response shows at once that it has left."""
    with Raw(server.port) as client:
        send_request(server, client, path)
        server.advance(1.0)
    entry = written_down(server, path)
    assert (entry.end_reason, entry.duration) == ("gone", 1.0)


def test_old_client_that_leaves_took_until_it_left(server: ClockedServer) -> None:
    """HTTP/1.0 has no interim responses: the response itself shows that the client has left."""
    with Raw(server.port) as client:
        client.send(b"GET /late HTTP/1.0\r\n\r\n")
        until(lambda: server.app.unfinished_exchanges == 1)
        server.advance(1.0)
    until(lambda: sends_no_more(server))
    server.advance(DELAY)
    entry = written_down(server, "/late")
    assert (entry.end_reason, entry.duration) == ("gone", 1.0)


def test_connection_that_ended_is_polled_no_more(server: ClockedServer) -> None:
    failures: list[object] = []
    server._loop.set_exception_handler(lambda _, context: failures.append(context))
    with Raw(server.port) as client:
        send_request(server, client, "/late")
        client.sock.shutdown(socket.SHUT_WR)
        until(lambda: sends_no_more(server))
        server.advance(DELAY)
        assert client.to_the_end()
    until(lambda: not server._server._connection_factory.connections)
    time.sleep(5 * MAX_POLL_INTERVAL)
    assert failures == []


def test_client_that_leaves_a_stream_took_until_it_left(server: ClockedServer) -> None:
    with Raw(server.port) as client:
        send_request(server, client, "/stream")
        client.answer(head_only=True)
        server.advance(1.0)
    until(lambda: sends_no_more(server))
    server.advance(DELAY)
    entry = written_down(server, "/stream")
    assert (entry.end_reason, entry.duration) == ("gone", 1.0)


@pytest.mark.parametrize("path", PLANS)
def test_client_that_sends_no_more_gets_its_response(server: ClockedServer, path: str) -> None:
    with Raw(server.port) as client:
        send_request(server, client, path)
        client.sock.shutdown(socket.SHUT_WR)
        until(lambda: sends_no_more(server))
        server.advance(DELAY)
        if path != "/stream":
            assert client.answer().status == 100  # the test whether it reads on comes before its response
        assert client.answer().complete
        assert written_down(server, path).end_reason == "finished"


def test_client_without_a_response_gets_no_interim(server: ClockedServer) -> None:
    with Raw(server.port) as client:
        send_request(server, client, "/withheld")
        client.sock.shutdown(socket.SHUT_WR)
        until(lambda: sends_no_more(server))
        server.advance(DELAY)
        assert client.to_the_end() == b""


def test_old_client_that_sends_no_more_gets_no_interim(server: ClockedServer) -> None:
    with Raw(server.port) as client:
        client.send(b"GET /late HTTP/1.0\r\n\r\n")
        until(lambda: server.app.unfinished_exchanges == 1)
        client.sock.shutdown(socket.SHUT_WR)
        until(lambda: sends_no_more(server))
        server.advance(DELAY)
        assert (client.answer().status, written_down(server, "/late").end_reason) == (200, "finished")


def test_client_that_sends_no_more_took_all_linger_time(server: ClockedServer) -> None:
    with Raw(server.port) as client:
        send_request(server, client, "/late")
        client.sock.shutdown(socket.SHUT_WR)
        until(lambda: sends_no_more(server))
        assert client.answer().status == 100
        server.advance(2.0)
        end_linger_time(server)
        entry = written_down(server, "/late")
    assert (entry.end_reason, entry.duration) == ("gone", 2.0)


def test_client_that_read_on_took_until_it_left(server: ClockedServer) -> None:
    with Raw(server.port) as client:
        send_request(server, client, "/chunks")
        client.sock.shutdown(socket.SHUT_WR)
        until(lambda: sends_no_more(server))
        server.advance(DELAY)  # it gets the first chunk
        server.advance(1.0)
        end_linger_time(server)
        entry = written_down(server, "/chunks")
    assert (entry.end_reason, entry.duration) == ("gone", DELAY + 1.0)


def test_client_that_leaves_after_the_last_byte_is_served(server: ClockedServer) -> None:
    with Raw(server.port) as client:
        send_request(server, client, "/late")
        server.advance(DELAY)
        assert client.answer().complete
    assert written_down(server, "/late").end_reason == "finished"
