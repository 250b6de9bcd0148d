"""One client's connection: bytes in, one Exchange a request, bytes out. It bounds the idle time, the time after a
half-close, and the bytes that wait for a slow client; `reading_connection.py` has the bounds of requests.

Requests of one connection are served one after another. `ready_connections.py` serves the requests of all connections
that are ready, one of each, in the next iteration of the event loop, within its bounds. Where the client ends its
half of the connection, they are served at once, up to the first that waits.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from functools import partial
from typing import Final, cast

from mockllm.server.aiohttp_internals import tcp_keepalive
from mockllm.server.app import App
from mockllm.server.exchange import NO_RESPONSE_YET, Exchange
from mockllm.server.exchange_end import abandon_exchange, end_truncated_request
from mockllm.server.reading_connection import MAX_QUEUED, ConnectionOwner, ReadingConnection
from mockllm.server.request_body import body_if_complete, read_rest
from mockllm.server.respond import begin_decision, respond
from mockllm.server.socket_sink import SOCKET_POLL_SECONDS
from mockllm.server.waiting_exchange import serve_waiting_exchange

MAX_POLL_INTERVAL: Final = 0.02
"""The longest time between two polls of a client that has half-closed its connection: it may have disconnected."""


class Connection(ReadingConnection):
    """A connection. At most one of its exchanges is served at a time; further requests are queued."""

    __slots__ = ("_awaits_decision", "_idle_until", "_keepalive", "_keepalive_timer", "_task")

    def __init__(self, owner: ConnectionOwner, app: App, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(owner, app, loop)
        self._task: asyncio.Task[None] | None = None
        """Finishes the current exchange if that has to wait. None if it waits for a decision of the store alone: the
        store's result then schedules the connection again (`begin_decision`)."""
        self._awaits_decision = False
        """Whether the current exchange waits for a decision of the store without a task."""
        self._keepalive = app.limits.keepalive
        self._idle_until = 0.0
        self._keepalive_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.ssl_context is not None:
            self._heads = self._app.tls_head_cache
        tcp_transport = cast(asyncio.Transport, transport)
        tcp_keepalive(tcp_transport)
        peer = self.peername
        self.client_address = peer[0] if type(peer) is tuple else str(peer or "")
        tcp_transport.set_write_buffer_limits(high=self._app.limits.unsent)
        if self._owner.add(self):
            self._set_head_deadline()
            self._serve_next_or_wait()
        else:
            self._write_error(503, "Too many connections from this address (--max-connections-per-address)")
            self.close()
        self._app.deadlines.run_due_actions()  # many may come at once: streams go on in between

    def connection_lost(self, exc: BaseException | None) -> None:
        self._cancel_head_deadline()
        # Serve the first queued request, so that rules count it, if its body is complete, short and not compressed.
        # The others would have waited for its response.
        if self._queue and self._current is None:
            self._ready_connections.serve_now(self)
        self.closing = True
        self._stop_awaiting_decision()
        exchange, self._current = self._current, None
        if exchange is not None:
            if exchange.body_stream is not None and not exchange.body_complete:
                exchange.body_stream.set_exception(exc or ConnectionResetError("the client has disconnected"))
            if exc is not None:
                self._sink.client_disconnected = True
            abandon_exchange(self._app, exchange)
            if not exchange.body_complete:
                end_truncated_request(self._app, exchange)
        if self._task is not None:
            self._task.cancel()
        if self._keepalive_timer is not None:
            self._keepalive_timer.cancel()
        super().connection_lost(exc)
        self._owner.remove(self)
        # Parser, bodies and sink refer to the connection: the cycles would wait for the garbage collector.
        self.end_parser()
        self._body = None
        self._queue.clear()
        self._unparsed = b""
        del self._sink
        self._app.deadlines.run_due_actions()

    def eof_received(self) -> bool:
        """The client has half-closed the connection: it may still read, or may have disconnected. Only the TCP ACK or
        RST for written bytes shows which. So the server still serves the queued requests, within the linger time. To
        cause an RST of a client that has disconnected, the server sends 100 Continue. It does so over HTTP/1.1 only,
        if the response is known, none of its bytes is written, and no fault withholds it. TLS, a WebSocket and a
        truncated body end at once. Return whether the connection stays open."""
        while self._current is None and (self._queue or self._parse_error is not None) and not self.closing:
            self._ready_connections.serve_now(self)
        if (
            self._current is None
            or self._websocket is not None
            or (self._body is not None and not self._body.is_eof())
        ):
            return False
        self.half_closed_at = self._app.deadlines.time()
        self._loop.call_later(self._app.limits.linger, self.close_and_drop_transport)
        if self.transport is None or self.ssl_context is not None:
            # TLS ends both directions at once: asyncio closes the connection in any case, and would log a warning.
            return False
        response, version = self._current.response, self._current.head.message.version
        will_be_sent = response is not NO_RESPONSE_YET and not response.plan.delivery.sends_nothing
        if will_be_sent and not self._sink.written and version >= (1, 1):
            self._sink.send_interim_response()
        self._close_if_disconnected(SOCKET_POLL_SECONDS)
        return True

    def _close_if_disconnected(self, next_poll: float) -> None:
        """Close a half-closed connection whose client has disconnected. Poll that, less and less often."""
        if self.transport is None:
            return
        self._sink.check_client()
        if self._sink.client_disconnected:
            self.close_and_drop_transport()
        else:
            self._loop.call_later(
                next_poll, self._close_if_disconnected, min(2 * next_poll, MAX_POLL_INTERVAL)
            )

    def serve_next_or_resume(self) -> None:
        """Serve the next request, if none is being served; continue one that the store has decided."""
        exchange, app, queue = self._current, self._app, self._queue
        if exchange is not None:
            if not self._stop_awaiting_decision():
                return
            respond(app, exchange)
        elif self.closing:
            return
        elif not queue:
            if self._parse_error is not None:
                self._refuse_malformed(self._parse_error)
            return
        else:
            exchange = self._current = queue.popleft()
            if self._unparsed and len(queue) <= MAX_QUEUED // 2:
                self._queue_unparsed()
            self._sink.written = False
            if exchange.body_complete or self._take_complete_body(exchange):
                exchange.monotonic, exchange.now = app.deadlines.time(), time.time()
                respond(app, exchange)
        if exchange.ended:
            self._current = None
            self._serve_next_or_wait()
        else:
            self._continue_unfinished(exchange)

    def _continue_unfinished(self, exchange: Exchange) -> None:
        """Let the store decide an exchange that has not ended, and schedule the connection again after the decision.
        Where it has nothing to decide, start a task that finishes the exchange. Do nothing if the client has left."""
        if self.transport is None or self.transport.is_closing():
            return
        self._app.unfinished_exchanges += 1
        schedule = partial(self._ready_connections.schedule, self)
        self._awaits_decision = begin_decision(self._app, exchange, schedule)
        if not self._awaits_decision:
            self._task = self._loop.create_task(self._finish_in_task(exchange))
            self._task.add_done_callback(self._task_done)

    def _stop_awaiting_decision(self) -> bool:
        """If the current exchange waits, without a task, for the decision of the store, end that wait. Return whether
        it waited: then it was one of the `unfinished_exchanges`."""
        awaited, self._awaits_decision = self._awaits_decision, False
        self._app.unfinished_exchanges -= awaited
        return awaited

    def _take_complete_body(self, exchange: Exchange) -> bool:
        """Take the body of an exchange, and return True, if all of it has come. Return False for a body that is long
        (`request_body.MAX_AT_ONCE`), or that needs decompression or an error response."""
        head, body, app = exchange.head, exchange.body_stream, self._app
        assert body is not None, "a body that is not complete has a stream"
        # `respond` refuses a target that is no path, and needs no body for that
        raw = body_if_complete(body, head.message.headers, app.limits) if head.path else b""
        if raw is None:
            exchange.received = b""
            return False
        exchange.raw, exchange.body_complete = raw, True
        return True

    async def _finish_in_task(self, exchange: Exchange) -> None:
        """Finish the current exchange, then serve the next request or close the connection."""
        body = exchange.body_stream
        usable = await serve_waiting_exchange(self._app, exchange)
        if body is not None and not body.is_eof() and self.transport is not None:
            usable = await read_rest(body, self._app.limits) and usable
        self._current = None
        if usable:
            self._serve_next_or_wait()
        elif exchange.ends_connection:
            self._sink.shut_down_writing()  # the client may not expect it, and may send a next request
        else:
            self.close()

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._app.unfinished_exchanges -= 1
        if self._task is task:
            self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            traceback.print_exception(error, file=sys.stderr)
            self.close_and_drop_transport()

    def _serve_next_or_wait(self) -> None:
        """Schedule the next queued request, or wait for one for the keep-alive time, if one can come."""
        if self.upgrade_requested and not self._queue:
            self._queue_requests(self.decline_upgrade())  # goes on with the bytes after that request
        if self._queue or self._parse_error is not None:
            self._ready_connections.schedule(self)
        elif self.half_closed_at is not None:
            self._loop.call_soon(self.close)  # after the bytes that this iteration writes
        self._idle_until = end = self._loop.time() + self._keepalive
        if self._keepalive_timer is None:
            self._keepalive_timer = self._loop.call_at(end, self._end_idle)

    def _end_idle(self) -> None:
        self._keepalive_timer = None
        if self._current is not None or self._queue or self._head_deadline is not None:
            return  # the end of the exchange sets the timer again; the deadline ends a connection without a head
        if self._loop.time() < self._idle_until:
            self._keepalive_timer = self._loop.call_at(self._idle_until, self._end_idle)
        else:
            self.close_and_drop_transport()

    async def shutdown(self, seconds: float) -> None:
        """End the connection and its exchange, which has these seconds to end by itself."""
        self.closing = True
        if self._current is not None and self._stop_awaiting_decision():
            self._continue_unfinished(self._current)
        task = self._task
        if task is not None:
            await asyncio.wait([task], timeout=seconds)
            task.cancel()
            await asyncio.wait([task], timeout=seconds)
        self.close_and_drop_transport()
