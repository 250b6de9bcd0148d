"""Every bound of the server, reached on a raw socket with small limits set."""

from __future__ import annotations

import contextlib
import gzip
import json
import resource
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import pairwise

import pytest

from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.server.app import App
from mockllm.server.server_limits import ServerLimits, environment_name
from tests.server.fake_engine import Built, FakeEngine, chunks, say, streamed, whole
from tests.server.raw_client import Got, Raw, request
from tests.server.threaded_server import ThreadedServer
from tests.waiting import PATIENCE, until

LIMITS = ServerLimits(body=100_000, depth=20, unsent=200_000, linger=0.3, grace=0.2)
SOON = replace(LIMITS, head_time=0.4, body_idle=0.4, keepalive=0.8)
"""For what a silence ends."""


def echo(requested: Request) -> Plan:
    return Plan(ResponseHead(200, ()), (EventStep(requested.raw, 1, "body"),))


def endless(requested: Request) -> Plan:
    return streamed(*(say("x" * 10_000, number) for number in range(2000)))


PLANS: dict[str, Plan | Built] = {
    "/echo": echo,
    "/ok": whole(),
    "/endless": endless,
    "/long": chunks(100, 0.01),
    "/large": whole("x" * 20_000_000),
}


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    served = ThreadedServer(App(FakeEngine(PLANS), limits=LIMITS))
    served.start()
    yield served
    served.stop()


@pytest.fixture(scope="module")
def hasty() -> Iterator[ThreadedServer]:
    served = ThreadedServer(App(FakeEngine(PLANS), limits=SOON))
    served.start()
    yield served
    served.stop()


@pytest.fixture
def raw(server: ThreadedServer) -> Iterator[Raw]:
    with Raw(server.port) as client:
        yield client


@pytest.fixture
def hurried(hasty: ThreadedServer) -> Iterator[Raw]:
    with Raw(hasty.port) as client:
        yield client


def refused(got: Got, status: int, type_: str, word: str) -> None:
    """In the provider's envelope, as the engine makes it."""
    assert got.status == status
    error = json.loads(got.body)["error"]
    assert error["type"] == type_
    assert word in error["message"]
    assert got.headers["connection"] == "close"


# --- size ---------------------------------------------------------------------------------------


def test_body_of_limit_size_is_accepted(raw: Raw) -> None:
    assert len(raw.send(request("POST", "/echo", b"x" * 100_000)).answer().body) == 100_000


def test_declared_body_above_limit_is_refused_at_once(raw: Raw) -> None:
    refused(
        raw.send(request("POST", "/echo", Content_Length="10000000000")).answer(),
        413,
        "request_too_large",
        "100000",
    )


def test_expect_100_above_limit_is_refused(raw: Raw) -> None:
    requested = request("POST", "/echo", Content_Length="10000000000", Expect="100-continue")
    refused(raw.send(requested).answer(), 413, "request_too_large", "100000 bytes (--max-body)")


def test_body_sent_despite_limit_is_refused_and_drained(raw: Raw) -> None:
    refused(raw.send(request("POST", "/echo", b"x" * 150_000)).answer(), 413, "request_too_large", "100000")
    assert raw.closed_after() < PATIENCE


def test_chunked_body_above_limit_is_refused(raw: Raw) -> None:
    raw.send(request("POST", "/echo", Transfer_Encoding="chunked"))
    for _ in range(4):
        raw.send(b"7530\r\n" + b"x" * 30_000 + b"\r\n")
    refused(raw.answer(), 413, "request_too_large", "100000")


# --- decompression ------------------------------------------------------------------------------


def compressed(data: bytes, wbits: int) -> bytes:
    engine = zlib.compressobj(wbits=wbits)
    return engine.compress(data) + engine.flush()


DECOMPRESSED = {
    "gzip": ("gzip", gzip.compress(b"hello", mtime=0)),
    "gzip in capitals": ("GZip", gzip.compress(b"hello", mtime=0)),
    "gzip by its old name": ("x-gzip", gzip.compress(b"hello", mtime=0)),
    "gzip of two members": ("gzip", gzip.compress(b"hel", mtime=0) + gzip.compress(b"lo", mtime=0)),
    "gzip with something behind it": ("gzip", gzip.compress(b"hello", mtime=0) + b"\0\0"),
    "deflate as the standard has it": ("deflate", compressed(b"hello", 15)),
    "deflate as some send it": ("deflate", compressed(b"hello", -15)),
    "none": ("identity", b"hello"),
}


@pytest.mark.parametrize(("encoding", "body"), DECOMPRESSED.values(), ids=DECOMPRESSED)
def test_compressed_body_is_decompressed(raw: Raw, encoding: str, body: bytes) -> None:
    assert raw.send(request("POST", "/echo", body, Content_Encoding=encoding)).answer().text == "hello"


def test_large_compressed_body_is_decompressed_in_slices(server: ThreadedServer) -> None:
    app = App(server.app.engine, limits=replace(LIMITS, body=10_000_000))
    sent = bytes(range(256)) * 16 * 1024  # just four slices
    with ThreadedServer(app) as url, Raw.to(url) as raw:
        got = raw.send(
            request("POST", "/echo", gzip.compress(sent, mtime=0), Content_Encoding="gzip")
        ).answer()
        assert got.body == sent


@pytest.mark.parametrize(
    ("encoding", "body", "status", "word"),
    [
        ("br", b"x", 415, "gzip"),
        ("gzip, gzip", b"x", 415, "gzip"),
        ("gzip", b"not gzip", 400, "Content-Encoding"),
        ("gzip", gzip.compress(b"hello", mtime=0)[:-9], 400, "too early"),
        ("gzip", gzip.compress(b"hello", mtime=0) + gzip.compress(b"x", mtime=0)[:10], 400, "too early"),
        ("deflate", b"\xff\xff\xff", 400, "Content-Encoding"),
    ],
    ids=[
        "an encoding we do not know",
        "two encodings",
        "no gzip",
        "half a gzip",
        "half a second member",
        "no deflate",
    ],
)
def test_body_with_wrong_encoding_is_refused(
    raw: Raw, encoding: str, body: bytes, status: int, word: str
) -> None:
    got = raw.send(request("POST", "/echo", body, Content_Encoding=encoding)).answer()
    refused(got, status, "bad_request", word)


def test_decompressed_body_above_limit_takes_little_memory(raw: Raw) -> None:
    bomb = gzip.compress(b"\0" * 60_000_000, mtime=0)
    assert len(bomb) < 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    got = raw.send(request("POST", "/echo", bomb, Content_Encoding="gzip")).answer()
    refused(got, 413, "request_too_large", "100000")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # KB


# --- depth --------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"])
def test_body_nested_too_deep_is_refused(raw: Raw, pair: tuple[bytes, bytes]) -> None:
    fits = pair[0] * 20 + b"1" + pair[1] * 20
    assert raw.send(request("POST", "/echo", fits)).answer().body == fits
    deep = pair[0] * 21 + b"1" + pair[1] * 21
    refused(raw.send(request("POST", "/echo", deep)).answer(), 400, "bad_request", "20 levels")


# --- time ---------------------------------------------------------------------------------------


def test_half_sent_heads_are_gone_after_their_time(hasty: ThreadedServer) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Raw(hasty.port)) for _ in range(300)]
        for client in clients:
            client.send(b"POST /ok HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        began = time.monotonic()
        assert all(b" 408 " in client.to_the_end() for client in clients)
        assert time.monotonic() - began < PATIENCE, "one after the other they take longer"


def test_trickling_head_does_not_extend_timeout(hurried: Raw) -> None:
    hurried.send(b"GET /ok HTTP/1.1\r\nX: ").sock.settimeout(0.05)
    end = time.monotonic() + PATIENCE
    received = b""
    while not received and time.monotonic() < end:
        hurried.send(b"x")
        try:
            received = hurried.sock.recv(1000)
        except TimeoutError:
            continue
    assert b" 408 " in received


def test_silent_connection_is_closed_without_response(hurried: Raw) -> None:
    assert hurried.to_the_end() == b""


def test_second_head_has_timeout(hurried: Raw) -> None:
    hurried.send(request(path="/ok")).answer()
    assert b" 408 " in hurried.send(b"GET /ok HT").to_the_end() or hurried.rest == b""


def test_head_timeout_starts_after_end_of_previous_response(hurried: Raw) -> None:
    hurried.send(request(path="/long"))
    hurried.send(b"GET /ok HTTP/1.1\r\n")
    assert hurried.answer().complete  # a second, with a head time of 0.4
    hurried.send(b"Host: x\r\n\r\n")
    assert hurried.answer().text == "hello"


def test_silent_body_is_408(hurried: Raw) -> None:
    hurried.send(request("POST", "/echo", Content_Length="10") + b"abc")
    refused(hurried.answer(), 408, "timeout", "0.4 s")
    assert hurried.closed_after() < PATIENCE


def test_slow_body_with_progress_is_accepted(hasty: ThreadedServer) -> None:
    """Also where it takes longer than the 0.4 s for which it may say nothing."""

    def in_time() -> bytes:
        """The response's body; nothing where this machine was too busy to go on in time."""
        with Raw(hasty.port) as raw, contextlib.suppress(ConnectionError):
            reported = [time.monotonic()]
            raw.send(request("POST", "/echo", Content_Length="10"))
            for _ in range(10):
                time.sleep(0.06)
                raw.send(b"x")
                reported.append(time.monotonic())
            got = raw.answer()
            if max(after - before for before, after in pairwise(reported)) < 0.2:
                assert got.status == 200
                return got.body
        return b""

    assert until(in_time) == b"x" * 10


def test_idle_connection_is_closed(hurried: Raw) -> None:
    hurried.send(request(path="/ok")).answer()
    assert 0.1 < hurried.closed_after() < PATIENCE


# --- slow readers -------------------------------------------------------------------------------


def test_buffer_of_slow_reader_is_bounded(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        raw.send(request(path="/endless"))
        waiting: list[int] = []
        ends = time.monotonic() + 10
        while max(waiting, default=0) < LIMITS.unsent and time.monotonic() < ends:
            time.sleep(0.02)
            waiting = [
                connection.transport.get_write_buffer_size()
                for connection in server._server._connection_factory.connections
                if connection.transport is not None
            ]
        time.sleep(0.1)  # time to write more than may wait, if it would
        assert LIMITS.unsent <= max(waiting) <= LIMITS.unsent + 300_000
        got = raw.answer()
        assert got.complete
        assert len(got.body) > 20_000_000


# --- the table ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/endless", "/large"])
def test_connection_of_a_client_that_reads_nothing_ends(hasty: ThreadedServer, path: str) -> None:
    factory = hasty._server._connection_factory
    until(lambda: not factory.connections)
    with Raw(hasty.port) as client:
        client.send(request(path=path))
        until(lambda: any(connection.unsent_bytes for connection in list(factory.connections)))
        until(lambda: not factory.connections)
        assert hasty.app.unfinished_exchanges == 0


def test_each_limit_has_an_option_a_unit_and_a_sentence() -> None:
    options = [limit.metadata["option"] for limit in fields(ServerLimits)]
    assert len(set(options)) == len(options)
    assert all(option.startswith("--") for option in options)
    assert {limit.metadata["unit"] for limit in fields(ServerLimits)} <= {"bytes", "seconds", "count"}
    assert all(limit.metadata["help"] for limit in fields(ServerLimits))
    assert environment_name("--max-body") == "MOCKLLM_MAX_BODY"


def test_invalid_limit_raises_value_error() -> None:
    with pytest.raises(ValueError, match="--max-body must be above zero"):
        ServerLimits(body=0)


@pytest.mark.parametrize(
    ("name", "option", "most"),
    [
        ("depth", "--max-depth", 200),
        ("unsent", "--max-unsent", 2**31 - 1),
        ("journal", "--journal", sys.maxsize),
    ],
)
def test_limit_above_its_maximum_is_refused(name: str, option: str, most: int) -> None:
    assert getattr(ServerLimits(**{name: most}), name) == most
    with pytest.raises(ValueError, match=f"{option} must be at most {most}"):
        ServerLimits(**{name: most + 1})
