"""One stream of HTTP/2: the transport, in memory, of a `Connection` that serves its request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol

from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import H2Error

from mockllm.server.app import App
from mockllm.server.connection import Connection
from mockllm.server.http1 import LAST_HTTP_CHUNK, http_chunk
from mockllm.server.http2.h2_library import STREAM_WINDOW
from mockllm.server.http2.request_lines import RequestLines, are_trailers
from mockllm.server.http2.response_reader import MalformedResponse, ResponseFields, ResponseReader
from mockllm.server.reading_connection import ConnectionOwner
from mockllm.server.server_limits import KIB

MAX_FRAME: Final = 16 * KIB
"""Bytes of a frame of data, whatever the client accepts: other streams are served between two frames."""
UNSENT_DIVISOR: Final = 8
"""A stream buffers this part of what a connection of HTTP/1.1 may buffer for a slow reader."""


class StreamOwner(ConnectionOwner, Protocol):
    """The connection of HTTP/2 to which a stream belongs. `full`: its client has not read what was sent before."""

    h2: H2Connection
    full: bool

    @property
    def transport(self) -> asyncio.Transport | None: ...

    def send(self) -> None:
        """Send the frames that are ready."""

    def send_later(self) -> None:
        """Send more frames in the loop's next iteration."""

    def end_stream(self, stream: Http2Stream) -> None:
        """Forget a stream: nothing more is received or sent on it."""

    def when_received(self, call: Callable[[], None]) -> None:
        """Call this when the client has received all frames that were sent, or after the linger time."""


class StreamConnection(Connection):
    """Serves the one request of a stream."""

    __slots__ = ("_open",)

    def __init__(self, owner: ConnectionOwner, app: App, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(owner, app, loop)
        self._sink.http2 = True
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._open = True

    def _head_is_late(self, monotonic: float) -> None:
        """The end of the request has not come: the stream passes the whole of it on only then."""
        self._head_deadline = None
        reason = "the end of the request did not come in time"
        self._refuse(408, reason, "The end of the request took too long to come")
        self.close()

    def close_transport(self, transport: asyncio.Transport) -> None:
        transport.close()  # a stream bounds the time of unread bytes itself, and must not end others

    def _serve_next_or_wait(self) -> None:
        if self._open:
            self._loop.call_soon(self.close)  # after what this iteration writes


class Http2Stream(asyncio.Transport):
    """A stream, from the header fields of its request to the end of its response."""

    def __init__(
        self, owner: StreamOwner, id: int, lines: RequestLines, app: App, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__()
        self.id = id
        self._owner, self._loop, self._lines = owner, loop, lines
        self._flush_timeout = app.limits.keepalive
        self._body: list[bytes] = []
        """The received bytes of the body that were not passed on."""
        self._received = 0
        """The bytes of the body that have come."""
        self._request_ended = False
        self._malformed = False
        """Whether the body has another length than the head says, or the trailers are wrong."""
        self._passed = False
        """Whether the head was passed on."""
        self._chunked = False
        self._unread = 0
        """Bytes that have come and that the server has not yet reported as read."""
        self._reading = True
        self._response = ResponseReader(lines.method == b"HEAD")
        self._pending = bytearray()
        """The part of the body that waits for the client's window."""
        self._high = 0
        self._full = False
        self._closing = False
        """Whether the server's connection has closed the stream: it writes no more."""
        self._begun = False
        """Whether a frame of the response was sent."""
        self._sent = False
        """Whether the end of the response was sent."""
        self._cutting = False
        """Whether the stream is reset as soon as the client has received what was sent."""
        self._over = False
        """Whether no frame is sent any more."""
        self._lost = False
        """Whether the server's connection has ended."""
        self.connection = StreamConnection(owner, app, loop)
        self.connection.connection_made(self)

    def receive(self, data: bytes, length: int) -> None:
        """Take a part of the body; `length` counts its padding, too."""
        self._body.append(data)
        self._received += len(data)
        self._unread += length

    def end_request(self, trailers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """The request has ended. Its trailers are checked, and not passed on."""
        self._request_ended = True
        self._malformed = self._malformed or not are_trailers(trailers)

    def pass_request(self) -> None:
        """Pass what has come of the request to its connection. The end of a body waits for the end of its stream. A
        client may send that in a further frame, which it could not send after a response."""
        length, received = self._lines.length, self._received
        if length is not None and (received > length or (self._request_ended and received < length)):
            self._malformed = True
        if self._malformed:
            self._reset(ErrorCodes.PROTOCOL_ERROR)  # RFC 9113, section 8.1.1
            self.client_gone(ConnectionResetError("the request is malformed"))
            return
        if self._request_ended or length != self._received:
            self._pass_part()
        self._let_client_send()

    def _pass_part(self) -> None:
        body = b"".join(self._body)
        self._body.clear()
        if not self._passed:
            data = self._opening(body)
        elif self._chunked:
            data = http_chunk(body) if body else b""
        else:
            data = body
        if self._chunked and self._request_ended:
            data += LAST_HTTP_CHUNK
        if data and not self._closing:
            self.connection.data_received(data)

    def _opening(self, body: bytes) -> bytes:
        """Return the head with the body, as far as it has come."""
        self._passed = True
        head = self._lines.head
        if self._lines.length is not None or (self._request_ended and not body):
            return head + b"\r\n" + body
        if self._request_ended:
            return b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)
        self._chunked = True
        return head + b"transfer-encoding: chunked\r\n\r\n" + (http_chunk(body) if body else b"")

    def _let_client_send(self) -> None:
        if self._unread * 2 >= STREAM_WINDOW and self._reading and not (self._request_ended or self._over):
            with suppress(H2Error):  # the client has reset the stream
                self._owner.h2.increment_flow_control_window(self._unread, self.id)
            self._unread = 0

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._let_client_send()
        self._owner.send()

    def is_reading(self) -> bool:
        return self._reading

    def get_extra_info(self, name: str, default: object = None) -> object:
        transport = self._owner.transport
        return default if transport is None else transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._closing

    def can_write_eof(self) -> bool:
        return False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = (high or 0) // UNSENT_DIVISOR

    def get_write_buffer_size(self) -> int:
        transport = self._owner.transport
        return self.unsent_bytes + (0 if transport is None else transport.get_write_buffer_size())

    @property
    def finished(self) -> bool:
        """Whether its client takes it for closed."""
        return self._over or (self._sent and self._request_ended)

    @property
    def unsent_bytes(self) -> int:
        """Bytes that wait for the client's window."""
        return len(self._pending)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or self._over:
            return
        broken = False
        try:
            parts = self._response.feed(bytes(data))
        except MalformedResponse as error:
            parts, broken = error.before, True
        self._add(parts)
        self.flush()
        if broken:
            self._reset(ErrorCodes.INTERNAL_ERROR)
        self._owner.send()

    def close(self) -> None:
        """End the stream after the written bytes: as HTTP defines if the response is complete, else by a reset."""
        if not self._closing:
            self._closing = True
            self._response.close()
            self.flush()
            self._owner.send()
            self._loop.call_soon(self._end_connection, None)

    def abort(self) -> None:
        """End the connection of all streams, as a fault requires."""
        transport = self._owner.transport
        if transport is not None:
            transport.abort()

    def client_gone(self, reason: Exception) -> None:
        """The client has reset the stream, or has disconnected. An exchange whose response was sent ends by itself: a
        recorder may store it."""
        self._over = True
        if not self._sent:
            self._closing = True
            self._pending.clear()
            self._end_connection(reason)

    def _end_connection(self, reason: Exception | None) -> None:
        if not self._lost:
            self._lost = True
            self.connection.connection_lost(reason)
            if not self._over:  # what waits for the client's window does not wait for ever
                self._loop.call_later(self._flush_timeout, self._give_up)
        self._end_if_over()

    def _give_up(self) -> None:
        if not self._over:
            self._pending.clear()
            self._reset(ErrorCodes.CANCEL)
            self._end_if_over()
            self._owner.send()

    def _add(self, parts: list[ResponseFields | bytes]) -> None:
        for number, part in enumerate(parts, 1):
            if isinstance(part, bytes):
                self._pending += part
            elif not self._over:
                ends = self._response.complete and number == len(parts)
                try:
                    self._owner.h2.send_headers(self.id, part.fields, end_stream=ends)
                    self._begun = True
                except H2Error:
                    self._fail()
                self._sent = self._sent or ends

    def flush(self) -> None:
        """Send a frame, as far as the client's windows allow. Further ones follow by turns with other streams."""
        if self.send_frame() and self._pending:
            self._owner.send_later()

    def send_frame(self) -> bool:
        """Send a frame of the response. Return whether another one may follow."""
        more = False
        try:
            if not (self._over or self._sent):
                more = self._send_frame()
        except H2Error:
            self._fail()
        self._watch_buffer()
        self._end_if_over()
        return more

    def _send_frame(self) -> bool:
        h2, pending = self._owner.h2, self._pending
        size = 0
        if pending:
            size = min(len(pending), MAX_FRAME, h2.max_outbound_frame_size)
            size = 0 if self._owner.full else min(size, h2.local_flow_control_window(self.id))
            if size <= 0:
                return False
        ends = self._response.complete and size == len(pending)
        if size or ends:
            h2.send_data(self.id, bytes(pending[:size]), end_stream=ends)
            del pending[:size]
        self._sent = ends
        return size > 0 and not ends

    def _end_if_over(self) -> None:
        """Reset a stream that the server's connection has closed too early, as proxies do where a server ends within
        a response. Reset a stream, too, whose client still sends a request that has its response (RFC 9113, section
        8.1)."""
        if self._closing and not (self._pending or self._over):
            if not self._sent:
                self._cut()
                return
            if not self._request_ended:
                self._reset(ErrorCodes.NO_ERROR)
            self._over = True
        if self._over and self._lost:
            self._owner.end_stream(self)

    def _cut(self) -> None:
        """Reset the stream after the client has received what was sent. Clients discard what they have not yet read
        of a stream that is reset."""
        if not self._begun:
            self._end_cut()
        elif not self._cutting:
            self._cutting = True
            self._owner.when_received(self._end_cut)

    def _end_cut(self) -> None:
        self._reset(ErrorCodes.INTERNAL_ERROR)
        self._end_if_over()
        self._owner.send()

    def _reset(self, code: ErrorCodes) -> None:
        if not self._over:
            self._over = True
            with suppress(H2Error):  # the client was quicker
                self._owner.h2.reset_stream(self.id, code)

    def _fail(self) -> None:
        """Nothing can be sent: the client has reset the stream, which is known soon."""
        self._over = self._closing = True
        self._pending.clear()
        self._loop.call_soon(self._end_connection, ConnectionResetError("the client has disconnected"))

    def _watch_buffer(self) -> None:
        if self._lost:
            return
        if not self._full and len(self._pending) > self._high:
            self._full = True
            self.connection.pause_writing()
        elif self._full and len(self._pending) * 4 <= self._high:
            self._full = False
            self.connection.resume_writing()
