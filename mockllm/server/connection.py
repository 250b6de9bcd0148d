"""One client's connection: bytes in, one Exchange a request, bytes out. It holds the bounds on time and memory.

Requests of one connection are served one after another. `ready_connections.py` serves the requests of all connections
that are ready, one of each, in the next iteration of the event loop.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol, cast

from mockllm.server.aiohttp_internals import (
    HttpProcessingError,
    HttpProtocol,
    RawRequestMessage,
    StreamReader,
    has_read_http2_preface,
    tcp_keepalive,
)
from mockllm.server.app import App
from mockllm.server.deadlines import Deadline
from mockllm.server.exchange import Exchange
from mockllm.server.exchange_end import abandon_exchange, end_unparsed
from mockllm.server.http1 import BrokenBody
from mockllm.server.message_boundary import MessageBoundary
from mockllm.server.ready_connections import ReadyConnections
from mockllm.server.refusals import parse_failure, refusal_bytes
from mockllm.server.request_body import complete_body, read_rest
from mockllm.server.request_heads import HeadBytes, RequestHead
from mockllm.server.respond import begin_decision, respond
from mockllm.server.socket_sink import SocketSink
from mockllm.server.unfinished_exchange import finish_exchange

MAX_QUEUED: Final = 32
"""When so many requests of a connection wait, its socket is paused until at most half as many do."""


class ConnectionMaker(Protocol):
    """Makes connections, and has the set of open ones."""

    ready: ReadyConnections

    def add(self, connection: Connection) -> bool:
        """Add an open connection. Return whether its address has no more of them than the limit allows."""

    def remove(self, connection: Connection) -> None:
        """Remove a connection that has ended."""

    def switch_to_http2(self, connection: Connection, data: bytes) -> None:
        """Let a client go on with HTTP/2. `data` begins with the preface, or with the rest of one whose beginning
        came in earlier reads."""


class Connection(HttpProtocol):
    """A connection. At most one of its exchanges is served at a time; further requests are queued."""

    __slots__ = (
        "_app",
        "_body",
        "_boundary",
        "_current",
        "_half_closed",
        "_head_deadline",
        "_heads",
        "_idle_until",
        "_keepalive",
        "_keepalive_timer",
        "_maker",
        "_parse_error",
        "_queue",
        "_ready",
        "_sink",
        "_task",
        "ascii",
        "client",
        "scheduled",
    )  # fmt: skip

    def __init__(self, maker: ConnectionMaker, app: App, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop, app.limits)
        self._heads = app.heads
        self._maker = maker
        self._ready = maker.ready
        self._app = app
        self._sink = SocketSink(self, app.limits, self._queue_write)
        self._queue: deque[Exchange] = deque()
        self._current: Exchange | None = None
        """The exchange that is served."""
        self._task: asyncio.Task[None] | None = None
        """Finishes the current exchange, if it did not end when it was served and needs no decision elsewhere."""
        self.scheduled = False
        """Whether the connection is in `ReadyConnections.waiting`: a next iteration of the event loop serves it."""
        self._body: StreamReader | None = None
        """The body of the last request that was parsed."""
        self._boundary = MessageBoundary()
        self._parse_error: HttpProcessingError | None = None
        """Why the bytes after the queued requests are not a request."""
        self._half_closed = False
        """Whether the client has half-closed the connection: it sends no more, and may still read."""
        self._head_deadline: Deadline | None = None
        self._keepalive = app.limits.keepalive
        self._idle_until = 0.0
        self._keepalive_timer: asyncio.TimerHandle | None = None
        self.client = ""
        """The peer's address, without its port."""
        self.ascii = True
        """Whether only ASCII was parsed."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.ssl_context is not None:
            self._heads = self._app.tls_heads
        stream = cast(asyncio.Transport, transport)
        tcp_keepalive(stream)
        peer = self.peername
        self.client = peer[0] if type(peer) is tuple else str(peer or "")
        stream.set_write_buffer_limits(high=self._app.limits.unsent)
        if self._maker.add(self):
            self._set_head_deadline()
            self._serve_next_or_wait()
        else:
            self._write_refusal(503, "Too many connections from this address (--max-connections-per-address)")
            self.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._end_head_deadline()
        # No client reads the response, but the request counts. Further ones would have waited for its response.
        if self._queue and self._current is None:
            self._ready.serve_now(self)
        self.closing = True
        self._leave_decision_wait()
        exchange, self._current = self._current, None
        if exchange is not None:
            if exchange.body_stream is not None and not exchange.body_complete:
                exchange.body_stream.set_exception(exc or ConnectionResetError("the client has disconnected"))
            abandon_exchange(self._app, exchange)
        if self._task is not None:
            self._task.cancel()
        if self._keepalive_timer is not None:
            self._keepalive_timer.cancel()
        super().connection_lost(exc)
        self._maker.remove(self)
        # Parser, bodies and sink refer to the connection: the cycles would wait for the garbage collector.
        self.end_parser()
        self._body = None
        self._queue.clear()
        del self._sink

    def data_received(self, data: bytes) -> None:
        if self.closing or self._parse_error is not None:
            return
        is_next = (
            self._boundary.at_start and self._current is None and not (self._queue or self.upgrade_requested)
        )
        found = self._heads.find(data) if is_next else None
        if isinstance(found, RequestHead):
            if self._head_deadline is not None:
                self._end_head_deadline()
            raw = data[len(data) - found.body_length :]
            sink, client = self._sink, self.client
            self._queue.append(
                Exchange(head=found, sink=sink, client=client, raw=raw, body_complete=True, received=data)
            )
            self._ready.schedule(self)
            return
        self._parse(data, found)
        if self._current is None and (self._queue or self._parse_error is not None):
            self._ready.schedule(self)

    def eof_received(self) -> bool:
        """The client sends no more: it may still read, or may have disconnected. Only a write can tell, so the
        queued requests may be served within the linger time."""
        while self._current is None and (self._queue or self._parse_error is not None) and not self.closing:
            self._ready.serve_now(self)
        if self._current is None or (self._body is not None and not self._body.is_eof()):
            return False
        self._half_closed = True
        self._loop.call_later(self._app.limits.linger, self.close_and_detach)
        # TLS ends both directions at once: asyncio closes the connection in any case, and would log a warning.
        return self.transport is not None and self.ssl_context is None

    def _parse(self, data: bytes, found: HeadBytes | None = None) -> None:
        """Queue an exchange for each request whose head ends in this data. `found`: the bytes of the head that the
        data begins with, if it certainly begins with one."""
        if self.ascii and not data.isascii():
            self.ascii = False
        try:
            requests = self.parse(data)
        except HttpProcessingError as error:
            self._end_head_deadline()
            if has_read_http2_preface(error) and self._current is None and not self._queue:
                error.message, error.args = "", ()  # no traceback shows what the client sends
                self._maker.switch_to_http2(self, data)
                return
            self._parse_error = error
            if self._body is not None and not self._body.is_eof():
                self._body.set_exception(BrokenBody(error.message))
            return
        if requests:
            self._end_head_deadline()
            self._add(requests, data, found)
        elif not self.upgrade_requested:
            self._boundary.follow(data, None, self._body, single=False)
            if self._boundary.in_head and self._head_deadline is None:
                self._set_head_deadline()

    def _add(
        self, requests: Sequence[tuple[RawRequestMessage, StreamReader]], data: bytes, found: HeadBytes | None
    ) -> None:
        """Queue an exchange for each request, and cache the head of a single one that has come as a whole."""
        message, body = requests[-1]
        single = len(requests) == 1
        whole = found is not None and single and body.is_eof() and len(data) == found.end + found.body_length
        if not whole:
            self._boundary.follow(data, message, body, single=single)
        received = data if found is not None and single and self._boundary.at_start else b""
        sink, client = self._sink, self.client
        for message, body in requests:
            head = RequestHead(message, self.ascii, self.ssl_context is not None)
            self._queue.append(
                Exchange(head=head, sink=sink, client=client, body_stream=body, received=received)
            )
        self._body = body
        if whole and found is not None and head.path:
            self._heads.add_if_repeated(head, found)
        if len(self._queue) >= MAX_QUEUED:
            self.hold_reading(True)

    def _set_head_deadline(self) -> None:
        deadlines = self._app.deadlines
        self._head_deadline = deadlines.at(deadlines.time() + self._app.limits.head_time, self._head_is_late)

    def _end_head_deadline(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _head_is_late(self, now: float) -> None:
        self._head_deadline = None
        if self._current is not None or self._queue:
            self._set_head_deadline()  # it waits until an earlier request is served
            return
        if self._boundary.in_head and self.transport is not None:
            reason = "the request's head did not come in time"
            self._refuse(408, reason, "The head of the request took too long to come")
        self.close_and_detach()

    def serve_next(self) -> None:
        """Serve the next request, if none is being served; go on with one whose decision was made elsewhere."""
        exchange, app, queue = self._current, self._app, self._queue
        ended = False
        if exchange is not None:
            if not self._leave_decision_wait():
                return
            ended = respond(app, exchange)
        elif self.closing:
            return
        elif not queue:
            if self._parse_error is not None:
                self._refuse_broken(self._parse_error)
            return
        else:
            exchange = self._current = queue.popleft()
            if self.reading_held and len(queue) <= MAX_QUEUED // 2:
                self.hold_reading(False)
            self._sink.written = False
            if exchange.body_complete or self._read(exchange):
                exchange.monotonic, exchange.now = app.deadlines.time(), time.time()
                ended = respond(app, exchange)
        if ended:
            self._current = None
            self._serve_next_or_wait()
        else:
            self._go_on(exchange)

    def _go_on(self, exchange: Exchange) -> None:
        """Go on with an exchange that has not ended. If its decision is made elsewhere, the connection is scheduled
        again when it is made; else a task finishes the exchange."""
        if self.transport is None or self.transport.is_closing():
            return
        self._app.running += 1
        if not begin_decision(self._app, exchange, partial(self._ready.schedule, self)):
            self._task = self._loop.create_task(self._finish(exchange))
            self._task.add_done_callback(self._finished)

    def _leave_decision_wait(self) -> bool:
        """Return whether the current exchange waits for a decision without a task. It counts as running no more."""
        if self._current is None or self._current.pending_decision is None or self._task is not None:
            return False
        self._app.running -= 1
        return True

    def _read(self, exchange: Exchange) -> bool:
        """Take a body that has come as a whole. Return whether it has."""
        head, body, app = exchange.head, exchange.body_stream, self._app
        assert body is not None, "the body has not been read"
        raw = complete_body(body, head.message.headers, app.limits) if head.path else b""
        if raw is None:
            exchange.received = b""
            return False
        exchange.raw, exchange.body_complete = raw, True
        return True

    async def _finish(self, exchange: Exchange) -> None:
        body = exchange.body_stream
        usable = await finish_exchange(self._app, exchange)
        if body is not None and not body.is_eof() and self.transport is not None:
            usable = await read_rest(body, self._app.limits) and usable
        self._current = None
        if usable:
            self._serve_next_or_wait()
        else:
            self.close()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._app.running -= 1
        if self._task is task:
            self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            traceback.print_exception(error, file=sys.stderr)
            self.close_and_detach()

    def _serve_next_or_wait(self) -> None:
        """Schedule the next queued request, or wait for one for the keep-alive time, if one can come."""
        if self.upgrade_requested and not self._queue:
            self._parse(self.decline_upgrade())
        if self._queue or self._parse_error is not None:
            self._ready.schedule(self)
        elif self._half_closed:
            self._loop.call_soon(self.close)  # after the bytes that this iteration writes
        self._idle_until = end = self._loop.time() + self._keepalive
        if self._keepalive_timer is None:
            self._keepalive_timer = self._loop.call_at(end, self._end_idle)

    def _refuse_broken(self, error: HttpProcessingError) -> None:
        """Respond to bytes that are not a request."""
        status, reason = parse_failure(error)
        self._refuse(status, reason, reason)
        self.close()

    def _refuse(self, status: int, reason: str, text: str) -> None:
        """Write a response of the connection itself, and log the reason."""
        end_unparsed(self._app, status, reason)
        self._write_refusal(status, text)

    def _write_refusal(self, status: int, text: str) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(refusal_bytes(status, text))

    def _queue_write(self, data: bytes) -> bool:
        """Queue bytes, to be written with all responses of this iteration; write them at once outside of it. Return
        False if the client has disconnected, or has not read what it got before."""
        transport, outbox = self.transport, self._ready.outbox
        if transport is None or self.writing_paused or transport.is_closing():
            return False
        if outbox is None:
            transport.write(data)
        else:
            outbox.append((transport, data))
        return True

    def _end_idle(self) -> None:
        self._keepalive_timer = None
        if self._current is not None or self._queue:
            return  # the end of the exchange sets the timer anew
        if self._loop.time() < self._idle_until:
            self._keepalive_timer = self._loop.call_at(self._idle_until, self._end_idle)
        else:
            self.close_and_detach()

    def close(self) -> None:
        """Close the connection after the written bytes."""
        self.closing = True
        if self.transport is not None:
            self.transport.close()

    @property
    def unsent(self) -> int:
        """Bytes that wait for the client."""
        return 0 if self.transport is None else self.transport.get_write_buffer_size()

    async def shutdown(self, seconds: float) -> None:
        """End the connection and its exchange, which has so many seconds to end by itself."""
        self.closing = True
        if self._current is not None and self._leave_decision_wait():
            self._go_on(self._current)
        task = self._task
        if task is not None:
            await asyncio.wait([task], timeout=seconds)
            task.cancel()
            await asyncio.wait([task], timeout=seconds)
        self.close_and_detach()
