"""The turns of a proxied WebSocket, as exchanges. The journal, the access log, the metrics and the traces
have them, as they have those of a WebSocket that this server serves."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from mockllm.core.rendering.recorded_websocket import (
    OPENED,
    RecordedMessage,
    RecordedTurn,
    message_kind,
    recorded_waits,
    response_plan,
)
from mockllm.core.rendering.websocket_session import WEBSOCKET_METHOD
from mockllm.engine import PlannedResponse
from mockllm.server.exchange import Exchange
from mockllm.server.exchange_end import end_exchange
from mockllm.server.request_heads import RequestHead
from mockllm.server.server_limits import MIB, OBJECT_BYTES

if TYPE_CHECKING:
    from mockllm.server.app import App

MAX_TURN: Final = MIB
"""Bytes of the server's messages in one turn; the exchange has no further ones."""
MAX_KINDS: Final = 100
"""The most heads of messages that are cached."""
WAITS: Final = recorded_waits(1.0)


class ProxiedTurns:
    """Makes an exchange of each message of the client that gets messages of the server. `handshake` is the head of
    the WebSocket, and `rule` the id of the rule that forwards it."""

    def __init__(self, app: App, handshake: Exchange, rule: str | None, note: str) -> None:
        self._app, self._handshake, self._rule, self._note = app, handshake.head, rule, note
        self._sink, self._client_address = handshake.sink, handshake.client_address
        self._heads: dict[str, RequestHead] = {}
        self._message: RecordedMessage | None = None
        self._at, self._began = time.time(), app.deadlines.time()
        self._responses: list[RecordedMessage] = []
        self._left_out = self._size = 0

    def add(self, message: RecordedMessage) -> None:
        """Add a message of either side. One of the client ends the turn before it."""
        if message.from_client:
            self.end()
            self._message, self._at, self._began = message, time.time(), self._app.deadlines.time()
        elif (size := self._size + len(message.data) + OBJECT_BYTES) > MAX_TURN:
            self._left_out += 1
        else:
            self._size = size
            self._responses.append(message)

    def end(self) -> None:
        """End the present turn."""
        responses, self._responses, self._size = tuple(self._responses), [], 0
        left_out, self._left_out = self._left_out, 0
        if not responses:
            return
        message = self._message
        kind = OPENED if message is None else message_kind(message.data, binary=message.binary)
        body = b"" if message is None else message.data
        exchange = Exchange(
            head=self._head(kind),
            sink=self._sink,
            client_address=self._client_address,
            raw=body,
            body_complete=True,
        )
        exchange.now, exchange.monotonic = self._at, self._began
        reader = exchange.head.reader(self._app.engine)
        exchange.request = reader.read(
            exchange.raw, exchange.client_address, exchange.now, exchange.monotonic
        )
        plan = response_plan((RecordedTurn(kind, message, responses),), WAITS)
        exchange.response = PlannedResponse(plan, self._rule, notes=tuple(self._notes(left_out)))
        end_exchange(self._app, exchange, "finished")

    def _notes(self, left_out: int) -> Iterable[str]:
        yield self._note
        if left_out:
            yield f"{left_out} more messages are not in the journal"

    def _head(self, kind: str) -> RequestHead:
        head = self._heads.get(kind)
        if head is None:
            head = self._handshake.of_websocket_message(f"{WEBSOCKET_METHOD} {kind}")
            if len(self._heads) < MAX_KINDS:
                self._heads[kind] = head
        return head
