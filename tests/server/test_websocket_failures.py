"""Mistakes of the server itself while it serves a WebSocket: a close with 1011, and a traceback in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mockllm.core.rendering.websocket_session import WebSocketAction
from mockllm.dialects.openai import provider
from mockllm.dialects.openai.realtime.session import RealtimeSession
from mockllm.server import websocket
from mockllm.server.exchange_end import SERVER_FAILED
from mockllm.state.fetched_objects import MissingStoredObject
from tests.live import Live, live
from tests.server.test_client_messages import REALTIME
from tests.server.test_closed_sockets import closed_by
from tests.server.test_websocket_recorder import opened
from tests.waiting import until

CREATE = json.dumps({"type": "response.create"})
CLOSED = (1011, SERVER_FAILED)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Live]:
    (tmp_path / "a.yaml").write_text("rules: [{reply: Hi.}]", encoding="utf-8")
    with live(tmp_path / "a.yaml") as running:
        yield running


def fail(*_: Any) -> Sequence[WebSocketAction]:
    raise ZeroDivisionError("a mistake of ours")


def fail_late(*_: Any) -> Iterator[WebSocketAction]:
    yield from ()
    raise ZeroDivisionError("a mistake of ours")


def fetch(*_: Any) -> Sequence[WebSocketAction]:
    raise MissingStoredObject("", ("stored", "a mistake of ours"))


@pytest.mark.parametrize("mistake", [fail, fail_late, fetch])
def test_mistake_on_a_message_closes_and_is_in_the_journal(
    server: Live, mistake: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(RealtimeSession, "receive", mistake)
    with opened(server.url, REALTIME) as socket:
        socket.send(CREATE)
        assert closed_by(socket) == CLOSED
    (entry,) = until(lambda: [each for each in server.app.journal if each.method == "WS message"])
    assert (entry.status, entry.end_reason, entry.notes) == (500, "close", (SERVER_FAILED,))
    assert SERVER_FAILED in server.line(lambda line: "WS message" in line)
    assert "a mistake of ours" in capfd.readouterr().err


@pytest.mark.parametrize("method", ["opening", "messages", "ended"])
def test_mistake_without_a_message_closes_the_socket(
    server: Live, method: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(RealtimeSession, method, fail)
    with opened(server.url, REALTIME) as socket:
        with suppress(ConnectionClosed):
            socket.send(CREATE)
        assert closed_by(socket) == CLOSED
    assert capfd.readouterr().err.count("ZeroDivisionError: a mistake of ours") == 1
    assert not any(server.app.responses_in_flight.values())


def test_failed_request_of_a_message_is_a_500(
    server: Live, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(websocket, "make_response", fetch)
    with opened(server.url, REALTIME) as socket:
        socket.send(CREATE)
        assert closed_by(socket) == CLOSED
    (entry,) = until(lambda: [each for each in server.app.journal if each.method == "WS response.create"])
    assert (entry.status, entry.end_reason, entry.notes) == (500, "close", (SERVER_FAILED,))
    assert "a mistake of ours" in capfd.readouterr().err


def test_mistake_before_the_session_is_a_500(
    server: Live, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(provider, "RealtimeSession", fail)
    with pytest.raises(InvalidStatus) as refused:
        opened(server.url, REALTIME)
    assert refused.value.response.status_code == 500
    assert "a mistake of ours" in capfd.readouterr().err
