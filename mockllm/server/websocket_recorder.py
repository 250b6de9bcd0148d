"""Passes a WebSocket on to its provider, and stores its messages: those of both sides in order, with their times.

Separate from the recorder of requests, because both sides send at any time, and the recording ends with the
WebSocket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Final

from aiohttp import WebSocketError, WSMessage, WSMsgType
from msgspec import Struct, field

from mockllm.core.rendering.plan import SWITCHING_PROTOCOLS, Plan, ResponseHead
from mockllm.core.rendering.recorded_websocket import ABNORMAL, RecordedMessage
from mockllm.core.rendering.websocket_frames import binary_frame, close_frame, text_frame
from mockllm.core.url_secrets import without_credentials
from mockllm.engine import PlannedResponse
from mockllm.recordings.interaction import OTHER
from mockllm.server.client_messages import SLICE, BoundedMessages
from mockllm.server.exchange_end import end_exchange
from mockllm.server.protocols import ProxyFailed
from mockllm.server.proxied_turns import ProxiedTurns
from mockllm.server.server_limits import MIB, OBJECT_BYTES
from mockllm.server.waits_before_response import wait_for_release_and_delay
from mockllm.server.websocket_acceptance import accept_websocket

if TYPE_CHECKING:
    from aiohttp import ClientWebSocketResponse

    from mockllm.core.request.request import Request
    from mockllm.server.app import App
    from mockllm.server.exchange import Exchange
    from mockllm.server.provider_proxy import ProviderProxy
    from mockllm.server.socket_sink import SocketSink

MAX_RECORDED: Final = 8 * MIB
"""Bytes of messages in one recording, which are in memory until the end of the WebSocket."""
NO_STATUS: Final = 1005
"""The code of a close frame without a code. No close frame has it (RFC 6455, section 7.4.1)."""
NORMAL: Final = 1000
GOING_AWAY: Final = 1001


class MessageLog(Struct):
    """The messages of one WebSocket. `clock` returns the seconds since the handshake. `stores`: a recording needs
    them."""

    clock: Callable[[], float]
    turns: ProxiedTurns
    stores: bool
    messages: list[RecordedMessage] = field(default_factory=list)
    count: int = 0
    size: int = 0
    closed: bool = False

    @property
    def too_large(self) -> bool:
        return self.size > MAX_RECORDED

    def add(self, data: bytes, *, from_client: bool, binary: bool = False, close: int | None = None) -> None:
        """Add a message, or the end with its code. A log that is too large stores nothing more."""
        if self.closed:
            return  # the reply to the end
        self.closed = close is not None
        message = RecordedMessage(self.clock(), data, from_client, binary, close)
        if not (self.closed and from_client):
            self.turns.add(message)
        self.count += 1
        self.size += len(data) + OBJECT_BYTES
        if self.too_large:
            self.messages.clear()
        elif self.stores:
            self.messages.append(message)


async def proxy_websocket(app: App, exchange: Exchange, proxy: ProviderProxy) -> bool:
    """Pass a WebSocket on until one side closes it, and store it. Return False if the provider refused the handshake:
    the response of the exchange is an error then."""
    request, head = exchange.request, exchange.head
    assert request is not None, "an engine has read the request"
    target = exchange.response.plan.delivery.proxy_target
    to = None if target is None else target.to
    if target is not None:
        await wait_for_release_and_delay(app, exchange)
    try:
        upstream = await proxy.upstreams.open_websocket(request, head.header_lines, to, app.limits.body)
    except ProxyFailed as error:
        exchange.response = app.engine.refuse(error.failure, request)
        return False
    async with upstream:
        client = await accept_websocket(app, exchange, (), upstream.protocol)
        if client is None:
            return True
        began = app.deadlines.time()
        stores = proxy.out is not None and (target is None or target.record)
        rule = None if target is None else exchange.response.responder_id
        where = f"forwarded to {without_credentials(to or request.provider or OTHER)}"
        log = MessageLog(
            lambda: app.deadlines.time() - began, ProxiedTurns(app, exchange, rule, where), stores
        )
        app.unfinished_exchanges -= 1  # a server that stops does not wait for WebSockets
        exchange.proxy_ends_it = True
        try:
            messages = BoundedMessages(client, exchange.socket_sink, app.limits)
            await _relay(messages, upstream, exchange.socket_sink, log)
        finally:
            app.unfinished_exchanges += 1
            log.turns.end()
            note = f"WebSocket {where}, {log.count} messages"
            proxy.finish_in_background(_end(app, exchange, proxy, request, log, note))
    return True


async def _end(
    app: App, exchange: Exchange, proxy: ProviderProxy, request: Request, log: MessageLog, note: str
) -> None:
    """Store the messages, and end the exchange."""
    duration, planned = app.deadlines.time() - exchange.monotonic, exchange.response
    target = planned.plan.delivery.proxy_target
    if log.stores:
        messages, to = None if log.too_large else log.messages, None if target is None else target.to
        note += await proxy.store_websocket(request, exchange.head, messages, to)
    elif target is not None:
        note += "; not recorded: serve it with --record-misses DIR" * target.record
    opened = Plan(ResponseHead(SWITCHING_PROTOCOLS, ()), ())
    if target is None:
        exchange.response = PlannedResponse(opened, None, notes=(note,))
    else:
        notes = (*planned.notes, note)
        exchange.response = PlannedResponse(opened, planned.responder_id, planned.modifiers, notes)
    end_exchange(app, exchange, "finished", duration)


async def _relay(
    client: BoundedMessages, upstream: ClientWebSocketResponse, sink: SocketSink, log: MessageLog
) -> None:
    """Pass messages on in both directions until one side closes."""
    both = [
        asyncio.ensure_future(_from_client(client, upstream, log)),
        asyncio.ensure_future(_from_upstream(upstream, sink, log)),
    ]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)


async def _from_client(client: BoundedMessages, upstream: ClientWebSocketResponse, log: MessageLog) -> None:
    async for message in client:
        if message.type is WSMsgType.TEXT:
            log.add(message.data.encode(), from_client=True)
            await upstream.send_str(message.data)
        else:
            log.add(message.data, from_client=True, binary=True)
            await upstream.send_bytes(message.data)
    code, reason = _code(client.close_code), client.close_reason.encode()
    log.add(reason, from_client=True, close=code)
    await upstream.close(code=code, message=reason)


async def _from_upstream(upstream: ClientWebSocketResponse, sink: SocketSink, log: MessageLog) -> None:
    until = perf_counter() + SLICE
    while True:
        if (
            perf_counter() >= until
        ):  # messages that have come suspend this task as little as those of a client
            await asyncio.sleep(0)
            until = perf_counter() + SLICE
        message = await upstream.receive()
        if message.type is WSMsgType.TEXT:
            data = message.data.encode()
            log.add(data, from_client=False)
            sink.write(text_frame(data))
        elif message.type is WSMsgType.BINARY:
            log.add(message.data, from_client=False, binary=True)
            sink.write(binary_frame(message.data))
        else:
            reason = message.extra if isinstance(message.extra, str) else ""
            code = _code_of_end(message)
            if code != ABNORMAL:
                sink.write(close_frame(code, reason))
            log.add(reason.encode(), from_client=False, close=code)
            sink.shut_down_writing()
            return
        if sink.full:
            await sink.drained()


def _code_of_end(message: WSMessage) -> int:
    """Return the code with which a provider has closed; ABNORMAL for a connection that ended without a close frame.
    `close_code` of aiohttp does not say that: its reply to a close frame may find a connection that has ended."""
    if message.type is WSMsgType.CLOSE:
        return _code(message.data)
    return _code(message.data.code) if isinstance(message.data, WebSocketError) else ABNORMAL


def _code(code: int | None) -> int:
    """Return a code that a close frame may have. aiohttp has 0 for a close frame without a code."""
    if code in (0, NO_STATUS):
        return NORMAL
    return code if code is not None and code != ABNORMAL and 1000 <= code < 5000 else GOING_AWAY
