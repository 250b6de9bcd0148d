"""Accepts the handshake of a WebSocket. aiohttp makes the response."""

from __future__ import annotations

from asyncio import Transport
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from aiohttp.web import WebSocketResponse

from mockllm.core.rendering.plan import Headers
from mockllm.engine import PlannedResponse
from mockllm.server.aiohttp_internals import ClosedByOwner, set_heartbeat, write_frames_to
from mockllm.server.builtin_pages import text_page
from mockllm.server.client_messages import VERSION, handshake_refusal
from mockllm.server.connection_errors import error_bytes
from mockllm.server.exchange import Exchange
from mockllm.server.exchange_end import end_exchange
from mockllm.server.http1 import HttpConstraints

if TYPE_CHECKING:
    from mockllm.server.app import App
    from mockllm.server.websocket_output import WebSocketOutput

HEARTBEAT: Final = 60.0
"""Seconds between two pings to a client."""
NO_HANDSHAKE: Final = (
    "The WebSocket handshake is wrong: it needs HTTP/1.1, Connection: Upgrade, Sec-WebSocket-Version: 13, and a "
    "Sec-WebSocket-Key of 16 bytes in base64."
)
UPGRADES: Final = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", VERSION))
"""The headers of a 426: the protocol that is served, with its version."""


async def accept_websocket(
    app: App, exchange: Exchange, headers: Headers, protocol: str | None
) -> HalfClosingWebSocketResponse | None:
    """Accept the handshake of an exchange, with the subprotocol if the client offers it. Return None for a handshake
    that is wrong: a 400 or 426 has ended the exchange."""
    socket = exchange.socket_sink
    assert exchange.body_stream is not None
    protocols = () if protocol is None else (protocol,)
    response = HalfClosingWebSocketResponse(
        compress=False, max_msg_size=app.limits.body, heartbeat=HEARTBEAT, autoping=False, protocols=protocols
    )
    response.close_connection = socket.shut_down_writing
    response.headers.update(headers)
    web_request = socket.connection.web_request(exchange.head.message, exchange.body_stream)
    exchange.sends_cors_headers = False
    status = handshake_refusal(web_request, response)
    if status is not None:
        more = UPGRADES if status == 426 else ()
        page = text_page(status, f"{NO_HANDSHAKE}\n", "text/plain; charset=utf-8", *more)
        exchange.response = PlannedResponse(page, None, notes=(NO_HANDSHAKE,))
        exchange.constraints = HttpConstraints(ends_connection=True)
        socket.write(error_bytes(status, NO_HANDSHAKE, app.date_line.bytes_at(exchange.now), more))
        end_exchange(app, exchange, "finished")
        return None
    await response.prepare(web_request)
    return response


class HalfClosingWebSocketResponse(ClosedByOwner, WebSocketResponse):
    """A WebSocket whose client can read the close frame of the server while it still sends."""

    def send_frames_to(self, output: WebSocketOutput) -> None:
        """Let aiohttp write its own frames to the output, which has what it uses of a transport."""
        write_frames_to(self, cast(Transport, output))
        self.close_connection = output.shut_down_writing
        output.restart_heartbeat = partial(set_heartbeat, self, HEARTBEAT)
        output.stop_heartbeat = partial(set_heartbeat, self, None)
