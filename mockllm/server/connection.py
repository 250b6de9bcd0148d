"""One client's connection: bytes in, one Exchange a request, bytes out. It holds the bounds on time and memory.

Requests of one connection are served one after another. `ready_requests.py` serves together what arrives in one
iteration of the event loop.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections import deque
from math import inf
from typing import Final, cast

from aiohttp import StreamReader
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.tcp_helpers import tcp_keepalive

from mockllm.core.rendering.plan import PHRASES
from mockllm.server.access_log import short
from mockllm.server.aiohttp_internals import HttpProtocol
from mockllm.server.app import App
from mockllm.server.broken_body import BrokenBody
from mockllm.server.completion import complete
from mockllm.server.deadlines import Deadline
from mockllm.server.exchange import Exchange
from mockllm.server.exchange_end import abandon_exchange, end_unparsed
from mockllm.server.ready_requests import ReadyRequests
from mockllm.server.request_body import complete_body
from mockllm.server.request_heads import RequestHead
from mockllm.server.respond import respond
from mockllm.server.socket_sink import SocketSink

MAX_QUEUED: Final = 32
"""How many requests of a connection wait; more pause its socket until half of them are served."""
REPORT_INTERVAL: Final = 10.0
"""Seconds between two lines about refused connections."""
HTTP2_PREFACE: Final = b"PRI * HTTP/2.0\r\n"
"""The first bytes of a client that speaks HTTP/2 without an upgrade (RFC 9113, section 3.4)."""
TOO_LONG: Final = "The target or a header is longer than is taken here (--max-target, --max-header)."
_REFUSED: Final = (
    b"HTTP/1.1 %d %b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
    b"Connection: close\r\n\r\n%b"
)


class Connection(HttpProtocol):
    """A connection. At most one of its exchanges is served at a time; further requests are queued."""

    __slots__ = (
        "_app", "_begun", "_body", "_broken", "_current", "_heads", "_idle_until", "_keepalive",
        "_keepalive_timer", "_listener", "_queue", "_ready", "_silent", "_sink", "_task", "_watch", "ascii",
        "client", "scheduled",
    )  # fmt: skip

    def __init__(self, listener: Listener, app: App, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop, app.limits)
        self._heads = app.heads
        self._listener = listener
        self._ready = listener.ready
        self._app = app
        self._sink = SocketSink(self, app.limits, self._write_coalesced)
        self._queue: deque[Exchange] = deque()
        self._current: Exchange | None = None
        """The exchange that is served."""
        self._task: asyncio.Task[None] | None = None
        """Completes the current exchange, if it did not end in the iteration in which it came."""
        self.scheduled = False
        """Whether the listener serves the next exchange at the end of this iteration."""
        self._body: StreamReader | None = None
        """The body of the last request that was parsed."""
        self._begun = False
        """Whether a part of a head has come."""
        self._broken: HttpProcessingError | None = None
        """Why the bytes behind the queued requests are no request."""
        self._silent = False
        """Whether the client has half-closed the connection: it sends no more, and may still read."""
        self._watch: Deadline | None = None
        self._keepalive = app.limits.keepalive
        self._idle_until = 0.0
        self._keepalive_timer: asyncio.TimerHandle | None = None
        self.client = ""
        """The peer's address, without its port."""
        self.ascii = True
        """Whether only ASCII has come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.ssl_context is not None:
            self._heads = self._app.tls_heads
        stream = cast(asyncio.Transport, transport)
        tcp_keepalive(stream)
        peer = self.peername
        self.client = peer[0] if type(peer) is tuple else str(peer or "")
        stream.set_write_buffer_limits(high=self._app.limits.unsent)
        if self._listener.admit(self):
            self._watch_head()
            self._continue()
        else:
            self._write_refusal(503, "Too many connections from this address (--max-connections-per-address)")
            self.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._unwatch()
        if self._queue and self._current is None:  # no client reads the response, but the request counts
            self._ready.serve_now(self)
        self.closing = True
        exchange, self._current = self._current, None
        if exchange is not None:
            if exchange.body is not None and not exchange.read:
                exchange.body.set_exception(exc or ConnectionResetError("the client has left"))
            abandon_exchange(self._app, exchange)
        if self._task is not None:
            self._task.cancel()
        if self._keepalive_timer is not None:
            self._keepalive_timer.cancel()
        super().connection_lost(exc)
        self._listener.remove(self)
        self.end_parser()  # it refers to the connection, as bodies and the sink do: they would wait for the
        self._body = None  # garbage collector
        self._queue.clear()
        del self._sink

    def data_received(self, data: bytes) -> None:
        if self.closing or self._broken is not None:
            return
        if self._current is None and not (self._begun or self._queue or self.upgraded):
            head = self._heads.find(data)
            if head is not None:
                if self._watch is not None:
                    self._unwatch()
                raw = data[len(data) - head.length :]
                self._queue.append(Exchange(head, self._sink, self.client, None, raw, True, data))
                self._ready.schedule(self)
                return
        self._parse(data)
        if self._current is None and (self._queue or self._broken is not None):
            self._ready.schedule(self)

    def eof_received(self) -> bool:
        """The client sends no more: it may still read, or may have left. Only a write can tell, so the queued
        requests may be served within the linger time."""
        while self._current is None and (self._queue or self._broken is not None) and not self.closing:
            self._ready.serve_now(self)
        if self._current is None or (self._body is not None and not self._body.is_eof()):
            return False
        self._silent = True
        self._loop.call_later(self._app.limits.linger, self.force_close)
        # TLS ends both directions at once: asyncio closes the connection in any case, and would log a warning.
        return self.transport is not None and self.ssl_context is None

    def _parse(self, data: bytes) -> None:
        """Queue an exchange for each request whose head ends in this data."""
        if self.ascii and not data.isascii():
            self.ascii = False
        between = not self._begun and (self._body is None or self._body.is_eof())
        try:
            requests = self.parse(data)
        except HttpProcessingError as error:
            self._unwatch()
            if data.startswith(HTTP2_PREFACE):
                error.message = "HTTP/2 is not served: let the client use HTTP/1.1."
            self._broken = error
            if self._body is not None and not self._body.is_eof():
                self._body.set_exception(BrokenBody(error.message))
            return
        if requests:
            self._unwatch()
            received = data if between and len(requests) == 1 else b""
            for message, body in requests:
                head = RequestHead(message, self.ascii, self.ssl_context is not None)
                self._queue.append(Exchange(head, self._sink, self.client, body, received=received))
            self._body = requests[-1][1]
            if len(self._queue) >= MAX_QUEUED:
                self.hold_reading(True)
        elif between and data and not self.upgraded:
            self._begun = True
            if self._watch is None:
                self._watch_head()

    def _watch_head(self) -> None:
        deadlines = self._app.deadlines
        self._watch = deadlines.at(deadlines.time() + self._app.limits.head_time, self._head_is_late)

    def _unwatch(self) -> None:
        self._begun = False
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _head_is_late(self, now: float) -> None:
        self._watch = None
        if self._current is not None or self._queue:
            self._watch_head()  # it waits behind a request that is still served
            return
        if self._begun and self.transport is not None:
            reason = "the request's head did not come in time"
            self._refuse(408, reason, "The head of the request took too long to come")
        self.force_close()

    def serve_next(self) -> None:
        """Serve the next request, if none is being served."""
        if self._current is not None or self.closing:
            return
        if not self._queue:
            if self._broken is not None:
                self._refuse_broken(self._broken)
            return
        exchange = self._current = self._queue.popleft()
        if self.reading_held and len(self._queue) <= MAX_QUEUED // 2:
            self.hold_reading(False)
        self._sink.written = False
        app, ended = self._app, False
        if exchange.read or self._read(exchange):
            exchange.started, exchange.at = app.deadlines.time(), time.time()
            ended = respond(app, exchange)
        if ended:
            self._current = None
            self._continue()
        elif self.transport is not None and not self.transport.is_closing():
            app.running += 1
            self._task = self._loop.create_task(self._complete(exchange))
            self._task.add_done_callback(self._completed)

    def _read(self, exchange: Exchange) -> bool:
        """Take a body that has come as a whole. Return whether it has."""
        head, body, app = exchange.head, exchange.body, self._app
        assert body is not None, "the body has not been read"
        raw = complete_body(body, head.message.headers, app.limits) if head.path else b""
        if raw is None:
            exchange.received = b""
            return False
        exchange.raw, exchange.read = raw, True
        if exchange.received:
            self._heads.see(head, exchange.received, raw)
        return True

    async def _complete(self, exchange: Exchange) -> None:
        body = exchange.body
        usable = await complete(self._app, exchange)
        if body is not None and not body.is_eof() and self.transport is not None:
            usable = await self._linger(body) and usable
        self._current = None
        if usable:
            self._continue()
        else:
            self.close()

    def _completed(self, task: asyncio.Task[None]) -> None:
        self._app.running -= 1
        if self._task is task:
            self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            traceback.print_exception(error, file=sys.stderr)
            self.force_close()

    async def _linger(self, body: StreamReader) -> bool:
        """Read the rest of a refused body for the linger time, so that the client can read the response before the
        connection ends. Return whether the body is complete."""
        try:
            async with asyncio.timeout(self._app.limits.linger):
                while not body.is_eof():
                    await body.readany()
        except Exception:  # its framing is broken, or it does not come
            return False
        return True

    def _continue(self) -> None:
        """Serve what is queued, or wait for the next request for the keep-alive time, if one can come."""
        if self.upgraded and not self._queue:
            self._parse(self.decline_upgrade())
        if self._queue or self._broken is not None:
            self._ready.schedule(self)
        elif self._silent:
            self._loop.call_soon(self.close)  # behind what this iteration writes
        self._idle_until = end = self._loop.time() + self._keepalive
        if self._keepalive_timer is None:
            self._keepalive_timer = self._loop.call_at(end, self._end_idle)

    def _refuse_broken(self, error: HttpProcessingError) -> None:
        """Respond to bytes that are no request."""
        if isinstance(error, LineTooLong):
            status, reason = 431, TOO_LONG
        else:
            status = 400
            reason = " ".join((error.message or "").split("\n", 1)[0].split()).rstrip(":")
            reason = reason or "not a request of HTTP/1.1"
            if " " not in reason:  # the parser repeats the target
                reason = "The request's target is no path."
        self._refuse(status, reason, reason)
        self.close()

    def _refuse(self, status: int, reason: str, text: str) -> None:
        """Write a response of the connection itself, and log the reason."""
        end_unparsed(self._app, status, reason)
        self._write_refusal(status, text)

    def _write_refusal(self, status: int, text: str) -> None:
        body = f"{text}\n".encode("utf-8", "replace")
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(_REFUSED % (status, PHRASES[status].encode(), len(body), body))

    def _write_coalesced(self, data: bytes) -> bool:
        """Write together with all responses of this iteration, or at once outside of it. Return False if the
        client has left, or has not read what it got before."""
        transport, outbox = self.transport, self._ready.outbox
        if transport is None or self._paused or transport.is_closing():
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
            self.force_close()

    def close(self) -> None:
        """Close the connection behind what was written."""
        self.closing = True
        if self.transport is not None:
            self.transport.close()

    async def shutdown(self, seconds: float) -> None:
        """End the connection and its exchange, which has so many seconds to end by itself."""
        self.closing = True
        task = self._task
        if task is not None:
            await asyncio.wait([task], timeout=seconds)
            task.cancel()
            await asyncio.wait([task], timeout=seconds)
        self.force_close()


class Listener:
    """Makes the connections of a server; server sockets use it as their protocol factory."""

    def __init__(self, app: App) -> None:
        """Call it on the loop that runs the connections."""
        app.start()
        self._app = app
        self._loop = asyncio.get_running_loop()
        self.ready = ReadyRequests(app.deadlines, self._loop)
        self.connections: set[Connection] = set()
        self._counts: dict[str, int] = {}
        """The open connections by client address."""
        self._refused = 0
        """The connections that were refused since the last report."""
        self._next_report = -inf

    def __call__(self) -> Connection:
        return Connection(self, self._app, self._loop)

    def admit(self, connection: Connection) -> bool:
        """Add an open connection. Return whether its address has no more of them than the limit allows."""
        self.connections.add(connection)
        count = self._counts[connection.client] = self._counts.get(connection.client, 0) + 1
        limit = self._app.limits.connections
        if count <= limit:
            return True
        self._refused += 1
        now = self._app.deadlines.time()
        if now >= self._next_report:
            self._next_report = now + REPORT_INTERVAL
            refused, self._refused = self._refused, 0
            text = f"refused {refused} of the connections from {short(connection.client)}"
            print(f"mockllm: {text}: more than {limit} (--max-connections-per-address)", file=sys.stderr)
        return False

    def remove(self, connection: Connection) -> None:
        """Remove a connection that has ended."""
        if connection in self.connections:
            self.connections.remove(connection)
            count = self._counts.pop(connection.client) - 1
            if count:
                self._counts[connection.client] = count

    async def shutdown(self, seconds: float) -> None:
        """End all connections."""
        await asyncio.gather(*[connection.shutdown(seconds) for connection in self.connections])
