"""Bounds on a client with HTTP/2: streams, frames, header fields, bodies, time, and what it does not read."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes
from hyperframe.frame import ContinuationFrame, DataFrame, Frame, HeadersFrame, PingFrame, SettingsFrame

from mockllm.core.rendering.plan import CutStep
from mockllm.server.app import App
from mockllm.server.http2 import connection as http2_connection
from mockllm.server.http2 import flood_guard
from mockllm.server.http2.connection import Http2Connection
from mockllm.server.http2.h2_library import ENCODER_TABLE, MAX_STREAMS
from mockllm.server.reading_connection import ReadingConnection
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, say, streamed, whole
from tests.server.http2.h2_client import H2Client
from tests.server.test_client_bounds import ClockedApp, ClockedServer
from tests.server.threaded_server import ThreadedServer
from tests.waiting import until

CALM = ErrorCodes.ENHANCE_YOUR_CALM
PLANS = {
    "/ok": whole(),
    "/more": whole("x" * 100_000),
    "/silence": streamed(say("one"), CutStep("silence", 1)),
    "/large": streamed(*[say("x" * 10_000, number) for number in range(1, 401)]),
}


def served(**limits: float) -> ThreadedServer:
    bounds = ServerLimits(grace=0.2, linger=0.2, body=100_000, header=2000, headers=40, **limits)  # type: ignore[arg-type]
    return ThreadedServer(App(FakeEngine(PLANS), limits=bounds))


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    running = served()
    running.start()
    yield running
    running.stop()


def connections(server: ThreadedServer) -> list[Http2Connection]:
    return [
        one
        for one in list(server._server._connection_factory.connections)
        if isinstance(one, Http2Connection)
    ]


def refusals(server: ThreadedServer) -> list[str]:
    return [note for entry in list(server.app.journal) if entry.target == "-" for note in entry.notes]


def flood(client: H2Client, frames: list[bytes]) -> None:
    """Send frames until the server has enough of them."""
    client.flush()
    try:
        for start in range(0, len(frames), 50):
            client.send(b"".join(frames[start : start + 50]))
    except OSError:  # it has closed the connection
        return


def framed(frame: Frame) -> bytes:
    return frame.serialize()


def rapid_resets(client: H2Client) -> list[bytes]:
    frames = []
    for _ in range(3000):
        client.h2.reset_stream(client.begin("/silence"), ErrorCodes.CANCEL)
        frames.append(client.h2.data_to_send())
    return frames


def pings(client: H2Client) -> list[bytes]:
    return [framed(PingFrame(0, b"12345678"))] * 20_000


def settings(client: H2Client) -> list[bytes]:
    return [framed(SettingsFrame(0))] * 20_000


def unknown_settings(client: H2Client) -> list[bytes]:
    entries = b"".join(struct.pack(">HL", id, 1) for id in range(256, 356))
    return [struct.pack(">BHBBL", 0, len(entries), SettingsFrame.type, 0, 0) + entries]


def empty_data(client: H2Client) -> list[bytes]:
    id = client.begin("/ok", method="POST", end=False)
    return [client.h2.data_to_send(), *[framed(DataFrame(id))] * 20_000]


FLOODS = (rapid_resets, pings, settings, unknown_settings, empty_data)


@pytest.mark.parametrize("make", FLOODS, ids=[make.__name__ for make in FLOODS])
def test_flood_of_frames_ends_connection(
    server: ThreadedServer, make: Callable[[H2Client], list[bytes]]
) -> None:
    before = len(refusals(server))
    with H2Client(server.port) as client, H2Client(server.port) as bystander:
        flood(client, make(client))
        until(lambda: refusals(server)[before:] == ["HTTP/2: ENHANCE_YOUR_CALM"])
        assert bystander.response(bystander.ask("/ok")).text == "hello"


def test_requests_that_end_with_empty_data_are_no_flood(
    server: ThreadedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flood_guard, "BURST", 20)
    monkeypatch.setattr(http2_connection, "OTHERS_PER_SECOND", 0)
    with H2Client(server.port) as client:
        for _ in range(40):
            id = client.begin("/ok", method="POST", end=False)
            client.h2.send_data(id, b"text")
            client.h2.end_stream(id)
            client.flush()
            assert client.response(id).status == 200


def test_streams_beyond_the_bound_are_refused(server: ThreadedServer) -> None:
    with H2Client(server.port) as client:
        client.h2.remote_settings.update({SettingCodes.MAX_CONCURRENT_STREAMS: 1000})
        client.h2.remote_settings.acknowledge()
        ids = [client.begin("/silence") for _ in range(MAX_STREAMS + 10)]
        client.flush()
        client.until(lambda: all(got.over or got.body for got in client.responses.values()))
        codes = [client.responses[id].reset for id in ids]
        assert codes == [None] * MAX_STREAMS + [ErrorCodes.REFUSED_STREAM] * 10
        client.h2.reset_stream(ids[0], ErrorCodes.CANCEL)
        assert client.response(client.ask("/ok")).text == "hello"


def test_settings_announce_the_bounds(server: ThreadedServer) -> None:
    with H2Client(server.port) as client:
        client.response(client.ask("/ok"))
        found = client.h2.remote_settings
        assert (found.max_concurrent_streams, found.enable_push, found.enable_connect_protocol) == (128, 0, 0)
        assert found.max_header_list_size == 65_536


def test_large_header_list_ends_connection(server: ThreadedServer) -> None:
    with H2Client(server.port) as client:
        client.begin("/ok", headers=[(f"x-{number}", "v" * 1000) for number in range(80)])
        client.flush()
        client.to_the_end()
        assert client.goaway == CALM


def test_flood_of_continuations_ends_connection(server: ThreadedServer) -> None:
    with H2Client(server.port) as client:
        first = HeadersFrame(1, b"\x82")
        frames = [framed(first), *[framed(ContinuationFrame(1, b"\x00"))] * 1000]
        flood(client, frames)
        client.to_the_end()
        assert client.goaway in (ErrorCodes.PROTOCOL_ERROR, None)


@pytest.mark.parametrize(
    ("headers", "status"),
    [([("x", "v" * 3000)], 431), ([(f"x-{number}", "v") for number in range(60)], 400)],
    ids=["a long field", "many fields"],
)
def test_fields_outside_of_bounds_are_refused(
    server: ThreadedServer, headers: list[tuple[str, str]], status: int
) -> None:
    with H2Client(server.port) as client:
        assert client.response(client.ask("/ok", headers=headers)).status == status
        assert client.response(client.ask("/ok")).text == "hello"


def test_table_of_the_encoder_is_bounded(server: ThreadedServer) -> None:
    with H2Client(server.port) as client:
        client.h2.update_settings({SettingCodes.HEADER_TABLE_SIZE: 2**31})
        client.response(client.ask("/ok"))
        assert connections(server)[-1].h2.encoder.header_table_size == ENCODER_TABLE


@pytest.mark.parametrize("path", ["/a b", "/a HTTP/1.1", "/a\tb"])
def test_target_that_would_split_is_refused(server: ThreadedServer, path: str) -> None:
    with H2Client(server.port) as client:
        assert client.response(client.ask(path)).reset == ErrorCodes.PROTOCOL_ERROR
        assert client.response(client.ask("/ok")).text == "hello"


def test_line_end_in_a_field_resets_stream(server: ThreadedServer) -> None:
    """RFC 9113, section 8.1.1: a malformed request is an error of its stream."""
    with H2Client(server.port) as client:
        id = client.ask("/ok", headers=[("x-a", "b\r\nx-evil: 1")])
        assert client.response(id).reset == ErrorCodes.PROTOCOL_ERROR
        assert client.response(client.ask("/ok")).text == "hello"


def test_body_that_ends_before_its_length_is_reset(server: ThreadedServer) -> None:
    with H2Client(server.port) as client:
        id = client.begin("/ok", method="POST", headers=[("content-length", "9")], end=False)
        client.h2.send_data(id, b"text")
        client.h2.send_headers(id, [("x-checksum", "1")], end_stream=True)
        head = client.begin("/ok", method="HEAD", headers=[("content-length", "9")])
        client.flush()
        codes = [client.response(each).reset for each in (id, head)]
        assert codes == [ErrorCodes.PROTOCOL_ERROR] * 2
        assert client.response(client.ask("/ok")).text == "hello"


@pytest.mark.parametrize("length", ["3", "5", "0", "four", "-4", "+4", "4_", "4" * 5000])
def test_body_of_another_length_resets_its_stream_alone(server: ThreadedServer, length: str) -> None:
    with H2Client(server.port) as client:
        other = client.begin("/ok", method="POST", end=False)
        id = client.begin("/ok", method="POST", headers=[("content-length", length)], end=False)
        client.h2.send_data(id, b"text", end_stream=True)
        client.flush()
        assert client.response(id).reset == ErrorCodes.PROTOCOL_ERROR
        client.h2.send_data(other, b"{}", end_stream=True)
        client.flush()
        assert client.response(other).text == "hello"


def test_body_beyond_its_length_is_reset_before_its_end(server: ThreadedServer) -> None:
    with H2Client(server.port) as client:
        id = client.begin("/ok", method="POST", headers=[("content-length", "3")], end=False)
        client.h2.send_data(id, b"text")
        client.flush()
        assert client.response(id).reset == ErrorCodes.PROTOCOL_ERROR
        assert client.response(client.ask("/ok")).text == "hello"


@pytest.mark.parametrize(
    "field", [(":path", "/x"), ("X-Sum", "1"), ("x-sum", "1\n"), ("connection", "close")]
)
def test_malformed_trailers_reset_their_stream_alone(server: ThreadedServer, field: tuple[str, str]) -> None:
    with H2Client(server.port) as client:
        id = client.begin("/ok", method="POST", end=False)
        client.h2.send_data(id, b"text")
        client.h2.send_headers(id, [field], end_stream=True)
        client.flush()
        assert client.response(id).reset == ErrorCodes.PROTOCOL_ERROR
        assert client.response(client.ask("/ok")).text == "hello"


def test_large_body_is_refused_and_connection_goes_on(server: ThreadedServer) -> None:
    with H2Client(server.port) as client:
        client.response(client.ask("/ok"))  # it knows the windows now
        id = client.begin("/ok", method="POST", end=False)
        for _ in range(7):
            client.h2.send_data(id, bytes(16_000))
        client.flush()
        got = client.response(id)
        assert (got.status, json.loads(got.body)["error"]["message"][:24]) == (
            413,
            "The request body is larg",
        )
        client.until(lambda: got.reset is not None)
        assert got.reset == ErrorCodes.NO_ERROR
        assert client.response(client.ask("/ok")).text == "hello"


def test_body_that_drips_is_refused_after_its_time() -> None:
    limits = ServerLimits(grace=0.2, linger=0.2, body_idle=30.0, body_time=60.0)
    clocked = ClockedServer(ClockedApp(FakeEngine(PLANS), limits=limits))
    with clocked, H2Client(clocked.port) as client:
        id = client.begin("/ok", method="POST", headers=[("content-length", "100")], end=False)
        client.flush()
        until(lambda: clocked.app.unfinished_exchanges == 1)
        for number in range(1, 7):
            client.h2.send_data(id, b"x")
            client.flush()
            until(lambda number=number: body_of(clocked) == number)  # type: ignore[misc]
            clocked.advance(10)
        got = client.response(id)
        assert (got.status, json.loads(got.body)["error"]["type"]) == (408, "timeout")


@pytest.mark.parametrize("body", [b"", b"text"])
def test_request_without_its_end_is_refused_after_its_time(body: bytes) -> None:
    clocked = ClockedServer(
        ClockedApp(FakeEngine(PLANS), limits=ServerLimits(grace=0.2, linger=0.2, head_time=20.0))
    )
    with clocked, H2Client(clocked.port) as client:
        id = client.begin("/ok", method="POST", headers=[("content-length", str(len(body)))], end=False)
        if body:
            client.h2.send_data(id, body)
        client.flush()
        assert client.response(client.ask("/ok")).text == "hello"
        clocked.advance(20)
        got = client.response(id)
        assert (got.status, got.text) == (408, "The end of the request took too long to come\n")


def body_of(server: ThreadedServer) -> int:
    """The bytes that have come of the only body."""
    for connection in connections(server):
        for stream in list(connection.streams.values()):
            body = ReadingConnection.__dict__["_body"].__get__(stream.connection)
            return 0 if body is None else int(body.total_bytes)
    return 0


def test_client_that_does_not_read_is_bounded(server: ThreadedServer) -> None:
    with H2Client(server.port, reads=False) as client:
        client.ask("/large")
        until(
            lambda: any(
                stream.unsent_bytes for one in connections(server) for stream in list(one.streams.values())
            )
        )
        client.h2.increment_flow_control_window(2**20)
        client.h2.increment_flow_control_window(2**20, 1)
        client.flush()
        client.until(lambda: len(client.responses[1].body) == 65_535 + 2**20)
        assert sum(one.unsent_bytes for one in connections(server)) < 1_000_000
        client.h2.increment_flow_control_window(2**25)
        client.h2.increment_flow_control_window(2**25, 1)
        client.flush()
        assert len(client.response(1).body) == 400 * 10_008


def test_socket_that_is_not_read_is_bounded(server: ThreadedServer) -> None:
    with H2Client(server.port, reads=False) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.h2.increment_flow_control_window(2**30)
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**30})
        for _ in range(10):
            client.ask("/large")
        until(lambda: any(one.full for one in connections(server)))
        assert sum(one.unsent_bytes for one in connections(server)) < 6 * 2**20


def test_socket_that_is_never_read_is_closed() -> None:
    running = served(keepalive=0.2)
    with running, H2Client(running.port, reads=False) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.h2.increment_flow_control_window(2**30)
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**30})
        for _ in range(60):
            client.ask("/more")
        until(lambda: any(one.full for one in connections(running)))
        until(lambda: not connections(running))


def test_response_that_is_never_read_ends() -> None:
    running = served(keepalive=0.2)
    with running, H2Client(running.port, reads=False) as client:
        got = client.response(client.ask("/more"))
        assert (len(got.body), got.reset) == (65_535, ErrorCodes.CANCEL)


@pytest.mark.parametrize("sends", [False, True])
def test_idle_connection_is_closed(sends: bool) -> None:
    running = served(keepalive=0.2) if sends else served(head_time=0.2)
    with running, H2Client(running.port) as client:
        if sends:
            client.response(client.ask("/ok"))
        client.to_the_end()
        assert client.goaway == ErrorCodes.NO_ERROR


@pytest.mark.parametrize("size", [1, 5, 16, 18, 23])
def test_preface_in_parts_begins_http2(server: ThreadedServer, size: int) -> None:
    with H2Client(server.port, preface=False) as client:
        opening = client.opening
        for start in range(0, len(opening), size):
            client.send(opening[start : start + size])
        assert client.response(client.ask("/ok")).text == "hello"


def test_stream_that_its_client_reset_is_not_refused(
    server: ThreadedServer, capfd: pytest.CaptureFixture[str]
) -> None:
    with H2Client(server.port) as client:
        client.h2.reset_stream(client.begin("/a b"), ErrorCodes.CANCEL)
        assert client.response(client.ask("/ok")).text == "hello"
    assert "Traceback" not in capfd.readouterr().err


def test_preface_that_is_wrong_is_refused(server: ThreadedServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        sock.sendall(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
        received = b""
        while data := sock.recv(65536):
            received += data
        assert received
    assert refusals(server)
