"""Frames that no client sends, from a seed: the server goes on, and prints no traceback."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterator

import pytest
from hpack import Encoder
from hyperframe.frame import (
    DataFrame,
    Frame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from mockllm.server.app import App
from mockllm.server.connection_factory import HTTP2_PREFACE
from mockllm.server.server_limits import ServerLimits
from tests.server.fake_engine import FakeEngine, chunks, whole
from tests.server.http2.h2_client import H2Client
from tests.server.threaded_server import ThreadedServer

METHODS = ("GET", "POST", "HEAD", "OPTIONS", "CONNECT", "X Y", "")
PATHS = ("/ok", "/paced", "/health", "/none", "*", "", "/%zz", "/a b")
NAMES = (
    "content-length",
    "cookie",
    "expect",
    "te",
    "connection",
    "transfer-encoding",
    "host",
    "content-encoding",
)
VALUES = ("1", "5", "-1", "gzip", "chunked", "100-continue", "trailers", "a" * 3000, "\xff", "a\r\nb", "")
CONNECTIONS = 40


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    plans = {"/ok": whole(), "/paced": chunks(3, 0.01)}
    served = ThreadedServer(App(FakeEngine(plans), limits=ServerLimits(grace=0.2, linger=0.1, body_idle=0.5)))
    served.start()
    yield served
    served.stop()


def head(choice: random.Random, encoder: Encoder, stream: int) -> HeadersFrame:
    fields = [(":method", choice.choice(METHODS)), (":scheme", "http"), (":authority", "a")]
    fields.append((":path", choice.choice(PATHS)))
    fields += [(choice.choice(NAMES), choice.choice(VALUES)) for _ in range(choice.randrange(3))]
    flags = choice.choice([["END_HEADERS"], ["END_HEADERS", "END_STREAM"], ["END_STREAM"]])
    return HeadersFrame(stream, encoder.encode(fields), flags=flags)


def frame(choice: random.Random, encoder: Encoder, stream: int) -> Frame:
    """A frame of any kind, on the stream that comes next or on one before."""
    before = max(1, stream - 2 * choice.randrange(1, 4))
    ends = choice.choice([[], ["END_STREAM"]])
    kinds: list[Frame] = [
        head(choice, encoder, stream),
        DataFrame(before, choice.choice([b"", b"{}", choice.randbytes(500)]), flags=ends),
        RstStreamFrame(before, choice.randrange(14)),
        WindowUpdateFrame(choice.choice([0, before]), choice.choice([1, 1000, 2**31 - 1])),
        SettingsFrame(0, {choice.randrange(1, 7): choice.choice([0, 1, 65_536, 2**31 - 1])}),
        PingFrame(0, choice.randbytes(8)),
    ]
    return choice.choices(kinds, weights=[6, 4, 2, 1, 1, 1])[0]


def sent_bytes(choice: random.Random) -> bytes:
    encoder = Encoder()
    frames = [frame(choice, encoder, stream).serialize() for stream in range(1, choice.randrange(3, 80), 2)]
    data = bytearray(b"".join([HTTP2_PREFACE, SettingsFrame(0).serialize(), *frames]))
    for _ in range(choice.choice([0, 0, 1, 4])):
        data[choice.randrange(len(HTTP2_PREFACE), len(data))] = choice.randrange(256)
    return bytes(data)


@pytest.mark.parametrize("seed", range(4))
def test_mutated_frames_leave_the_server_well(
    server: ThreadedServer, seed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    choice = random.Random(seed)
    for _ in range(CONNECTIONS):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
            data = sent_bytes(choice)
            size = choice.choice([7, 100, len(data)])
            with contextlib.suppress(OSError):  # the server has closed the connection
                for start in range(0, len(data), size):
                    sock.sendall(data[start : start + size])
                sock.recv(65_536)
    with H2Client(server.port) as client:
        assert client.response(client.ask("/ok")).text == "hello"
    assert not [entry for entry in list(server.app.journal) if entry.status >= 500]
    assert "Traceback" not in capfd.readouterr().err
