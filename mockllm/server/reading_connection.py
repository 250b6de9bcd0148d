"""The reading side of a connection: the requests in its bytes, and the error responses to what is no request.

The requests wait in a queue, which `connection.py` serves.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Final, Protocol

from mockllm.server.aiohttp_internals import (
    HttpProcessingError,
    RawRequestMessage,
    StreamReader,
)
from mockllm.server.app import App
from mockllm.server.closable_connection import ClosableConnection
from mockllm.server.connection_errors import error_bytes, has_read_http2_preface, status_and_reason
from mockllm.server.deadlines import Deadline
from mockllm.server.exchange import Exchange
from mockllm.server.exchange_end import record_unread_request
from mockllm.server.http1 import MalformedBody
from mockllm.server.parse_position import CONTENT_LENGTH, END_OF_HEAD, ParsePosition
from mockllm.server.ready_connections import ReadyConnections
from mockllm.server.request_heads import RequestHead, SplitHead
from mockllm.server.socket_sink import SocketSink

MAX_CONTENT_LENGTH: Final = str(2**64 - 1)
"""The greatest Content-Length that aiohttp's parser accepts."""
MAX_QUEUED: Final = 32
"""The most requests of a connection that wait. If more bytes come then, its socket is paused. It is read again when
at most half as many wait."""


class ConnectionOwner(Protocol):
    """Has the set of open connections, and lets one go on with HTTP/2: a `ConnectionFactory`. For a stream of HTTP/2
    it is the connection of HTTP/2 (`StreamOwner`)."""

    ready_connections: ReadyConnections

    def add(self, connection: ReadingConnection) -> bool:
        """Add an open connection. Return whether its address has no more of them than the limit allows."""

    def remove(self, connection: ReadingConnection) -> None:
        """Remove a connection that has ended."""

    def switch_to_http2(self, connection: ReadingConnection, data: bytes) -> None:
        """Let a client go on with HTTP/2. `data` begins with the preface, or with the rest of one whose beginning
        came in earlier reads."""


class ReadingConnection(ClosableConnection):
    """A connection that reads requests into a queue, in the order in which they came. `HttpProtocol`
    (`aiohttp_internals.py`) has the parser and the transport: `feed_parser`, `pause_input`, `upgrade_requested`,
    `closing` and more."""

    __slots__ = (
        "_accepts_requests",
        "_app",
        "_body",
        "_current",
        "_head_deadline",
        "_heads",
        "_owner",
        "_parse_error",
        "_parse_position",
        "_queue",
        "_ready_connections",
        "_sink",
        "_unparsed",
        "ascii",
        "client_address",
        "scheduled",
    )  # fmt: skip

    def __init__(self, owner: ConnectionOwner, app: App, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop, app.limits)
        self._heads = app.head_cache
        self._owner = owner
        self._ready_connections = owner.ready_connections
        self._app = app
        self._sink = SocketSink(self, app.limits, self._queue_write)
        self._queue: deque[Exchange] = deque()
        self._current: Exchange | None = None
        """The exchange that is served."""
        self.scheduled = False
        """Whether `serve_next_or_resume` will be called: see `ServedConnection` (ready_connections.py)."""
        self._body: StreamReader | None = None
        """The body of the last request that was parsed."""
        self._parse_position = ParsePosition()
        self._unparsed = b""
        """What waits until there is room in the queue."""
        self._accepts_requests = True
        """Whether more is parsed. False after a body in HTTP chunks, if the read that ended it may have bytes of a
        further request."""
        self._parse_error: HttpProcessingError | None = None
        """Why the bytes after the queued requests are not a request."""
        self._head_deadline: Deadline | None = None
        self.client_address = ""
        """The peer's address, without its port."""
        self.ascii = True
        """Whether only ASCII was parsed. Otherwise lone surrogates in the headers of a head are replaced
        (`request_heads.py`)."""

    def serve_next_or_resume(self) -> None:
        """Serve the next request of the queue."""
        raise NotImplementedError

    async def shutdown(self, seconds: float) -> None:
        """End the connection and its exchange, which has these seconds to end by itself."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connection after the written bytes. After `close_and_drop_transport`, nothing more is written."""
        self.closing = True
        if self.transport is not None:
            self.close_transport(self.transport)

    def data_received(self, data: bytes) -> None:
        if self.closing or self._parse_error is not None or not self._accepts_requests:
            return
        begins_next_request = (
            self._parse_position.at_start
            and self._current is None
            and not (self._queue or self.upgrade_requested)
        )
        head = self._heads.find_or_split(data) if begins_next_request else None
        if type(head) is RequestHead:
            if self._head_deadline is not None:
                self._cancel_head_deadline()
            self._queue.append(
                Exchange(
                    head=head,
                    sink=self._sink,
                    client_address=self.client_address,
                    raw=data[len(data) - head.body_length :],
                    body_complete=True,
                    received=data,
                )
            )
            self._ready_connections.schedule(self)
            return
        self._queue_requests(data, head)
        if self._current is None and (self._queue or self._parse_error is not None):
            self._ready_connections.schedule(self)

    def _queue_requests(self, data: bytes, split_head: SplitHead | None = None) -> None:
        """Queue an exchange for each request whose head ends in this data. `split_head`: the head at the start of
        `data`, if all of it has come. If an empty line precedes it, that is included. If two empty lines
        begin `data`, `split_head` has only these, since they look like the end of a head."""
        if self.ascii and not data.isascii():
            self.ascii = False
        start, length = 0, len(data)
        while start < length and self._parse_error is None:
            if self.upgrade_requested:
                # stores them until the upgrade is declined, or feeds them to the WebSocket
                self.feed_parser(data[start:])
                return
            if self._parse_position.at_start and data[start] in b"\r\n":
                # Empty lines are skipped here: two of them look like the end of a head.
                start = length - len(data[start:].lstrip(b"\r\n"))
                continue
            if len(self._queue) >= MAX_QUEUED:
                self._unparsed = data[start:]
                self.pause_input(True)
                return
            # the length is -1 where the Content-Length is no usable number
            if split_head is not None and split_head.body_length >= 0:
                end = min(split_head.end + split_head.body_length, length)
            else:
                end = self._parse_position.end(data, start)
            part = data if end - start == length else data[start:end]
            begins_http2 = self._parse_and_queue(part, split_head)
            if begins_http2:
                self._owner.switch_to_http2(self, data[start:])
                return
            start, split_head = end, None

    def _parse_and_queue(self, part: bytes, split_head: SplitHead | None) -> bool:
        """Parse the bytes of at most one head with its body, or of a body, and queue the exchange of a head. After a
        body in HTTP chunks, bytes of a next request may follow. Set or cancel the deadline of the head. Return
        whether the client begins with the preface of HTTP/2."""
        position = self._parse_position
        at_start, http_chunked = position.at_start, position.http_chunked
        try:
            parsed_requests = self.feed_parser(part)
            for message_and_body in parsed_requests:
                _refuse_what_aiohttp_accepts(*message_and_body)
        except HttpProcessingError as error:
            self._cancel_head_deadline()
            if has_read_http2_preface(error) and self._current is None and not self._queue:
                error.message, error.args = "", ()  # no traceback shows what the client sends
                return True
            self._parse_error = error
            if self._body is not None and not self._body.is_eof():
                self._body.set_exception(MalformedBody(error.message))
            return False
        if http_chunked and self._body is not None and self._body.is_eof():
            # The last chunk and its trailers end with an empty line. A part that ends so has no further request.
            if parsed_requests or self._demanded_upgrade() or not part.endswith(END_OF_HEAD):
                self._end_after_http_chunks()
                return False
            self.renew_parser(self._app.limits)  # the old one would add trailers to the next head
        message, body = parsed_requests[-1] if parsed_requests else (None, self._body)
        position.advance(part, message, body)
        if message is not None and body is not None:
            self._cancel_head_deadline()
            self._queue_exchange(message, body, part if at_start and position.at_start else b"", split_head)
        elif position.in_head and self._head_deadline is None:
            self._set_head_deadline()
        return False

    def _queue_exchange(
        self,
        message: RawRequestMessage,
        body: StreamReader,
        received: bytes,
        split_head: SplitHead | None,
    ) -> None:
        """Queue an exchange for a request. `received` are its bytes if it was parsed in one part: then its head may
        be cached."""
        head = RequestHead(message, self.ascii, self.ssl_context is not None)
        self._queue.append(
            Exchange(
                head=head,
                sink=self._sink,
                client_address=self.client_address,
                body_stream=body,
                received=received,
            )
        )
        self._body = body
        if not received or split_head is None or not head.path:
            return
        if len(received) == split_head.end + split_head.body_length:
            self._heads.add_if_repeated(head, split_head)

    def _demanded_upgrade(self) -> bool:
        """Return whether the last request demanded an upgrade. aiohttp's parser drops what follows its body."""
        exchange = self._queue[-1] if self._queue else self._current
        return exchange is not None and exchange.head.message.upgrade

    def _end_after_http_chunks(self) -> None:
        """End the connection with the response to a request in HTTP chunks. The same read may have bytes of a next
        request: aiohttp's parser drops them, or adds trailers of the first request to them."""
        exchange = self._queue[-1] if self._queue else self._current
        if exchange is not None:
            exchange.ends_connection = True
        self._accepts_requests = False

    def _set_head_deadline(self) -> None:
        deadlines = self._app.deadlines
        self._head_deadline = deadlines.call_at(
            deadlines.time() + self._app.limits.head_time, self._head_is_late
        )

    def _cancel_head_deadline(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _head_is_late(self, monotonic: float) -> None:
        self._head_deadline = None
        if self._current is not None or self._queue:
            self._set_head_deadline()  # it waits until an earlier request is served
            return
        # the response to an earlier request is written first
        if self._ready_connections.write_queue is not None:
            self._head_deadline = self._app.deadlines.call_at(monotonic, self._head_is_late)
            return
        if self._parse_position.in_head and self.transport is not None:
            reason = "the request's head did not come in time"
            self._refuse(408, reason, "The head of the request took too long to come")
        self.close_and_drop_transport()

    def _queue_unparsed(self) -> None:
        """Queue the requests that wait for room in the queue, and read again where there is room."""
        unparsed, self._unparsed = self._unparsed, b""
        self.pause_input(False)
        self._queue_requests(unparsed)  # pauses the socket again, if there is no room

    def _refuse_malformed(self, error: HttpProcessingError) -> None:
        """Respond to bytes that are not a request."""
        status, reason = status_and_reason(error)
        self._refuse(status, reason, reason)
        self._sink.shut_down_writing()

    def _refuse(self, status: int, reason: str, text: str) -> None:
        """Write a response of the connection itself, and log the reason."""
        record_unread_request(self._app, status, reason)
        self._write_error(status, text)

    def _write_error(self, status: int, text: str) -> None:
        if self.transport is not None and not self.transport.is_closing():
            date = self._app.date_line.bytes_at(time.time())
            self.transport.write(error_bytes(status, text, date))

    def _queue_write(self, data: bytes) -> bool:
        """Add bytes to the write queue, to be written with all responses of this iteration. Without a queue, write
        them at once. Return False if the client has disconnected, or has not read what it got before."""
        transport, write_queue = self.transport, self._ready_connections.write_queue
        if transport is None or self.writing_paused or transport.is_closing():
            return False
        if write_queue is None:
            transport.write(data)
        else:
            write_queue.append((transport, data))
        return True


def _refuse_what_aiohttp_accepts(message: RawRequestMessage, body: StreamReader) -> None:
    """Raise HttpProcessingError for what aiohttp's parser accepts: a request without Host (aiohttp 3.13), and the
    greatest length, which it takes for 0."""
    if message.version == (1, 1) and "host" not in message.headers:
        raise HttpProcessingError(code=400, message="Missing 'Host' header in request.")
    if message.headers.get(CONTENT_LENGTH, "").lstrip("0") == MAX_CONTENT_LENGTH and body.is_eof():
        raise HttpProcessingError(code=400, message="The Content-Length is too large.")
