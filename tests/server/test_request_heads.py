"""Heads that come again are not parsed again, and no response differs."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from aiohttp.http_parser import HttpRequestParserPy, RawRequestMessage
from aiohttp.streams import EmptyStreamReader

from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.server import request_heads
from mockllm.server.app import App
from mockllm.server.request_heads import RequestHead, RequestHeadCache, SplitHead
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, chunks, whole
from tests.server.raw_client import Got, Raw, request
from tests.server.threaded_server import ThreadedServer


def echo(requested: Request) -> Plan:
    reported = {
        "method": requested.method,
        "target": f"{requested.path}?{requested.query_string}",
        "headers": sorted(requested.headers.items()),
        "body": requested.raw.decode("latin-1"),
    }
    return whole(json.dumps(reported))


ENGINE = FakeEngine({"/echo": echo, "/stream": chunks(3, 0.001), "/delayed": whole("late", delay=0.001)})
JSON = b'{"a": [1, 2]}'
REQUESTS = {
    "a body": request("POST", "/echo?a=b", JSON),
    "no body": request(path="/echo"),
    "an empty body": request("POST", "/echo", Content_Length="0"),
    "an answer that takes time": request("POST", "/delayed", JSON),
    "a stream": request("POST", "/stream", JSON),
    "nothing behind the head": request("HEAD", "/echo"),
    "an absolute target": request(path="http://test/echo?x"),
    "bytes that are no ASCII": request("POST", "/echo", JSON, x_test="grün"),
    "a body that is no ASCII": request("POST", "/echo", '{"a": "grün"}'.encode()),
    "the server's own": request(path="/health"),
    "nothing is there": request(path="/api/nothing"),
    "a page asks first": request("OPTIONS", "/echo", Origin="http://a", Access_Control_Request_Method="POST"),
    "a body in chunks": request("POST", "/echo", b"2\r\n{}\r\n0\r\n\r\n", Transfer_Encoding="chunked"),
    "a body that is waited for": request("POST", "/echo", JSON, Expect="200-ok"),
    "a packed body that is none": request("POST", "/echo", JSON, Content_Encoding="gzip"),
    "HTTP/1.0": request(path="/echo", version="1.0"),
    "HTTP/1.0 that goes on": request(path="/echo", version="1.0", Connection="keep-alive"),
    "the last of its connection": request(path="/echo", Connection="close"),
    "a body that is nested too deep": request("POST", "/echo", b"[" * 200 + b"]" * 200),
    "a long head": request("POST", "/echo", JSON, x_test="x" * request_heads.MAX_HEAD_LENGTH),
}
NEVER_CACHED = {
    "a body in chunks",
    "a body that is waited for",
    "a packed body that is none",
    "HTTP/1.0",
    "the last of its connection",
    "a long head",
}


@pytest.fixture
def server() -> Iterator[ThreadedServer]:
    served = ThreadedServer(App(ENGINE, limits=ServerLimits(grace=0.2, linger=0.2)))
    served.start()
    yield served
    served.stop()


def cached(heads: RequestHeadCache, data: bytes) -> RequestHead | None:
    found = heads.find_or_split(data)
    return found if isinstance(found, RequestHead) else None


def add(heads: RequestHeadCache, head: RequestHead, data: bytes) -> None:
    found = heads.find_or_split(data)
    if isinstance(found, SplitHead):
        heads.add_if_repeated(head, found)


def stated(got: Got) -> tuple[int, bytes, bool, set[str]]:
    """A response without what time changes."""
    timed = b"uptime" in got.body
    fleeting = ("Date:", "Content-Length:") if timed else ("Date:",)
    lines = {line for line in got.lines if not line.startswith(fleeting)}
    return got.status, b"" if timed else got.body, got.complete, lines


@pytest.mark.parametrize("name", REQUESTS)
def test_response_is_equal_for_cached_head(server: ThreadedServer, name: str) -> None:
    requested = REQUESTS[name]
    answers: list[tuple[int, bytes, bool, set[str]]] = []
    for connections in range(20):  # the handler serves a request that comes before it waits
        if connections > 1 and (name in NEVER_CACHED or cached(server.app.head_cache, requested)):
            break
        with Raw(server.port) as raw:
            for _ in range(3):
                answers.append(stated(raw.send(requested).answer(head_only=requested.startswith(b"HEAD"))))
                if "Connection: close" in answers[-1][3] or name == "HTTP/1.0":
                    break
    assert all(each == answers[0] for each in answers)
    assert (cached(server.app.head_cache, requested) is None) is (name in NEVER_CACHED)
    journaled = [(each.method, each.target, each.headers, each.raw) for each in server.app.journal]
    assert all(each == journaled[0] for each in journaled)


def known(server: ThreadedServer, *requested: bytes) -> None:
    """Has the heads of these cached. The first of a connection may be there before its handler."""
    for _ in range(20):
        with Raw(server.port) as raw:
            for each in requested * 2:
                raw.send(each).answer()
        if all(cached(server.app.head_cache, each) for each in requested):
            return
    raise AssertionError("they are not kept")


ONE, OTHER = request("POST", "/echo", b'{"a": 1}'), request("POST", "/echo", b'{"b": 22}')


def bodies(raw: Raw, count: int) -> list[str]:
    return [json.loads(raw.answer().body)["body"] for _ in range(count)]


def test_cached_head_with_other_body_has_other_response(server: ThreadedServer) -> None:
    known(server, ONE)
    with Raw(server.port) as raw:
        raw.send(ONE.replace(b"1}", b"7}"))
        assert bodies(raw, 1) == ['{"a": 7}']


@pytest.mark.parametrize("name", ["Content-Length", "content-length", "CONTENT-LENGTH"])
def test_cached_head_with_other_length_is_read(server: ThreadedServer, name: str) -> None:
    """The headers have the length of their own body; an unusual spelling is parsed each time."""

    def of(body: bytes) -> bytes:
        return request("POST", "/echo", body).replace(b"Content-Length", name.encode())

    known(server, of(b"{}")) if name != "CONTENT-LENGTH" else None
    with Raw(server.port) as raw:
        for body in (b'{"a": 1}', b'{"a": 12}', b'{"a": 1}', b"{}"):
            echoed = json.loads(raw.send(of(body)).answer().body)
            assert echoed["body"] == body.decode()
            assert ["Content-Length", str(len(body))] in echoed["headers"]
    headers = [dict(each.headers)[name] for each in server.app.journal][-4:]
    assert headers == ["8", "9", "8", "2"]


@pytest.mark.parametrize("written", [b"+2", b"2, 2", b"0x2", b"", b"2" * 12, b"99"])
def test_cached_head_with_odd_length_is_not_found(server: ThreadedServer, written: bytes) -> None:
    requested = request("POST", "/echo", b"{}")
    known(server, requested)
    head, _, body = requested.partition(b"Content-Length: 2")
    assert cached(server.app.head_cache, head + b"Content-Length: " + written + body) is None


def test_cached_head_with_too_long_body_is_not_found() -> None:
    heads = RequestHeadCache(max_body=5)
    requested = request("POST", "/echo", b"{}")
    for _ in range(2):
        add(heads, RequestHead(parsed(requested), ascii=True), requested)
    assert cached(heads, requested) is not None
    assert cached(heads, request("POST", "/echo", b"12345")) is not None
    assert cached(heads, request("POST", "/echo", b"123456")) is None


@pytest.mark.parametrize("size", [1, 30, len(ONE) - 8, len(ONE) - 1])
def test_cached_head_in_two_packets_is_read(server: ThreadedServer, size: int) -> None:
    known(server, ONE)
    with Raw(server.port) as raw:
        raw.send(ONE[:size]).send(ONE[size:])
        assert bodies(raw, 1) == ['{"a": 1}']


@pytest.mark.parametrize("sent", [(ONE + OTHER,), (ONE, OTHER), (ONE + OTHER[:9], OTHER[9:]), (ONE * 3,)])
def test_pipelined_cached_heads_have_responses_in_order(
    server: ThreadedServer, sent: tuple[bytes, ...]
) -> None:
    known(server, ONE, OTHER)
    count = b"".join(sent).count(b"POST")
    wanted = ['{"a": 1}'] * count if count == 3 else ['{"a": 1}', '{"b": 22}']
    with Raw(server.port) as raw:
        for each in sent:
            raw.send(each)
        assert bodies(raw, count) == wanted


def test_half_closed_connection_with_cached_head_gets_response(server: ThreadedServer) -> None:
    known(server, ONE)
    with Raw(server.port) as raw:
        raw.send(ONE)
        raw.sock.shutdown(socket.SHUT_WR)
        assert bodies(raw, 1) == ['{"a": 1}']
        assert raw.to_the_end() == b""


def test_another_engine_reads_them_its_own_way(server: ThreadedServer) -> None:
    known(server, ONE)
    server.app.engine = FakeEngine({"/echo": whole("another")})
    with Raw(server.port) as raw:
        assert raw.send(ONE).answer().text == "another"
        server.app.engine = ENGINE
        raw.send(ONE)
        assert bodies(raw, 1) == ['{"a": 1}']


def parsed(data: bytes) -> RawRequestMessage:
    class Loop:
        def get_debug(self) -> bool:
            return False

    class Protocol:
        _reading_paused = False

    parser = HttpRequestParserPy(Protocol(), Loop(), 2**16)  # type: ignore[arg-type]
    messages, _, _ = parser.feed_data(data)
    message, body = messages[0]
    assert isinstance(body, EmptyStreamReader) or body.is_eof()
    return message


def test_head_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_heads, "MAX_CACHED_HEADS", 3)
    monkeypatch.setattr(request_heads, "MAX_SEEN_HEADS", 5)
    kept = RequestHeadCache()
    requested = [request(path=f"/{number}") for number in range(8)]
    for each in requested:
        head = RequestHead(parsed(each), ascii=True)
        add(kept, head, each)
        assert cached(kept, each) is None, "it has come once"
        add(kept, head, each)
        assert cached(kept, each) is head
    assert sum(cached(kept, each) is not None for each in requested) <= 3
    last = request("POST", "/last", b"{}")
    for _ in range(2):
        add(kept, RequestHead(parsed(last), ascii=True), last)
    for length in range(10, 20):
        assert cached(kept, request("POST", "/last", b"x" * length)) is not None
    assert len(kept._by_exact_bytes) <= 3
    assert cached(kept, requested[-1]) is not None


def test_replaced_engine_is_not_held_by_cached_heads(server: ThreadedServer) -> None:
    known(server, ONE)
    assert cached(server.app.head_cache, ONE) is not None
    server.app.replace_engine(ENGINE)
    assert cached(server.app.head_cache, ONE) is None


def test_messages_of_a_websocket_over_tls_came_over_tls() -> None:
    for over_tls in (False, True):
        head = RequestHead(parsed(request()), ascii=True, over_tls=over_tls)
        assert head.of_websocket_message("WEBSOCKET").over_tls is over_tls


FRAGMENT = b"o HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.mark.parametrize("first", [request(path="/echo"), request("POST", "/echo", JSON)])
def test_fragment_of_a_head_is_not_cached_as_a_head(server: ThreadedServer, first: bytes) -> None:
    """The head begins in the read that ends the request before it, and ends in the next read."""
    for _ in range(3):
        with Raw(server.port) as raw:
            assert raw.send(first + b"GET /ech").answer().status == 200
            assert raw.send(FRAGMENT).answer().status == 200
    assert cached(server.app.head_cache, FRAGMENT) is None
    with Raw(server.port) as raw:
        assert raw.send(FRAGMENT).answer().status == 400
    with Raw(server.port) as raw:
        assert raw.send(first + b"GET /echo?to").answer().status == 200
        assert json.loads(raw.send(FRAGMENT).answer().body)["target"] == "/echo?too"


def test_fragment_after_rest_of_a_body_is_not_cached(server: ThreadedServer) -> None:
    head, _, body = request("POST", "/echo", JSON).partition(JSON[:4])
    for _ in range(3):
        with Raw(server.port) as raw:
            raw.send(head)
            assert raw.send(JSON[:4] + body + b"GET /ech").answer().status == 200
            assert raw.send(FRAGMENT).answer().status == 200
    assert cached(server.app.head_cache, FRAGMENT) is None


BEFORE = {
    "a body in chunks": [request("POST", "/echo", b"2\r\n{}\r\n0\r\n\r\n", Transfer_Encoding="chunked")],
    "a body in a separate read": request("POST", "/echo", JSON).partition(JSON)[:2],
    "a body in two reads": [request("POST", "/echo", JSON)[:-3], request("POST", "/echo", JSON)[-3:]],
    "a head in two reads": [ONE[:9], ONE[9:]],
    "two requests in one read": [request(path="/echo") * 2],
}


@pytest.mark.parametrize("name", BEFORE)
def test_heads_after_request_in_parts_are_cached(server: ThreadedServer, name: str) -> None:
    requested = request(path="/echo?after")
    with Raw(server.port) as raw:
        for part in BEFORE[name]:
            raw.send(part)
        for _ in range(b"".join(BEFORE[name]).count(b"HTTP/1.1")):
            assert raw.answer().status == 200
        for _ in range(3):
            assert raw.send(requested).answer().status == 200
    assert cached(server.app.head_cache, requested) is not None


def test_cached_head_has_the_length_as_it_is_written(server: ThreadedServer) -> None:
    known(server, ONE)
    with Raw(server.port) as raw:
        for written in ("8", "008"):
            answer = raw.send(
                ONE.replace(b"Content-Length: 8", f"Content-Length: {written}".encode())
            ).answer()
            assert ["Content-Length", written] in json.loads(answer.body)["headers"]
