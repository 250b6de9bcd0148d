"""Mistakes of the server itself while it serves a WebSocket: a close with 1011, and a traceback in the log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import Plan
from mockllm.core.rendering.websocket_session import WebSocketAction
from mockllm.core.request.request import Request
from mockllm.dialects.openai import provider
from mockllm.dialects.openai.realtime.session import RealtimeSession
from mockllm.server import websocket
from mockllm.server.exchange_end import SERVER_FAILED
from mockllm.server.workers.no_store import NoStore
from mockllm.state.fetched_objects import FetchKey, MissingStoredObject, ObjectToFetch
from mockllm.state.shared_counts import SharedCounts
from mockllm.state.shared_engine_state import SharedEngineState
from tests.live import Live, live
from tests.server.test_client_messages import REALTIME
from tests.server.test_closed_sockets import closed_by
from tests.server.test_websocket_recorder import opened
from tests.waiting import until

CREATE = json.dumps({"type": "response.create"})
RESPONSES = "/v1/responses"
CLOSED = (1011, SERVER_FAILED)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Live]:
    (tmp_path / "a.yaml").write_text(
        "rules: [{match: {model: slow}, reply: Hi., delay: 1h}, {reply: Hi.}]", encoding="utf-8"
    )
    with live(tmp_path / "a.yaml") as running:
        yield running


def _done(message: str | bytes) -> dict[str, Any] | None:
    """Return the response of `response.done`; None for another event."""
    event = json.loads(message)
    return event["response"] if event["type"] == "response.done" else None


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


@pytest.mark.parametrize(
    ("found", "status"), [(None, "completed"), (Failure("unavailable", 503, "the store is away"), "failed")]
)
def test_stored_object_that_a_response_needs_is_fetched(
    server: Live, monkeypatch: pytest.MonkeyPatch, found: Failure | None, status: str
) -> None:
    class Fetching(NoStore):
        async def fetch(self, to_fetch: ObjectToFetch) -> Failure | None:
            fetched.append(to_fetch.key)
            return found

    def read_stored(session: RealtimeSession, name: str, request: Request, plan: Plan) -> Plan:
        if not fetched:
            raise MissingStoredObject("", key)
        return messages(session, name, request, plan)

    key: FetchKey = ("stored", "resp_1")
    fetched: list[FetchKey] = []
    messages = RealtimeSession.messages
    monkeypatch.setattr(RealtimeSession, "messages", read_stored)
    with closing(SharedCounts()) as counts, opened(server.url, REALTIME) as socket:
        server.app.store_client = Fetching(SharedEngineState(counts))
        socket.send(CREATE)
        done = until(lambda: _done(socket.recv()))
    assert done["status"] == status
    assert fetched == [key]


def test_more_responses_than_the_bound_close_the_socket(
    server: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket, "MAX_QUEUES", 3)
    with opened(server.url, RESPONSES) as socket:
        for number in range(4):
            message = {"type": "response.create", "stream_id": f"s{number}", "model": "slow", "input": "Hi."}
            socket.send(json.dumps(message))
        assert closed_by(socket) == (1008, "more than 3 responses at a time")
    until(lambda: not server.app.unfinished_exchanges)


def test_mistake_before_the_session_is_a_500(
    server: Live, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(provider, "RealtimeSession", fail)
    with pytest.raises(InvalidStatus) as refused:
        opened(server.url, REALTIME)
    assert refused.value.response.status_code == 500
    assert "a mistake of ours" in capfd.readouterr().err
