"""The admin port of a server with workers: only the supervisor has its sockets."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.process import Process, serving
from tests.server.workers.worker_processes import workers_of
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc for the worker processes")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Process]:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "a.yaml").write_text("rules: [{name: slow, reply: {chunks: [One, {wait: 600s}, two]}}]\n")
    with serving("--workers", "2", "--admin-port", "0", cwd=tmp_path, PATH="") as process:
        yield process


@contextmanager
def streaming(server: Process) -> Iterator[socket.socket]:
    """A stream whose first chunk has come, and whose second one comes after all tests."""
    body = b'{"model": "gpt-4o", "stream": true, "messages": [{"role": "user", "content": "hi"}]}'
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as client:
        client.sendall(head.encode() + body)
        received = b""
        while b"One" not in received:
            received += client.recv(65536)
        yield client


def admin_port(server: Process) -> int:
    line = server.line(lambda line: line.startswith("control API: "))
    return int(line.partition("/api")[0].rpartition(":")[2])


def listeners(port: int) -> set[str]:
    """The inodes of the sockets that listen on this port of 127.0.0.1. Another program that takes the port later has
    another one."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    address = f"0100007F:{port:04X}"
    return {row[9] for row in rows if row[1] == address and row[3] == "0A"}


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


def test_admin_port_is_refused_while_a_stream_ends(server: Process) -> None:
    port = admin_port(server)
    with streaming(server):
        server.send(signal.SIGTERM)
        until(lambda: is_refused(port))
        assert workers_of(server), "the stream has not ended"
        server.send(signal.SIGTERM)
        assert server.ended() == 0


def test_admin_port_is_free_after_its_supervisor(server: Process) -> None:
    port = admin_port(server)
    workers = workers_of(server)
    of_supervisor = listeners(port)
    assert len(of_supervisor) == 1
    with streaming(server):
        server.send(signal.SIGKILL)
        assert server.exit_code() == -signal.SIGKILL
        try:
            assert all(Path(f"/proc/{worker}").exists() for worker in workers), "they end before the stream"
            assert not listeners(port) & of_supervisor, "a worker has the socket"
        finally:
            for worker in workers:  # they wait for the end of the stream
                os.kill(worker, signal.SIGKILL)
