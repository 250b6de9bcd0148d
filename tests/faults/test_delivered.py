"""What was sent before a cut is delivered; a silence is over when the client leaves, or the server stops."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mockllm.server.server_limits import ServerLimits
from tests.live import Live
from tests.live import live as serve
from tests.server.raw_client import request
from tests.waiting import until

SIZE = 6_000_000
"""Bytes: more than the systems of both ends and the server hold for a reader that does not read."""
SCENARIO = """mockllm: 1
rules:
  - match: {path: /big/*}
    http: {body_file: big.bin}
  - match: {path: /small/*}
    http: {body: "0123456789"}
modifiers:
  - {match: {path: "*/reset"}, faults: [{reset: {after: {bytes: "{{ query.bytes }}"}}}]}
  - {match: {path: "*/close"}, faults: [{close: {after: {bytes: "{{ query.bytes }}"}}}]}
  - {match: {path: "*/silence"}, faults: [{silence: {after: {bytes: 4}}}]}
  - {match: {path: "*/none"}, faults: [{no_response: {then: silence}}]}
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Live]:
    (tmp_path / "big.bin").write_bytes(b"x" * SIZE)
    (tmp_path / "a.yaml").write_text(SCENARIO)
    with serve(tmp_path / "a.yaml") as server:
        yield server


@contextlib.contextmanager
def requested(server: Live, path: str) -> Iterator[socket.socket]:
    """A client with little room for what it has not read."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(20)
        sock.connect(("127.0.0.1", server.port))
        sock.sendall(request("GET", path))
        yield sock


def all_of(sock: socket.socket, pause: float = 0.0) -> tuple[bytes, str]:
    """What comes until the end, and which end that is; now and then the reader sleeps."""
    received: list[bytes] = []
    size = 0
    while True:
        try:
            data = sock.recv(1 << 16)
        except ConnectionResetError:
            return b"".join(received), "rst"
        if not data:
            return b"".join(received), "fin"
        received.append(data)
        if pause and size // 1_000_000 != (size + len(data)) // 1_000_000:
            time.sleep(pause)
        size += len(data)


@pytest.mark.parametrize("end", ["reset", "close"])
def test_slow_reader_gets_all_bytes_before_a_cut(server: Live, end: str) -> None:
    server.app.limits = ServerLimits(linger=0.5)
    with requested(server, f"/big/{end}?bytes={SIZE - 10}") as sock:
        time.sleep(0.3)
        got, ended = all_of(sock, pause=0.3)
    assert got.partition(b"\r\n\r\n")[2] == b"x" * (SIZE - 10)
    assert ended == {"reset": "rst", "close": "fin"}[end]


def test_reader_that_reads_nothing_is_reset(server: Live) -> None:
    server.app.limits = ServerLimits(linger=0.1)
    with requested(server, f"/big/reset?bytes={200_000}") as sock:
        until(lambda: any("connection reset" in line for line in server.lines))
        assert all_of(sock)[1] == "rst"


@pytest.mark.parametrize(("path", "reported"), [("/small/silence", b"0123"), ("/small/none", b"")])
def test_stall_ends_when_the_client_disconnects(server: Live, path: str, reported: bytes) -> None:
    with requested(server, path) as sock:
        got = b""
        while reported and not got.endswith(b"\r\n\r\n" + reported):
            got += sock.recv(1 << 16)
        sock.settimeout(0.1)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        assert server.app.unfinished_exchanges == 1
    assert "the client left" in server.line(lambda line: path in line)
    until(lambda: server.app.unfinished_exchanges == 0)


def test_server_stops_during_a_stall(tmp_path: Path) -> None:
    (tmp_path / "big.bin").write_bytes(b"")
    (tmp_path / "a.yaml").write_text(SCENARIO)
    with contextlib.ExitStack() as client:
        with serve(tmp_path / "a.yaml") as server:
            sock = client.enter_context(requested(server, "/small/none"))
            until(lambda: server.app.unfinished_exchanges == 1)
        assert all_of(sock)[0] == b""
    assert "the server stopped" in server.line(lambda line: "/small/none" in line)
