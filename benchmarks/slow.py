"""Slow readers: clients that request long streams and read nothing. The memory that each of them takes,
and how long other clients wait meanwhile.
"""

from __future__ import annotations

import json
import socket
import time
from statistics import median

from benchmarks.load import HEADERS, PATH
from benchmarks.rounds import Effort
from benchmarks.sides import let_calm_down, ours, running

READERS = 50
CHUNKS = 20_000
"""Some 4 MB on the wire: far more than may wait for one reader (`--max-unsent`, 1 MiB)."""


def main(effort: Effort) -> None:
    side = ours("--pack", "benchmark", CHUNK_DELAY_MS="0", CHUNK_COUNT=str(CHUNKS))
    head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    messages = [{"role": "user", "content": "hi"}]
    body = json.dumps({"model": "gpt-4o", "stream": True, "messages": messages})
    request = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
    with running(side) as server:
        size = sum(map(len, _response(server.port, request)))
        _, calm = _seconds_to_home_page(server.port), _seconds_to_home_page(server.port)
        let_calm_down()
        before = server.memory
        readers = [_opened(server.port, request) for _ in range(READERS)]
        time.sleep(2)
        grown = server.memory - before
        waited = median(_seconds_to_home_page(server.port) for _ in range(50))
        for reader in readers:
            reader.close()
        time.sleep(1)
        left = server.memory - before
    print(f"{READERS} readers of a response of {size / 1e6:.1f} MB each, of which they read nothing\n")
    print("| memory for each reader | memory after they have disconnected | another client waits |")
    print("|--:|--:|--:|")
    held, after = f"{grown / READERS:.2f} MB", f"{left / READERS:.2f} MB"
    print(f"| {held} | {after} | {waited * 1000:.1f} ms ({calm * 1000:.1f} before) |")


def _opened(port: int, request: bytes) -> socket.socket:
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.connect(("127.0.0.1", port))
    reader.sendall(request)
    return reader


def _response(port: int, request: bytes) -> list[bytes]:
    """Return the third response as it comes: the server caches the response at the second request."""
    for _ in range(3):
        received = [b""]
        with socket.create_connection(("127.0.0.1", port)) as reader:
            reader.sendall(request)
            while not received[-1].endswith(b"0\r\n\r\n"):
                received.append(reader.recv(65536))
    return received


def _seconds_to_home_page(port: int) -> float:
    """Seconds until the server's home page has come."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as reader:
        reader.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while reader.recv(65536):
            pass
    return time.perf_counter() - began
