"""No bytes of a client make a 5xx, and each response states what was wrong."""

from __future__ import annotations

import gzip
import socket
from collections.abc import Iterator

import pytest

from mockllm.server.app import App
from mockllm.server.connection_factory import HTTP2_PREFACE
from mockllm.server.journal.reconstruction import reconstruct
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, whole
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer, written_down
from tests.waiting import PATIENCE, until


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    limits = ServerLimits(
        grace=0.2, linger=0.2, target=1000, header=1000, headers=20, head_time=2, body_idle=2
    )
    served = ThreadedServer(App(FakeEngine({"/ok": whole()}), limits=limits))
    served.start()
    yield served
    served.stop()


BAD = {
    "garbage": (b"\x16\x03\x01\x02\x00 garbage\r\n\r\n", 400),
    "a binary line": (bytes(range(256)) + b"\r\n\r\n", 400),
    "an unknown method": (b"BREW /ok HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no host": (b"GET /ok HTTP/1.1\r\n\r\n", 400),
    "a version that does not exist": (b"GET /ok HTTP/9.9\r\nHost: x\r\n\r\n", 400),
    "a header without a colon": (b"GET /ok HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", 400),
    "a header with a space in its name": (b"GET /ok HTTP/1.1\r\nHost: x\r\na b: c\r\n\r\n", 400),
    "a null in a header": (b"GET /ok HTTP/1.1\r\nHost: x\r\na: b\0c\r\n\r\n", 400),
    "two lengths": (b"POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
    "a length that is none": (b"POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n", 400),
    "a negative length": (b"POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    "a length and chunks": (
        b"POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "an unknown transfer encoding": (b"POST /ok HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n", 400),
    "chunks that are none": (
        b"POST /ok HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n\r\n",
        400,
    ),
    "a later chunk that is none": (
        b"POST /ok HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n-5\r\n\r\n",
        400,
    ),
    "a long target": (b"GET /" + b"a" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
    "a long header": (b"GET /ok HTTP/1.1\r\nHost: x\r\na: " + b"b" * 2000 + b"\r\n\r\n", 431),
    "many headers": (b"GET /ok HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 30 + b"\r\n", 400),
    "a proxy's CONNECT": (b"CONNECT other:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "OPTIONS of everything": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "POST of everything": (b"POST * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a target that is no path": (b"GET ok HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "an absolute target without a host": (b"GET http:///ok HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "an absolute target with a bad port": (b"GET http://a:99999999/ok HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a space in the target": (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "another version": (b"GET /ok HTTP/9.9\r\nHost: x\r\n\r\n", 400),
    "a bad percent-encoding": (b"GET /ok%zz%f HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "a null in the path": (b"GET /ok%00 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "a path of bytes": (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 400),
}


@pytest.mark.parametrize(("sent", "status"), BAD.values(), ids=BAD)
def test_gets_a_4xx(
    server: ThreadedServer, sent: bytes, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    with Raw(server.port) as raw:
        got = raw.send(sent).answer()
        assert got.status == status
        assert got.body
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        (
            "a long target",
            "The target or a header is longer than is taken here (--max-target, --max-header).\n",
        ),
        (
            "a long header",
            "The target or a header is longer than is taken here (--max-target, --max-header).\n",
        ),
        ("OPTIONS of everything", "The request's target is no path.\n"),
        ("POST of everything", "The request's target is no path.\n"),
        ("many headers", "There are more headers than are taken here (--max-headers).\n"),
        ("a space in the target", "Bad request line: expected METHOD TARGET HTTP/1.1\n"),
        ("another version", "Bad request line: expected METHOD TARGET HTTP/1.1\n"),
    ],
)
def test_invalid_request_gets_reason(server: ThreadedServer, name: str, reported: str) -> None:
    with Raw(server.port) as raw:
        assert raw.send(BAD[name][0]).answer().text == reported


def test_journal_has_the_headers_of_an_invalid_request(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        got = raw.send(b"garbage of a client\r\n\r\n").answer()
    entry = until(lambda: list(server.app.journal.newest(1)))[0]
    assert {name.lower(): value for name, value in reconstruct(entry).headers} == got.headers


def test_request_before_garbage_gets_response(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        assert raw.send(request(path="/ok")).answer().text == "hello"
        assert raw.send(b"garbage\r\n\r\n").answer().status == 400
        assert raw.to_the_end() == b""


def test_http2_preface_behind_a_request_is_named(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        assert raw.send(request(path="/ok") + HTTP2_PREFACE).answer().text == "hello"
        assert raw.answer().text == "Bad request line: expected METHOD TARGET HTTP/1.1\n"


def test_unsupported_upgrade_is_ignored(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        requested = request(path="/ok", Connection="Upgrade", Upgrade="websocket")
        assert raw.send(requested).answer().text == "hello"
        assert raw.send(request(path="/ok")).answer().text == "hello"


@pytest.mark.parametrize("name", ["a proxy's CONNECT", "OPTIONS of everything"])
def test_journal_says_that_a_target_is_no_path(server: ThreadedServer, name: str) -> None:
    with Raw(server.port) as raw:
        raw.send(BAD[name][0]).answer()
    target = BAD[name][0].split(b" ")[1].decode()
    assert written_down(server, target).notes == ("The request's target is no path",)


def test_request_that_breaks_off_in_its_body_is_logged(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        raw.send(request("POST", "/broken-off", b"", Content_Length="500") + b"x" * 62)
        until(lambda: server.app.unfinished_exchanges == 1)
    entry = written_down(server, "/broken-off")
    assert (entry.end_reason, entry.unsent) == ("gone", True)
    assert entry.notes == ("the request broke off after 62 bytes of its body",)


def test_journal_has_the_version_of_a_broken_off_request(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        raw.send(b"POST /older HTTP/1.0\r\nContent-Length: 500\r\n\r\nhello")
        until(lambda: server.app.unfinished_exchanges == 1)
    assert written_down(server, "/older").http_version == "1.0"


def test_complete_body_of_a_client_that_left_is_not_broken_off(server: ThreadedServer) -> None:
    counts: list[int] = []

    def report(address: str, count: int) -> int:
        counts.append(count)
        return count

    app, body = server.app, gzip.compress(b"hello")
    app.report_connections = report
    with server.paused(), Raw(server.port) as raw:
        raw.send(request("POST", "/complete", body, Content_Encoding="gzip"))
        raw.sock.shutdown(socket.SHUT_WR)
        until(lambda: counts and counts[-1] == 0)
    app.report_connections = None
    assert not [entry for entry in app.journal if entry.target == "/complete"]


def test_journal_has_invalid_request_without_path(server: ThreadedServer) -> None:
    records = [record for record in list(server.app.journal) if record.path == "-"]
    with Raw(server.port) as raw:
        raw.send(b"garbage\r\n\r\n").answer()
    last = [record for record in list(server.app.journal) if record.path == "-"][len(records) :]
    assert [record.status for record in last] == [400]
    assert last[0].notes


def test_client_that_sends_much_reads_why_it_is_refused() -> None:
    served = ThreadedServer(App(FakeEngine({}), limits=ServerLimits(grace=0.2, linger=PATIENCE)))
    served.start()
    with Raw(served.port) as raw:
        raw.send(BAD["an unknown method"][0])
        for _ in range(20):
            raw.send(bytes(65536))
        assert raw.answer().status == 400
    served.stop()
