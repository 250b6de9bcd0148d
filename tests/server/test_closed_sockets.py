"""The end of a WebSocket: by a fault of its handshake after a time, by wrong frames and by a client that leaves."""

from __future__ import annotations

import json
import socket as sockets
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.connection import Connection

from mockllm.core.rendering.websocket_frames import CLOSE, read_frames
from tests.live import Live, live
from tests.server.raw_client import Raw
from tests.server.test_websocket_handshake import HANDSHAKE
from tests.server.test_websocket_recorder import opened, turn
from tests.waiting import PATIENCE

REASON = "Your session hit the maximum duration of 60 minutes."


def scenario(folder: Path, fault: str) -> Path:
    modifier = f"{{match: {{api: handshake}}, faults: [{fault}]}}"
    text = f"rules: [{{reply: one, pace: {{itl: 1ms}}}}]\nmodifiers: [{modifier}]"
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    return folder


def closed_by(socket: Connection) -> tuple[int, str] | None:
    """The close frame that ends a socket; None without one."""
    try:
        while True:
            socket.recv(PATIENCE)
    except ConnectionClosed as closed:
        return None if closed.rcvd is None else (closed.rcvd.code, closed.rcvd.reason)


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/realtime?model=m"])
def test_idle_socket_closes_with_code_and_reason(tmp_path: Path, path: str) -> None:
    fault = f"{{close: {{after: {{time: 10ms}}, code: 1001, reason: {REASON}}}}}"
    with live(scenario(tmp_path, fault)) as server, opened(server.url, path) as socket:
        assert closed_by(socket) == (1001, REASON)


def test_socket_without_a_code_has_no_close_frame(tmp_path: Path) -> None:
    with live(scenario(tmp_path, "{close: {after: {time: 10ms}}}")) as server, opened(server.url) as socket:
        assert closed_by(socket) is None


def test_socket_lives_until_its_time(tmp_path: Path) -> None:
    with live(scenario(tmp_path, "{close: {after: {time: 1h}}}")) as server, opened(server.url) as socket:
        assert len(turn(socket, "hi")) > 3


GEMINI = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
NESTED = b"[" * 101 + b"]" * 101


def shaken_hands(server: Live, path: str) -> Raw:
    """A client whose WebSocket has opened."""
    lines = "".join(f"{name}: {text}\r\n" for name, text in HANDSHAKE.items())
    raw = Raw(server.port).send(f"GET {path} HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode())
    assert raw.answer(head_only=True).status == 101
    return raw


@pytest.mark.parametrize(
    ("path", "message", "code"),
    [
        ("/v1/responses", b"\xf1\x80\0\0\0\0", 1002),
        ("/v1/responses", b"\x81\xfe\x00\xca\0\0\0\0" + NESTED, 1009),
        (GEMINI, b"\x81\x81\0\0\0\0x", 1007),
    ],
    ids=["wrong frame", "message beyond a limit", "message that is no JSON"],
)
def test_client_that_still_sends_reads_the_close_frame(
    tmp_path: Path, path: str, message: bytes, code: int
) -> None:
    with (
        live(scenario(tmp_path, "{close: {after: {time: 1h}}}")) as server,
        shaken_hands(server, path) as raw,
    ):
        raw.send(message)
        for _ in range(20):
            raw.send(bytes(65536))
        *_, last = read_frames(raw.to_the_end())
    assert (last.opcode, last.payload[:2]) == (CLOSE, code.to_bytes(2, "big"))


def test_client_that_ends_its_side_gets_no_further_byte(tmp_path: Path) -> None:
    fault = "{close: {after: {time: 1h}}}"
    with live(scenario(tmp_path, fault)) as server, shaken_hands(server, "/v1/responses") as raw:
        raw.sock.shutdown(sockets.SHUT_WR)
        assert raw.to_the_end() == b""


def test_socket_lives_after_a_cancel_during_a_delay(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("rules: [{reply: Hi., delay: 1h}]", encoding="utf-8")
    with live(tmp_path) as server, opened(server.url, "/v1/realtime?model=m") as socket:
        for type in ("response.create", "response.cancel"):
            socket.send(json.dumps({"type": type}))
        types = [json.loads(socket.recv(PATIENCE))["type"] for _ in range(3)]
        assert types == ["session.created", "response.created", "response.done"]
        socket.send(json.dumps({"type": "none"}))
        assert json.loads(socket.recv(PATIENCE))["type"] == "error"
