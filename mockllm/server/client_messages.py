"""A WebSocket's handshake and the messages of its client, as aiohttp reads them, within the bounds of the server.

A client may send thousands of small messages at once, none of which suspends the task that reads them. So other tasks
run after each millisecond.
"""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING, Final, Literal

from aiohttp import WSMessage, WSMsgType
from aiohttp.web import BaseRequest, WebSocketResponse

from mockllm.core.failure import Failure
from mockllm.core.rendering.websocket_frames import close_frame
from mockllm.server.json_structure import SHORT, structure_failure, structure_failure_in_slices

if TYPE_CHECKING:
    from mockllm.server.server_limits import ServerLimits
    from mockllm.server.socket_sink import SocketSink
    from mockllm.server.websocket_output import WebSocketOutput

SLICE: Final = 0.001
"""Seconds of work on messages in one iteration of the event loop, about."""
HTTP_11: Final = (1, 1)
VERSION: Final = "13"
"""The version of the protocol."""
TOO_BIG: Final = 1009
"""The close code for a message that is not processed (RFC 6455, section 7.4.1)."""


def handshake_refusal(request: BaseRequest, response: WebSocketResponse) -> Literal[400, 426] | None:
    """Return None for a handshake that this response can accept; else the status of its refusal. It is 426 for
    another version of the protocol (RFC 6455, section 4.4)."""
    if request.method != "GET" or request.version < HTTP_11:
        return 400
    version = request.headers.get("Sec-WebSocket-Version", "").strip()
    if version.isdecimal() and version != VERSION:
        return 426
    try:
        return None if response.can_prepare(request).ok else 400
    except ValueError:  # aiohttp expects headers of ASCII
        return 400


class ClientMessages:
    """The texts and bytes of a client until one side closes. Pings get pongs; `autoping` of the response is off."""

    def __init__(self, response: WebSocketResponse) -> None:
        self._response = response
        self.close_reason = ""
        """The reason with which the client has closed the WebSocket."""
        self._until = perf_counter() + SLICE

    @property
    def close_code(self) -> int | None:
        """The code with which the WebSocket was closed."""
        return self._response.close_code

    def __aiter__(self) -> ClientMessages:
        return self

    async def __anext__(self) -> WSMessage:
        while True:
            await self.serve_others()
            message = await self._next()
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                return message
            if message.type is WSMsgType.PING:
                await self._response.pong(message.data)  # waits where the client does not read pongs
            elif message.type is not WSMsgType.PONG:
                if message.type is WSMsgType.CLOSE:
                    self.close_reason = message.extra or ""
                raise StopAsyncIteration

    async def _next(self) -> WSMessage:
        return await self._response.receive()

    async def serve_others(self) -> None:
        """Let other tasks run if work on messages has taken its time in this iteration."""
        if perf_counter() >= self._until:
            await asyncio.sleep(0)
            self._until = perf_counter() + SLICE


class BoundedMessages(ClientMessages):
    """The same of a client that gets responses. A message beyond the limits of a JSON body closes the WebSocket.
    Neither it nor a ping is read while the client does not read what was sent (`--max-unsent`)."""

    def __init__(
        self, response: WebSocketResponse, sink: SocketSink | WebSocketOutput, limits: ServerLimits
    ) -> None:
        super().__init__(response)
        self._sink, self._limits = sink, limits
        self._refused = False

    @property
    def close_code(self) -> int | None:
        return TOO_BIG if self._refused else super().close_code

    async def __anext__(self) -> WSMessage:
        message = await super().__anext__()
        failure = await self._failure(message.data)
        if failure is None:
            return message
        self._refused = True
        self._sink.write(close_frame(TOO_BIG, failure.message or ""))
        self._sink.shut_down_writing()
        raise StopAsyncIteration

    async def _next(self) -> WSMessage:
        if self._sink.full:
            await self._sink.drained()
        return await super()._next()

    async def _failure(self, data: str | bytes) -> Failure | None:
        raw = data if isinstance(data, bytes) else data.encode()
        if len(raw) <= SHORT:
            return structure_failure(raw, self._limits)
        return await structure_failure_in_slices(raw, self._limits)
