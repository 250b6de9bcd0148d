"""Compressed responses for clients that accept them: off by default; streams event by event."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest

from tests.live import live
from tests.server.raw_client import Got, Raw

BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
RULES = """
rules:
  - match: {user: slow}
    reply: {chunks: [One, {wait: 10ms}, Two, {wait: 60s}, Three]}
  - match: {stream: true}
    reply: {chunks: [One, {wait: 50ms}, Two, {wait: 50ms}, Three]}
  - match: {user: broken}
    reply: Broken.
    faults: [{bad_gzip: {form: plain}}]
  - reply: Hello there.
"""


def ask(port: int, accepts: str | None, **more: object) -> Got:
    raw = json.dumps({**BODY, **more}).encode()
    lines = [b"POST /v1/chat/completions HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(raw)]
    if accepts is not None:
        lines.append(b"Accept-Encoding: " + accepts.encode())
    with Raw(port) as client:
        return client.send(b"\r\n".join([*lines, b"", b""]) + raw).answer()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "a.yaml"
    path.write_text(RULES, encoding="utf-8")
    return path


def test_response_is_not_compressed_by_default(rules: Path) -> None:
    with live(rules) as server:
        got = ask(server.port, "gzip, deflate, br")
        assert "content-encoding" not in got.headers
        assert json.loads(got.body)["choices"][0]["message"]["content"] == "Hello there."


def test_gzip_compresses_bodies_and_streams(rules: Path) -> None:
    with live(rules) as server:
        server.app.gzip = True
        for more in ({}, {"stream": True}):
            plain, packed = (ask(server.port, accepts, **more) for accepts in (None, "gzip"))
            assert "content-encoding" not in plain.headers
            assert packed.headers["content-encoding"] == "gzip"
            assert packed.headers["vary"] == "accept-encoding"
            assert packed.complete
            reported = gzip.decompress(packed.body)
            assert b"chatcmpl-" in reported
            assert len(reported) == len(plain.body)
        refused = ask(server.port, "gzip;q=0")
        assert "content-encoding" not in refused.headers


def test_bad_gzip_fault_is_not_compressed_again(rules: Path) -> None:
    with live(rules) as server:
        server.app.gzip = True
        got = ask(server.port, "gzip", messages=[{"role": "user", "content": "broken"}])
        assert got.headers["content-encoding"] == "gzip"
        assert json.loads(got.body)


def test_events_can_be_read_before_the_next_one(rules: Path) -> None:
    body = {**BODY, "stream": True, "messages": [{"role": "user", "content": "slow"}]}
    raw = json.dumps(body).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    with live(rules) as server, Raw(server.port) as client:
        server.app.gzip = True
        client.send(head % len(raw) + raw)
        received = b""
        while b"Two" not in _unpacked(received):
            read = client.sock.recv(65536)
            assert read, "the stream has ended"
            received += read
        assert b"One" in _unpacked(received)
        assert b"Three" not in _unpacked(received)


def _unpacked(received: bytes) -> bytes:
    """What can be read of a response that is still coming."""
    body, reader, reported = received.partition(b"\r\n\r\n")[2], zlib.decompressobj(wbits=31), b""
    while b"\r\n" in body:
        size, _, body = body.partition(b"\r\n")
        if not size or int(size, 16) == 0 or len(body) < int(size, 16):
            break
        reported += reader.decompress(body[: int(size, 16)])
        body = body[int(size, 16) + 2 :]
    return reported
