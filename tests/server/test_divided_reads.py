"""Requests whose bytes come in unusual reads: each gets its response, and none leaves anything to the next one."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread

import pytest

from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.server.app import App
from mockllm.server.connection import Connection
from mockllm.server.reading_connection import MAX_CONTENT_LENGTH, MAX_QUEUED
from mockllm.server.server_limits import BODY_BUFFER, ServerLimits
from tests.server.fake_engine import FakeEngine, whole
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer
from tests.tools import OLDER_AIOHTTP
from tests.waiting import PATIENCE, until

JSON = b'{"a": 1}'
LAST_CHUNK = b"2\r\n{}\r\n0\r\n"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket"}


def echo(requested: Request) -> Plan:
    return whole(json.dumps([requested.path, sorted(requested.headers), requested.raw.decode("latin-1")]))


@pytest.fixture
def server() -> Iterator[ThreadedServer]:
    limits = ServerLimits(grace=0.2, linger=PATIENCE, head_time=0.3, keepalive=0.6)
    served = ThreadedServer(App(FakeEngine({"/echo": echo, "/a": echo}), limits=limits))
    served.start()
    yield served
    served.stop()


def echoed(raw: Raw) -> list[object]:
    answer = raw.answer()
    assert answer.status == 200
    found: list[object] = json.loads(answer.body)
    return found


def connections(server: ThreadedServer) -> list[Connection]:
    found = server._server._connection_factory.connections
    return [each for each in found if isinstance(each, Connection)]


def send_until_closed(raw: Raw, data: bytes) -> None:
    with suppress(ConnectionError):
        raw.send(data)


def test_trailer_is_no_header_of_the_next_request(server: ThreadedServer) -> None:
    chunked = request("POST", "/echo", LAST_CHUNK + b"X-Trailer: evil\r\n\r\n", Transfer_Encoding="chunked")
    plain = request("POST", "/echo", JSON)
    for _ in range(3):
        with Raw(server.port) as raw:
            raw.send(chunked).answer()
            assert "x-trailer" not in str(echoed(raw.send(plain))).lower()
    with Raw(server.port) as raw:
        assert "x-trailer" not in str(echoed(raw.send(plain))).lower()


def test_request_behind_chunks_in_one_read_ends_connection(server: ThreadedServer) -> None:
    chunked = request("POST", "/echo", LAST_CHUNK + b"\r\n", Transfer_Encoding="chunked")
    with Raw(server.port) as raw:
        answer = raw.send(chunked + request(path="/a")).answer()
        assert (answer.status, "Connection: close" in answer.lines) == (200, True)
        assert raw.to_the_end() == b""


def test_client_that_sends_on_behind_chunks_is_not_reset(server: ThreadedServer) -> None:
    chunked = request("POST", "/echo", LAST_CHUNK + b"\r\n", Transfer_Encoding="chunked")
    with Raw(server.port) as raw:
        raw.send(chunked + request(path="/a"))
        assert "{}" in str(echoed(raw))
        assert raw.to_the_end() == b""
        for _ in range(3):
            raw.send(request(path="/a"))


@pytest.mark.skipif(OLDER_AIOHTTP, reason="aiohttp 3.13 takes the body for bytes of the other protocol")
def test_fragment_after_declined_upgrade_is_not_cached(server: ThreadedServer) -> None:
    tail = b"DELETE /nope HTTP/1.1\r\nX: "
    upgrade, plain = request("POST", "/echo", JSON, **UPGRADE), request("POST", "/echo", JSON)
    rest = len(tail)
    for _ in range(3):
        with Raw(server.port) as raw:
            raw.send(upgrade[:-rest]).send(upgrade[-rest:] + tail)
            assert raw.answer().status == 200
            assert raw.send(plain).answer().status == 404
    with Raw(server.port) as raw:
        assert echoed(raw.send(plain))[0] == "/echo"


@pytest.mark.parametrize("encoding", ["x-gzip", "gzip, gzip", "snappy"])
def test_encoded_body_is_read_alike_each_time(server: ThreadedServer, encoding: str) -> None:
    body = gzip.compress(JSON) if encoding == "x-gzip" else JSON
    requested = request("POST", "/echo", body, Content_Encoding=encoding)
    answers = []
    for _ in range(4):
        with Raw(server.port) as raw:
            answer = raw.send(requested).answer()
            answers.append((answer.status, answer.body))
    assert answers == answers[:1] * 4


BAD = {
    "garbage": b"GARBAGE\0\r\n\r\n",
    "chunks of no number": request("POST", "/echo", b"zz\r\n", Transfer_Encoding="chunked"),
    "the greatest length": request("POST", "/echo", JSON, Content_Length=MAX_CONTENT_LENGTH),
    "the same with a zero before it": request("POST", "/echo", JSON, Content_Length=f"0{MAX_CONTENT_LENGTH}"),
}


@pytest.mark.parametrize("name", BAD)
def test_request_before_bad_bytes_in_one_read_gets_response(server: ThreadedServer, name: str) -> None:
    with Raw(server.port) as raw:
        raw.send(request("POST", "/echo", JSON) + BAD[name])
        assert echoed(raw)[2] == JSON.decode()
        assert raw.answer().status == 400


def test_request_behind_other_upgrade_in_one_read_gets_response(server: ThreadedServer) -> None:
    upgrade = request("POST", "/echo", JSON, Connection="Upgrade", Upgrade="h2c")
    with Raw(server.port) as raw:
        raw.send(upgrade + request(path="/a"))
        assert [echoed(raw)[0], echoed(raw)[0]] == ["/echo", "/a"]


@pytest.mark.parametrize("count", [MAX_QUEUED, MAX_QUEUED * 20])
def test_many_requests_of_one_read_have_responses(server: ThreadedServer, count: int) -> None:
    with Raw(server.port) as raw:
        raw.send(request("POST", "/echo", JSON) * (count // 2) + request(path="/a") * (count - count // 2))
        found = [echoed(raw)[0] for _ in range(count)]
    assert found == ["/echo"] * (count // 2) + ["/a"] * (count - count // 2)


def test_queued_requests_lift_no_bound_on_bytes_after_upgrade(
    server: ThreadedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored: list[int] = []

    def decline(
        connection: Connection, original: Callable[[Connection], bytes] = Connection.decline_upgrade
    ) -> bytes:
        stored.append(len(connection._tail))
        return original(connection)

    monkeypatch.setattr(Connection, "decline_upgrade", decline)
    with Raw(server.port) as raw:
        raw.sock.settimeout(None)
        with server.paused():
            raw.send(
                request("POST", "/echo", JSON) * 12
                + request(path="/a", Connection="Upgrade", Upgrade="websocket")
            )
            sender = Thread(target=send_until_closed, args=(raw, b"x" * BODY_BUFFER * 40))
            sender.start()
            until(lambda: any(each.input_paused for each in connections(server)))
        until(lambda: stored)
        sender.join()
    assert stored[0] <= 2 * BODY_BUFFER


@pytest.mark.parametrize("head", [b"POST /echo HT", b"POST /echo HTTP/1.1\r\nHost: test\r\n"])
def test_head_that_begins_behind_a_request_has_its_time(server: ThreadedServer, head: bytes) -> None:
    first = request("POST", "/echo", JSON)
    for reads in ([first + head], [first[:-3], first[-3:] + head], [first, head]):
        with Raw(server.port) as raw:
            for read in reads:
                raw.send(read)
            assert raw.answer().status == 200
            assert raw.answer().status == 408


def test_first_head_has_its_time_and_no_keep_alive_time(server: ThreadedServer) -> None:
    server.app.limits = ServerLimits(grace=0.2, linger=0.2, head_time=0.6, keepalive=0.05)
    with Raw(server.port) as raw:
        assert raw.send(b"POST /echo HT").answer().status == 408
    with Raw(server.port) as raw:
        began = time.monotonic()
        assert raw.to_the_end() == b""
        assert time.monotonic() - began > 0.3


def test_empty_line_behind_a_request_begins_no_head(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        assert raw.send(request("POST", "/echo", JSON)).answer().status == 200
        raw.send(b"\r\n")
        assert raw.to_the_end() == b"", "the keep-alive time ends it without a word"


def test_completed_head_cancels_its_postponed_timeout(server: ThreadedServer) -> None:
    whole = request(path="/a")
    with Raw(server.port) as raw:
        raw.send(whole).answer()
        (connection,) = connections(server)
        raw.send(whole[:9])
        until(lambda: connection._head_deadline)

        def be_late_while_others_are_served() -> None:
            ready = connection._ready_connections
            ready.write_queue = []
            connection._cancel_head_deadline()
            connection._head_is_late(server.app.deadlines.time())
            connection.data_received(whole[9:])
            ready.write_queue = None

        server._loop.call_soon_threadsafe(be_late_while_others_are_served)
        assert raw.answer().status == 200
        assert connection._head_deadline is None
