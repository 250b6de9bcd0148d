"""The server's one handler, on raw sockets with an engine that responds by the path."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, ResponseHead, WaitStep
from mockllm.core.rendering.plan import RawStep as RawStep
from mockllm.core.request.request import Request
from mockllm.engine import EngineInfo, PlannedResponse
from mockllm.scenario.diagnostics import StaleSource
from mockllm.server.app import App
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, chunks, say, streamed, whole
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer, written_down
from tests.waiting import PATIENCE, until

LIMITS = ServerLimits(grace=0.2, linger=0.2)


def echo(requested: Request) -> Plan:
    reported = {
        "method": requested.method,
        "path": requested.path,
        "query": requested.query_string,
        "body": requested.raw.decode("latin-1"),
        "client": requested.client_address,
        "header": requested.headers.get("x-test"),
    }
    return whole(json.dumps(reported))


ENGINE = FakeEngine(
    {
        "/whole": whole(),
        "/echo": echo,
        "/stream": chunks(3, 0.001),
        "/joined": streamed(say("a"), say("b")),
        "/slow": chunks(1000, 0.01),
        "/delayed": whole(delay=30),
        "/cut": streamed(say("a"), WaitStep(0.001, 1), say("b"), CutStep("close", 2)),
        "/reset": streamed(say("a" * 100_000), CutStep("reset", 1)),
        "/half": Plan(ResponseHead(200, ()), (RawStep(b"half", 1), CutStep("close", 1), RawStep(b"rest", 1))),
        "/empty": Plan(ResponseHead(204, ()), ()),
        "/own-origin": Plan(ResponseHead(200, (("Access-Control-Allow-Origin", "https://a"),)), ()),
        "/last": Plan(ResponseHead(200, (("Connection", "close"),)), (EventStep(b"x", 1, "body"),)),
        "/huge": Plan(ResponseHead(200, ()), (EventStep(b"x" * 3_000_000, 1, "body"),), Framing.PLAIN),
        "/noted": lambda requested: PlannedResponse(
            whole("x", 404), None, notes=("not applied",), unmatched=True
        ),
    }
)


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    served = ThreadedServer(App(ENGINE, limits=LIMITS))
    served.start()
    yield served
    served.stop()


@pytest.fixture
def raw(server: ThreadedServer) -> Iterator[Raw]:
    with Raw(server.port) as client:
        yield client


def test_whole_body_has_length_and_connection_stays(raw: Raw) -> None:
    for _ in range(3):
        got = raw.send(request("POST", "/whole", b"{}")).answer()
        assert (got.status, got.body) == (200, b"hello")
        assert got.headers["content-length"] == "5"
        assert "date" in got.headers
        assert "server" not in got.headers


def test_stream_is_chunked_and_connection_stays(raw: Raw) -> None:
    for _ in range(2):
        got = raw.send(request("POST", "/stream", b"{}")).answer()
        assert got.complete
        assert got.body == b"data: chunk 1\n\ndata: chunk 2\n\ndata: chunk 3\n\n"


def test_pipelined_requests_have_responses_in_order(raw: Raw) -> None:
    raw.send(request(path="/stream") + request(path="/whole") + request(path="/joined"))
    assert [raw.answer().text[:6] for _ in range(3)] == ["data: ", "hello", "data: "]


def test_http_1_0_ends_a_stream_with_the_connection(raw: Raw) -> None:
    got = raw.send(request(path="/joined", version="1.0")).answer()
    assert "transfer-encoding" not in got.headers
    assert got.headers["connection"] == "close"
    assert got.body == b"data: a\n\ndata: b\n\n"


def test_http_1_0_connection_stays_after_whole_body(raw: Raw) -> None:
    for _ in range(2):
        got = raw.send(request(path="/whole", version="1.0", Connection="keep-alive")).answer()
        assert got.headers["connection"] == "keep-alive"


def test_head_gets_the_head_alone(raw: Raw) -> None:
    got = raw.send(request("HEAD", "/whole") + request("HEAD", "/joined")).answer(head_only=True)
    assert got.headers["content-length"] == "5"
    assert raw.answer(head_only=True).headers["transfer-encoding"] == "chunked"
    assert raw.send(request(path="/whole")).answer().text == "hello"


def test_empty_response_has_neither_body_nor_length(raw: Raw) -> None:
    got = raw.send(request(path="/empty")).answer()
    assert got.status == 204
    assert "content-length" not in got.headers


@pytest.mark.parametrize("path", ["/whole", "/last"])
def test_connection_close_of_either_side_ends_connection(raw: Raw, path: str) -> None:
    requested = request(path=path, Connection="close") if path == "/whole" else request(path=path)
    assert raw.send(requested).answer().headers["connection"] == "close"
    assert raw.sock.recv(1) == b""


def test_request_is_read_as_sent(raw: Raw) -> None:
    sent = request("POST", "/echo?a=%20b&c", b"\xffbody", X_Test="1")
    got = json.loads(raw.send(sent).answer().body)
    assert got == {
        "method": "POST",
        "path": "/echo",
        "query": "a=%20b&c",
        "body": "\xffbody",
        "client": "127.0.0.1",
        "header": "1",
    }


def test_absolute_target_is_read_as_path(raw: Raw) -> None:
    got = json.loads(raw.send(request(path="http://other:1/echo?x=1")).answer().body)
    assert (got["path"], got["query"]) == ("/echo", "x=1")


def test_bytes_that_are_no_text_are_replaced_in_headers(raw: Raw) -> None:
    raw.send(b"GET /echo HTTP/1.1\r\nHost: x\r\nX-Test: caf\xe9\r\nx-test: second\r\n\r\n")
    assert json.loads(raw.answer().body)["header"] == "caf\ufffd, second"


def test_chunked_body_is_read_whole(raw: Raw) -> None:
    raw.send(request("POST", "/echo", b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", Transfer_Encoding="chunked"))
    assert json.loads(raw.answer().body)["body"] == "abcde"


def test_expect_100_gets_100_before_body(raw: Raw) -> None:
    raw.send(request("POST", "/echo", Expect="100-continue", Content_Length="3"))
    assert raw.answer().status == 100
    assert json.loads(raw.send(b"abc").answer().body)["body"] == "abc"


def test_expect_100_of_http_1_0_gets_no_100(raw: Raw, server: ThreadedServer) -> None:
    raw.send(request("POST", "/echo", version="1.0", Expect="100-continue", Content_Length="3"))
    until(lambda: server.app.unfinished_exchanges)
    raw.send(b"abc")
    assert json.loads(raw.answer().body)["body"] == "abc"


@pytest.mark.parametrize("coding", ["gzip, chunked", "deflate , Chunked"])
@pytest.mark.parametrize("rest", [b"", b"1\r\nx\r\n0\r\n\r\n"], ids=["later", "at once"])
def test_transfer_coding_other_than_chunked_is_refused(raw: Raw, coding: str, rest: bytes) -> None:
    got = raw.send(request("POST", "/echo", Transfer_Encoding=coding) + rest).answer()
    assert got.status == 501
    assert "send chunked or none" in got.text


def test_cut_stream_has_no_last_chunk(raw: Raw, server: ThreadedServer) -> None:
    got = raw.send(request(path="/cut")).answer()
    assert not got.complete
    assert got.body == b"data: a\n\ndata: b\n\n"
    assert written_down(server, "/cut").end_reason == "close"


def test_cut_body_has_full_content_length_and_half_the_bytes(raw: Raw) -> None:
    got = raw.send(request(path="/half")).answer()
    assert (got.headers["content-length"], got.body, got.complete) == ("8", b"half", False)


def test_reset_follows_all_written_bytes(raw: Raw, server: ThreadedServer) -> None:
    raw.send(request(path="/reset"))
    with pytest.raises(ConnectionResetError):
        raw.to_the_end()
    assert raw.rest.count(b"a") >= 100_000
    assert written_down(server, "/reset").end_reason == "reset"


@pytest.mark.parametrize("path", ["/slow", "/delayed"])
@pytest.mark.parametrize("how", ["FIN", "RST"])
def test_stream_of_disconnected_client_is_dropped(server: ThreadedServer, path: str, how: str) -> None:
    path += f"?{how}"
    ENGINE.plans.setdefault(path.split("?")[0], whole())
    with Raw(server.port) as raw:
        raw.send(request(path=path))
        until(lambda: server.app.unfinished_exchanges > 0)
        if how == "RST":
            raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert written_down(server, path).end_reason == "gone"
    until(lambda: server.app.unfinished_exchanges == 0)


def test_slow_reader_gets_huge_body_whole(raw: Raw) -> None:
    raw.send(request(path="/huge"))
    time.sleep(0.05)
    assert len(raw.answer().body) == 3_000_000


def test_health_has_rules_and_files(raw: Raw) -> None:
    got = json.loads(raw.send(request(path="/health")).answer().body)
    assert got.pop("uptime") >= 0
    assert got.pop("version")
    assert got == {"status": "ok", "rules": 3, "files": 1, "stale": []}


def test_health_is_degraded_while_a_file_is_stale() -> None:
    about = EngineInfo(
        rules=1,
        files=1,
        stale=(StaleSource("a.yaml", "a.yaml:1:1: no"), StaleSource("b.yaml", "?", in_use=False)),
    )
    with ThreadedServer(App(FakeEngine(about=about), limits=LIMITS)) as url, Raw.to(url) as raw:
        got = raw.send(request(path="/health")).answer()
        assert got.status == 200
        report = json.loads(got.body)
        assert report["status"] == "degraded"
        assert report["stale"] == [
            {"file": "a.yaml", "reason": "a.yaml:1:1: no", "left_out": False},
            {"file": "b.yaml", "reason": "?", "left_out": True},
        ]
        page = raw.send(request(path="/")).answer().text
        assert "a.yaml: its last good version is still in use: a.yaml:1:1: no" in page
        assert "b.yaml: left out until it is corrected: ?" in page


def test_root_page_names_the_sessions_of_findings() -> None:
    about = EngineInfo(rules=2, files=2, findings=("cut", "crlf"))
    with ThreadedServer(App(FakeEngine(about=about), limits=LIMITS)) as url, Raw.to(url) as raw:
        page = raw.send(request(path="/")).answer().text
        assert "Findings of hunts, each in the session of its name: /s/cut, /s/crlf\n" in page


@pytest.mark.parametrize(
    ("about", "amount"),
    [
        (EngineInfo(rules=30, files=5, pack_rules=25, pack_files=4), "5 rules in 1 file, 25 rules in packs"),
        (EngineInfo(rules=25, files=5, pack_rules=25, pack_files=4), "0 rules in 1 file, 25 rules in packs"),
        (EngineInfo(rules=1, files=1, pack_rules=1, pack_files=1), "1 rule in packs"),
        (EngineInfo(rules=0, files=0), "0 rules in 0 files"),
    ],
    ids=["both", "modifiers and a pack", "a pack", "nothing"],
)
def test_rules_of_packs_are_counted_separately(about: EngineInfo, amount: str) -> None:
    with ThreadedServer(App(FakeEngine(about=about), limits=LIMITS)) as url, Raw.to(url) as raw:
        first = raw.send(request(path="/")).answer().text.splitlines()[0]
        assert first.partition(": ")[2] == amount


def test_root_page_has_rules_and_base_urls(raw: Raw) -> None:
    got = raw.send(request(path="/")).answer()
    assert "3 rules in 1 file" in got.text
    assert "OpenAI: http://test/v1" in got.text
    assert "  rules: /mine" in got.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/deep", 404),
        ("POST", "/health", 405),
    ],
)
def test_reserved_paths_never_reach_the_engine(raw: Raw, method: str, path: str, status: int) -> None:
    seen = len(ENGINE.seen)
    got = raw.send(request(method, path, Origin="https://page")).answer()
    assert got.status == status
    assert "access-control-allow-origin" not in got.headers
    assert len(ENGINE.seen) == seen


@pytest.mark.parametrize("path", ["/api/rules", "/metrics", "/dashboard", "/ws"])
def test_control_path_without_control_api_belongs_to_rules(raw: Raw, path: str) -> None:
    seen = len(ENGINE.seen)
    assert raw.send(request("GET", path)).answer().text == f"no GET {path}"
    assert len(ENGINE.seen) == seen + 1


def test_health_with_wrong_method_is_problem_json(raw: Raw) -> None:
    got = raw.send(request("POST", "/health")).answer()
    assert (got.headers["content-type"], got.headers["allow"]) == ("application/problem+json", "GET")
    assert json.loads(got.body)["detail"] == 'POST is not for "/health"; there is GET.'


def test_paths_that_only_begin_alike_are_the_engines(raw: Raw) -> None:
    assert raw.send(request(path="/healthy")).answer().text == "no GET /healthy"
    assert raw.send(request("POST", "/", b"x")).answer().text == "no POST /"


def test_preflight_of_provider_route_is_204(raw: Raw) -> None:
    requested = request(
        "OPTIONS",
        "/v1/chat/completions",
        Origin="https://page",
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="authorization, x-stainless-os",
    )
    got = raw.send(requested).answer()
    assert got.status == 204
    assert got.headers["access-control-allow-origin"] == "*"
    assert got.headers["access-control-allow-headers"] == "authorization, x-stainless-os"
    assert "POST" in got.headers["access-control-allow-methods"]
    for path in ("/whole", "/stream"):
        got = raw.send(request(path=path)).answer()
        assert got.headers["access-control-allow-origin"] == "*"
        assert got.headers["access-control-expose-headers"] == "*"


def test_plan_with_own_cors_header_is_unchanged(raw: Raw) -> None:
    got = raw.send(request(path="/own-origin")).answer()
    assert [line for line in got.lines if line.lower().startswith("access-control-allow-origin")] == [
        "Access-Control-Allow-Origin: https://a"
    ]


def test_options_without_preflight_headers_reaches_engine(raw: Raw) -> None:
    assert raw.send(request("OPTIONS", "/x")).answer().text == "no OPTIONS /x"


def test_without_cors_nothing_speaks_of_origins() -> None:
    with ThreadedServer(App(ENGINE, limits=LIMITS, allow_cors=False)) as url, Raw.to(url) as raw:
        requested = request("OPTIONS", "/x", Origin="https://page", Access_Control_Request_Method="POST")
        assert raw.send(requested).answer().text == "no OPTIONS /x"
        assert "access-control-allow-origin" not in raw.send(request(path="/whole")).answer().headers


def test_engine_swap_applies_to_next_request(server: ThreadedServer, raw: Raw) -> None:
    assert raw.send(request(path="/whole")).answer().text == "hello"
    server.app.engine = FakeEngine({"/whole": whole("swapped")})
    try:
        assert raw.send(request(path="/whole")).answer().text == "swapped"
    finally:
        server.app.engine = ENGINE


def test_journal_entry_has_outcome_of_request(server: ThreadedServer, raw: Raw) -> None:
    raw.send(request("POST", "/noted", b"{}")).answer()
    record = written_down(server, "/noted")
    assert (record.method, record.status, record.responder_id, record.unmatched) == ("POST", 404, None, True)
    assert record.notes == ("not applied",)
    assert record.end_reason == "finished"
    assert 0 <= record.duration < PATIENCE
    raw.send(request(path="/whole")).answer()
    assert written_down(server, "/whole").responder_id == "a.yaml:/whole"


@pytest.mark.parametrize("path", ["/whole", "/echo", "/stream", "/joined"])
def test_half_closed_connection_gets_response(raw: Raw, path: str) -> None:
    raw.send(request("POST", path, b"{}"))
    raw.sock.shutdown(socket.SHUT_WR)
    got = raw.answer()
    assert (got.status, got.complete) == (200, True)
    assert raw.sock.recv(1) == b""


@pytest.mark.parametrize("paths", [("/stream", "/stream", "/whole"), ("/whole", "/whole", "/stream")])
def test_half_closed_connection_gets_all_responses(raw: Raw, paths: tuple[str, ...]) -> None:
    raw.send(b"".join(request(path=path) for path in paths))
    raw.sock.shutdown(socket.SHUT_WR)
    assert [raw.answer().complete for _ in paths] == [True] * len(paths)
    assert raw.to_the_end() == b""


def test_half_closed_connection_with_garbage_gets_400(raw: Raw) -> None:
    raw.send(b"nonsense\r\n\r\n")
    raw.sock.shutdown(socket.SHUT_WR)
    assert raw.answer().status == 400
    assert raw.sock.recv(1) == b""


@pytest.mark.parametrize(
    "requested", [request("POST", "/delayed", b"{}"), request("POST", "/whole", Content_Length="9")]
)
def test_but_is_not_waited_for_longer_than_the_linger_time(raw: Raw, requested: bytes) -> None:
    raw.send(requested)
    raw.sock.shutdown(socket.SHUT_WR)
    assert raw.closed_after() < 20  # where 30 s would pass else
