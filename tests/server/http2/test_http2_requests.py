"""Requests and responses over HTTP/2, on a socket: what a rule sees of them, and what a client gets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockllm.core.rendering.plan import CutStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.server.app import App
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, chunks, say, streamed, whole
from tests.server.http2.h2_client import H2Client, H2Response
from tests.server.raw_client import Raw, request
from tests.server.threaded_server import ThreadedServer, written_down
from tests.waiting import until

EMPTY = Plan(ResponseHead(204, ()), ())
HOP_BY_HOP = Plan(
    ResponseHead(200, (("Connection", "x"), ("Keep-Alive", "a"), ("X-Mixed-Case", " v "))), (say("hello"),)
)
PLANS = {
    "/ok": whole(),
    "/long": whole("x" * 1_000_000),
    "/stream": chunks(3, 0.0),
    "/paced": chunks(3, 0.02),
    "/empty": EMPTY,
    "/hop": HOP_BY_HOP,
    "/silence": streamed(say("one"), CutStep("silence", 1)),
}


@pytest.fixture(scope="module")
def engine() -> FakeEngine:
    def echoed(request: Request) -> Plan:
        return whole(f"{request.method} {request.headers.get('content-length', '-')} {len(request.raw)}")

    return FakeEngine({**PLANS, "/echo": echoed})


@pytest.fixture(scope="module")
def server(engine: FakeEngine) -> Iterator[ThreadedServer]:
    served = ThreadedServer(App(engine, limits=ServerLimits(grace=0.2, linger=0.2)))
    served.start()
    yield served
    served.stop()


@pytest.fixture
def client(server: ThreadedServer) -> Iterator[H2Client]:
    with H2Client(server.port) as connected:
        yield connected


def test_response_has_status_fields_and_body(client: H2Client) -> None:
    got = client.response(client.ask("/ok"))
    assert (got.status, got.text, got.headers["content-length"]) == (200, "hello", "5")
    assert [name for name, _ in got.fields if name != name.lower()] == []


def test_stream_arrives_whole_without_hop_by_hop_fields(client: H2Client) -> None:
    for path in ("/stream", "/paced"):
        got = client.response(client.ask(path))
        assert got.text == "".join(f"data: chunk {number}\n\n" for number in (1, 2, 3))
        assert not {"transfer-encoding", "connection", "content-length"} & got.headers.keys()


def test_fields_of_a_scenario_are_cleaned(client: H2Client) -> None:
    headers = client.response(client.ask("/hop")).headers
    assert headers["x-mixed-case"] == "v"
    assert not {"connection", "keep-alive"} & headers.keys()


def test_response_without_body_ends_with_its_head(client: H2Client) -> None:
    got = client.response(client.ask("/empty"))
    assert (got.status, got.body, got.reset) == (204, b"", None)


def test_head_request_gets_no_body(client: H2Client) -> None:
    got = client.response(client.ask("/ok", method="HEAD"))
    assert (got.status, got.body, got.headers["content-length"]) == (200, b"", "5")


@pytest.mark.parametrize("together", [True, False])
def test_body_without_length_is_read(client: H2Client, together: bool) -> None:
    id = client.begin("/echo", method="POST", end=False)
    if not together:
        client.flush()
        client.h2.ping(b"12345678")
        client.flush()
    client.h2.send_data(id, b"some ")
    client.h2.send_data(id, b"text", end_stream=True)
    client.flush()
    assert client.response(id).text.split()[::2] == ["POST", "9"]


def test_body_in_parts_with_length_is_read(client: H2Client) -> None:
    id = client.begin("/echo", method="POST", headers=[("content-length", "9")], end=False)
    for part in (b"some ", b"text"):
        client.flush()
        client.h2.send_data(id, part)
    client.h2.end_stream(id)
    client.flush()
    assert client.response(id).text == "POST 9 9"


@pytest.mark.parametrize("body", [b"", b"text"])
def test_response_waits_for_the_end_of_its_request(client: H2Client, body: bytes) -> None:
    """httpcore sends the end of a request in a separate frame, and fails where the stream is reset before it."""
    id = client.begin("/echo", method="POST", headers=[("content-length", str(len(body)))], end=False)
    if body:
        client.h2.send_data(id, body)
    client.flush()
    assert client.response(client.ask("/ok")).text == "hello"
    assert not client.responses[id].status
    client.h2.end_stream(id)
    client.flush()
    got = client.response(id)
    assert (got.text, got.reset) == (f"POST {len(body)} {len(body)}", None)


def test_body_larger_than_the_windows_is_read(client: H2Client) -> None:
    size, sent = 3_000_000, 0
    id = client.begin("/echo", method="POST", headers=[("content-length", str(size))], end=False)
    client.flush()
    while sent < size:
        room = min(client.h2.local_flow_control_window(id), client.h2.max_outbound_frame_size, size - sent)
        if room:
            client.h2.send_data(id, bytes(room), end_stream=sent + room == size)
            sent += room
            client.flush()
        else:
            client.read()
    assert client.response(id).text == f"POST {size} {size}"


def test_trailers_end_a_request(client: H2Client) -> None:
    id = client.begin("/echo", method="POST", end=False)
    client.h2.send_data(id, b"text")
    client.h2.send_headers(id, [("x-checksum", "1")], end_stream=True)
    client.flush()
    assert client.response(id).text.endswith(" 4")


def test_request_looks_like_one_of_http_1(
    server: ThreadedServer, client: H2Client, engine: FakeEngine
) -> None:
    headers = [("cookie", "a=1"), ("cookie", "b=2"), ("x-one", "1"), ("content-type", "text/plain")]
    client.response(client.ask("/seen?q=1", b"text", headers=headers))
    with Raw(server.port) as raw:
        same = {"Cookie": "a=1; b=2", "X_One": "1", "Content_Type": "text/plain"}
        raw.send(request("POST", "/seen?q=1", b"text", **same)).answer()
    over_2, over_1 = engine.seen[-2:]
    fields_2, fields_1 = (
        {name.lower(): value for name, value in request.headers.items()} for request in (over_2, over_1)
    )
    assert fields_2 == fields_1
    assert (over_2.path, over_2.query_string, over_2.raw) == (over_1.path, over_1.query_string, over_1.raw)


def test_expected_continue_is_sent(client: H2Client) -> None:
    expect = [("expect", "100-continue"), ("content-length", "4")]
    id = client.begin("/echo", method="POST", headers=expect, end=False)
    client.flush()
    client.until(lambda: client.responses[id].informational == [100])
    client.h2.send_data(id, b"text", end_stream=True)
    client.flush()
    assert client.response(id).text == "POST 4 4"


def test_hundred_streams_share_a_connection(client: H2Client) -> None:
    ids = [client.ask("/paced") for _ in range(100)]
    assert {client.response(id).text for id in ids} == {"data: chunk 1\n\ndata: chunk 2\n\ndata: chunk 3\n\n"}
    assert not client.closed


def test_silent_stream_does_not_hold_others(client: H2Client) -> None:
    silent = client.ask("/silence")
    client.until(lambda: bool(client.responses[silent].body))
    assert client.response(client.ask("/ok")).text == "hello"
    assert not client.responses[silent].over


def test_stream_that_is_not_read_does_not_hold_others(server: ThreadedServer) -> None:
    with H2Client(server.port, reads=False) as client:
        client.h2.increment_flow_control_window(2_000_000)
        stalled = client.ask("/long")
        client.until(lambda: len(client.responses[stalled].body) == 65_535)
        assert client.response(client.ask("/ok")).text == "hello"
        client.h2.increment_flow_control_window(1_000_000, stalled)
        client.flush()
        assert len(client.response(stalled).body) == 1_000_000


def test_connection_window_is_shared_by_turns(server: ThreadedServer) -> None:
    with H2Client(server.port) as client:
        ids = [client.ask("/long") for _ in range(4)]
        assert [len(client.response(id).body) for id in ids] == [1_000_000] * 4


def test_reset_stream_is_a_client_that_left(server: ThreadedServer, client: H2Client) -> None:
    id = client.ask("/silence?reset")
    client.until(lambda: bool(client.responses[id].body))
    client.h2.reset_stream(id, 8)
    client.flush()
    assert written_down(server, "/silence?reset").end_reason == "gone"
    assert client.response(client.ask("/ok")).text == "hello"


def test_closed_connection_ends_all_streams(server: ThreadedServer) -> None:
    with H2Client(server.port) as client:
        ids = [client.ask(f"/silence?closed={number}") for number in range(3)]
        client.until(lambda: all(client.responses[id].body for id in ids))
    assert {written_down(server, f"/silence?closed={number}").end_reason for number in range(3)} == {"gone"}
    until(lambda: not server._server._connection_factory.connections)


def test_client_that_says_goaway_gets_its_response(client: H2Client) -> None:
    id = client.ask("/paced")
    client.send(b"\x00\x00\x08\x07\x00\x00\x00\x00\x00" + bytes(8))
    assert client.response(id).ended
    client.to_the_end()


@pytest.mark.parametrize("path", ["/ok?version", "/paced?version"])
def test_journal_entry_has_version_2(server: ThreadedServer, client: H2Client, path: str) -> None:
    client.response(client.ask(path))
    assert written_down(server, path).http_version == "2"


def test_connect_is_refused(client: H2Client) -> None:
    id = client.h2.get_next_available_stream_id()
    client.h2.send_headers(id, [(":method", "CONNECT"), (":authority", "other:443")])
    client.responses[id] = H2Response()
    client.flush()
    client.until(lambda: client.responses[id].status == 400)


def test_upgrade_to_h2c_is_ignored(server: ThreadedServer) -> None:
    with Raw(server.port) as raw:
        sent = request(
            path="/ok", Connection="Upgrade, HTTP2-Settings", Upgrade="h2c", HTTP2_Settings="AAMAAABkAAQ"
        )
        assert raw.send(sent).answer().text == "hello"
        assert raw.send(request(path="/ok")).answer().text == "hello"
