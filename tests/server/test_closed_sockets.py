"""A WebSocket that a fault of its handshake closes after a time, idle or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.connection import Connection

from tests.live import live
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
