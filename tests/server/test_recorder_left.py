"""Clients that leave a recorder before a response has ended: it is recorded, or reported as not recorded."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from tests.server.raw_client import Raw
from tests.server.recording import HEAD, chunked, files, provider, recording
from tests.waiting import PATIENCE, until


def leaving(url: str, after: bytes) -> None:
    """A client that goes when it has seen this."""
    with Raw.to(url) as client:
        client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
        received = b""
        while after not in received:
            received += client.sock.recv(65536)


def test_stream_left_by_client_is_recorded_to_its_end(tmp_path: Path) -> None:
    gone = threading.Event()

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + chunked(b"data: [DONE]\n\n"))
        assert gone.wait(PATIENCE)
        connection.sendall(chunked(b": the rest\n\n") + b"0\r\n\r\n")

    with provider(talk) as there, recording(tmp_path, openai=there) as (url, recorder, stated):
        leaving(url, b"[DONE]")
        gone.set()
        (file,) = files(tmp_path)
        line = until(lambda: next((line for line in stated if "recorded in" in line), ""))
        assert "→ - 200" in line
        assert "the client left" in line
        assert (recorder.failed, recorder.written) == (0, 1)
    assert ": the rest" in file.read_text(encoding="utf-8")


def test_endless_stream_without_client_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockllm.server.provider_proxy.MAX_SECONDS_WITHOUT_CLIENT", 0.05)
    closed = threading.Event()

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + chunked(b"data: 1\n\n"))
        assert connection.recv(1) == b""
        closed.set()

    with provider(talk) as there, recording(tmp_path, openai=there) as (url, recorder, stated):
        leaving(url, b"data: 1")
        assert closed.wait(PATIENCE)
        until(lambda: any("was cut" in line and "the client left" in line for line in stated))
        assert recorder.failed == 1
    assert list(tmp_path.rglob("*")) == []


def test_client_leaving_before_response_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockllm.server.provider_proxy.MAX_SECONDS_WITHOUT_CLIENT", 0.05)
    requested, closed = threading.Event(), threading.Event()

    def talk(connection: socket.socket, _: bytes) -> None:
        requested.set()
        while connection.recv(65536):
            pass
        closed.set()

    with provider(talk) as there, recording(tmp_path, openai=there) as (url, _, stated):
        with Raw.to(url) as client:
            client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            assert requested.wait(PATIENCE)
        assert closed.wait(PATIENCE)
        line = until(lambda: next((line for line in stated if "before the provider responded" in line), ""))
        assert "499" in line


def test_unfinished_stream_at_recorder_end_is_logged_as_cut(tmp_path: Path) -> None:
    seen = threading.Event()

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + chunked(b"data: 1\n\n"))
        seen.set()
        assert connection.recv(1) == b""

    with provider(talk) as there:
        with recording(tmp_path, openai=there) as (url, recorder, stated), Raw.to(url) as client:
            client.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
            assert seen.wait(PATIENCE)
        assert recorder.failed == 1
    assert any("was cut" in line for line in stated)
