"""A recorder and a client with HTTP/2 that leaves."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from mockllm.recordings import atomic_files, recording_files
from mockllm.server.http2.connection import Http2Connection
from tests.server.http2.h2_client import H2Client
from tests.server.recording import HEAD, chunked, provider, recording
from tests.waiting import PATIENCE, until


def test_client_that_has_its_response_may_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = threading.Event()
    end, write = Http2Connection.connection_lost, atomic_files.write_file

    def noted(connection: Http2Connection, reason: Exception | None) -> None:
        end(connection, reason)
        lost.set()

    def held(path: Path, content: bytes) -> None:
        assert lost.wait(PATIENCE)
        write(path, content)

    monkeypatch.setattr(Http2Connection, "connection_lost", noted)
    monkeypatch.setattr(recording_files, "write_file", held)

    def talk(connection: socket.socket, _: bytes) -> None:
        connection.sendall(HEAD + chunked(b"data: [DONE]\n\n") + b"0\r\n\r\n")

    with provider(talk) as there, recording(tmp_path, openai=there) as (url, recorder, stated):
        with H2Client(int(url.rpartition(":")[2])) as client:
            id = client.ask("/v1/chat/completions", b"{}")
            assert client.response(id).text == "data: [DONE]\n\n"
        line = until(lambda: next((line for line in stated if "recorded in" in line), ""))
        assert "the client left" not in line
        assert (recorder.failed, recorder.written) == (0, 1)
