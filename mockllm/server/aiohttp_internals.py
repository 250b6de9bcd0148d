"""The server's imports of aiohttp beyond its documented interface. Its tests name each member that any module uses.

Other modules use the fields and `_replace` of a `RawRequestMessage`, `total_bytes` and `set_exception` of a body.
`connection_errors.py` reads the texts of errors. `cli/startup.py` imports aiohttp's modules before the package.

aiohttp parses requests (llhttp), makes the handshakes of WebSockets and reads their frames. Its connection handling
is not used: it needs two tasks for a connection with a request, and has no bounds on time or memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError as HttpProcessingError
from aiohttp.http_exceptions import LineTooLong as LineTooLong
from aiohttp.http_parser import HttpRequestParser
from aiohttp.http_parser import RawRequestMessage as RawRequestMessage
from aiohttp.http_writer import StreamWriter
from aiohttp.streams import StreamReader as StreamReader
from aiohttp.tcp_helpers import tcp_keepalive as tcp_keepalive

from mockllm.server.frame_masking import MaskedFrames
from mockllm.server.http1 import MalformedBody
from mockllm.server.server_limits import BODY_BUFFER, SMALL_BODY, ServerLimits

if TYPE_CHECKING:
    from aiohttp.http import WebSocketReader, WebSocketWriter
    from aiohttp.web import BaseRequest, RequestHandler, WebSocketResponse


class ClosedByOwner:
    """A WebSocketResponse with this base lets its owner close the connection."""

    close_connection: Callable[[], None]

    def _close_transport(self) -> None:
        self.close_connection()


def write_frames_to(response: WebSocketResponse, transport: asyncio.Transport) -> None:
    """Let aiohttp write its pings, pongs and the close frame of an accepted handshake to this transport."""
    cast("WebSocketWriter", response._writer).transport = transport


def set_heartbeat(response: WebSocketResponse, seconds: float | None) -> None:
    """Send the next ping after so many seconds, and expect no pong before. None: send no more pings."""
    response._heartbeat = seconds
    (response._cancel_heartbeat if seconds is None else response._reset_heartbeat)()


class HttpProtocol(BaseProtocol):
    """An asyncio protocol with the request parser of aiohttp, and flow control that aiohttp's readers use."""

    __slots__ = (
        "_on_websocket_data", "_requests_parser", "_tail", "_websocket", "closing", "half_closed_at",
        "input_paused", "peername", "sockname", "ssl_context", "upgrade_requested",
    )  # fmt: skip
    _timeout_ceil_threshold: Final = 5.0  # aiohttp reads it
    writing_paused: bool = vars(BaseProtocol)["_paused"]  # its descriptor: aiohttp's property costs a call
    drained = BaseProtocol._drain_helper

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: ServerLimits) -> None:
        super().__init__(loop)
        self.renew_parser(limits)
        self._tail, self.input_paused, self.closing = b"", False, False
        """`closing`: the connection ends with the response that it serves. Bytes that come later are not parsed."""
        self.upgrade_requested = False
        """Whether a client requests another protocol, which may be declined. Until then its bytes are not parsed."""
        self.half_closed_at: float | None = None  # on the clock of the deadlines; the client may still read
        self._websocket: MaskedFrames | None = None
        self._on_websocket_data: Callable[[], None] | None = None

    def renew_parser(self, limits: ServerLimits) -> None:
        """Parse with a new parser. The old one would add the trailers of a body to the next headers."""
        self._requests_parser = HttpRequestParser(
            self, self._loop, BODY_BUFFER, max_line_size=limits.target, max_field_size=limits.header,
            max_headers=limits.headers, payload_exception=MalformedBody, auto_decompress=False,
        )  # fmt: skip

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        names = ("peername", "sockname", "sslcontext")
        self.peername, self.sockname, self.ssl_context = map(transport.get_extra_info, names)

    def feed_parser(self, data: bytes) -> Sequence[tuple[RawRequestMessage, StreamReader]]:
        """Return message and body of each request whose head ends in this data. Raises HttpProcessingError."""
        if self._websocket is not None:
            if self._on_websocket_data is not None:
                self._on_websocket_data()
            self.closing, _ = self._websocket.feed_data(data)
            return ()
        if self.upgrade_requested:
            self._tail += data
            self.pause_input(len(self._tail) >= BODY_BUFFER)
            return ()
        requests, self.upgrade_requested, self._tail = self._requests_parser.feed_data(data)
        return requests

    def decline_upgrade(self) -> bytes:
        """Go on with HTTP/1.1. Return the bytes after the request that demanded the upgrade."""
        self._requests_parser.set_upgraded(False)
        self.pause_input(False)
        self.upgrade_requested, tail, self._tail = False, self._tail, b""
        return tail

    def pause_reading(self) -> None:
        self._reading_paused = True
        self._pause(True)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp calls this after every body. Only a socket that was paused is resumed."""
        if self._reading_paused:
            self._reading_paused = False
            self._pause(self.input_paused)

    def pause_input(self, pause: bool) -> None:
        """Pause the socket for a full queue or bytes after an upgrade, or only where a reader of a body pauses it."""
        if self.input_paused is not pause:
            self.input_paused = pause
            self._pause(pause or self._reading_paused)

    def _pause(self, pause: bool) -> None:
        if self.transport is not None:
            with suppress(AttributeError, NotImplementedError, RuntimeError):  # closing, or no flow control
                (self.transport.pause_reading if pause else self.transport.resume_reading)()

    def web_request(self, message: RawRequestMessage, body: StreamReader) -> BaseRequest:
        """Return the request as aiohttp's WebSocketResponse expects it; for the current task."""
        from aiohttp.web_request import BaseRequest  # imported late, with aiohttp's client

        task = cast("asyncio.Task[None]", asyncio.current_task())
        protocol = cast("RequestHandler", self)  # it has what a WebSocketResponse uses of that class
        return BaseRequest(message, body, protocol, StreamWriter(self, self._loop), task, self._loop)

    def set_parser(self, parser: WebSocketReader, data_received_cb: Callable[[], None] | None = None) -> None:
        self._websocket, self._on_websocket_data = MaskedFrames(parser), data_received_cb
        self._websocket.feed_data(self._tail)
        self._tail = b""
        self.pause_input(False)

    def keep_alive(self, value: bool) -> None: ...  # aiohttp calls it


def take_body(body: StreamReader) -> bytes:
    """Return a body that is complete."""
    small = type(body) is StreamReader and len(body._buffer) == 1 and body.total_bytes < SMALL_BODY
    return body._buffer.popleft() if small else body.read_nowait()
