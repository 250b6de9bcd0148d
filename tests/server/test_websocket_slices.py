"""Long work on a message of a WebSocket: other tasks run between its parts, until the client has disconnected."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import WSMsgType
from aiohttp.web import WebSocketResponse

from mockllm.core.rendering.websocket_session import SERVE_OTHERS, PlayedSeconds, WebSocketAction
from mockllm.server import client_messages
from mockllm.server.app import App
from mockllm.server.client_messages import BoundedMessages
from mockllm.server.server_limits import ServerLimits
from mockllm.server.websocket import WebSocketConnection
from mockllm.server.websocket_output import WebSocketOutput
from tests.language.virtual_server import VirtualServer
from tests.server.test_client_messages import ReadyMessages

PARTS = 5


class SlowSession:
    """Has five parts of work for each message."""

    def __init__(self) -> None:
        self.done = 0

    def opening(self) -> tuple[()]:
        return ()

    def receive(self, message: bytes, now: float, played: PlayedSeconds) -> Iterator[WebSocketAction]:
        for _ in range(PARTS):
            self.done += 1
            yield SERVE_OTHERS


def served(session: SlowSession, left: int | None = None) -> list[int]:
    """Serve a message. Return how many parts another task has seen as done. The client disconnects after `left`."""
    app = App(VirtualServer("rules: [{reply: Hi.}]").engine)
    connection = SimpleNamespace(transport=object())
    sink = SimpleNamespace(connection=connection, full=False)
    output = WebSocketOutput(cast(Any, sink))
    messages = ReadyMessages(WSMsgType.BINARY)
    seen: list[int] = []

    async def look() -> None:
        while session.done < PARTS:
            seen.append(session.done)
            if session.done == left:
                connection.transport = None
                return
            await asyncio.sleep(0)

    async def stated() -> None:
        looking = asyncio.ensure_future(look())
        server = WebSocketConnection(app, *cast(Any, (None, output, "", session)))
        bounded = BoundedMessages(cast(WebSocketResponse, messages), output, ServerLimits())
        await server.run(bounded)
        await looking

    asyncio.run(stated())
    return seen


def test_others_run_between_the_parts_of_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_messages, "SLICE", 0)
    session = SlowSession()
    assert served(session) == [0, 1, 2, 3, 4]
    assert session.done == PARTS


def test_work_ends_where_the_client_has_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_messages, "SLICE", 0)
    session = SlowSession()
    assert served(session, left=2) == [0, 1, 2]
    assert session.done == 2
