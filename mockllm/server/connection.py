"""One client's connection: aiohttp's parser and keep-alive, with the bounds that aiohttp does not keep.

Apart because it leans on aiohttp's insides (`_messages`, `_request_count`, `_current_request`); tests pin
what is relied on here, on raw sockets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf
from typing import Any, Final, Protocol

from aiohttp import StreamReader
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web import BaseRequest, RequestHandler, Server, StreamResponse
from aiohttp.web_protocol import _ErrInfo

from mockllm.server.deadlines import Deadline, Deadlines
from mockllm.server.http1 import CLOSE, AlreadyWritten
from mockllm.server.request_heads import RequestHead, RequestHeadCache
from mockllm.server.server_limits import ServerLimits

TOGETHER: Final = 32
"""So many requests at most are answered in one go."""
TOO_LONG: Final = "The target or a header is longer than is taken here (--max-target, --max-header)."
LONGEST: Final = 0.0005
"""Seconds after which the others of a turn wait for the next: running streams must be in time."""
_TOO_SLOW: Final = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: 46\r\nConnection: close\r\n\r\nThe head of the request took too long to come\n"
)


class BrokenBody(Exception):
    """The body's framing is not HTTP; the message says what is wrong with it."""


class IncomingRequest:
    """A request as it comes in: aiohttp's parsed head, and the body still to be read."""

    __slots__ = ("_task", "body", "connection", "message", "writer")

    def __init__(
        self,
        message: RawRequestMessage,
        body: StreamReader,
        connection: Connection,
        writer: AbstractStreamWriter | None,
        task: asyncio.Task[None] | None,
    ) -> None:
        self.message = message
        self.body = body
        self.connection = connection
        self.writer = writer
        self._task = task

    def _cancel(self, exc: BaseException) -> None:
        """aiohttp: the connection was lost."""
        self.body.set_exception(exc)

    def _finish(self) -> None:
        """aiohttp: the handler has returned."""


class ConnectionHandler(Protocol):
    """Who answers what comes."""

    limits: ServerLimits
    deadlines: Deadlines
    heads: RequestHeadCache

    async def handle(self, incoming: IncomingRequest) -> AlreadyWritten:
        """Answers a request in its own time."""

    def try_respond_now(self, incoming: IncomingRequest) -> bool:
        """Whether it was answered at once."""

    def respond_to_known_head(self, connection: Connection, head: RequestHead, data: bytes) -> bool:
        """The same for a request that is all that came, and whose head came before."""

    def unparsed(self, status: int, reason: str) -> None:
        """What came was no request."""

    def abandoned(self, prepared: Any) -> None:
        """What was prepared on a connection that was lost will not be played."""


class Connection(RequestHandler):
    """Watches how long a head takes, and answers what is not HTTP without a traceback."""

    __slots__ = (
        "_app",
        "_begun",
        "_body",
        "_heads",
        "_known",
        "_listener",
        "_silent",
        "_watch",
        "ascii",
        "client",
        "idle",
        "prepared",
        "whole",
    )

    def __init__(self, manager: Listener, app: ConnectionHandler, **settings: Any) -> None:
        super().__init__(manager, **settings)
        self._listener = manager
        self._app = app
        self._heads = app.heads
        self._known: tuple[RequestHead, bytes] | None = None
        """A request whose head came before, and all that came of it: aiohttp's parser has not seen it."""
        self.prepared: Any = None
        """What was found out about the request that stands first."""
        self.whole: bytes | None = None
        """What came, where it began with a request's head and no other began in it."""
        self.idle = True
        """Whether all that was asked is answered. aiohttp's handler may be on its way to wait for more."""
        self.client = ""
        """The peer's address, without its port."""
        self.ascii = True
        """Whether nothing but ASCII has come."""
        self._watch: Deadline | None = None
        self._begun = False
        self._body: StreamReader | None = None
        self._silent = False  # the client sends no more, though it may be listening

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peer = self.peername
        self.client = peer[0] if type(peer) is tuple else str(peer or "")
        transport.set_write_buffer_limits(high=self._app.limits.unsent)  # type: ignore[attr-defined]
        self._watch_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._unwatch()
        if self._messages or self._known is not None:  # it has asked, though nobody will hear the answer
            self._listener.answer([self])
        prepared, self.prepared = self.prepared, None
        if prepared is not None:
            self._app.abandoned(prepared)
        super().connection_lost(exc)
        self._body = None  # it refers to the connection, and would keep it for the garbage collector

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio has it; aiohttp always closes
        """The client sends no more: it may be listening still, or have left. Nobody can tell before something
        is written, so what it asked for may be answered within the linger time."""
        self._listener.answer([self])
        if self.idle or (self._body is not None and not self._body.is_eof()):
            return False
        self._silent = True
        self._loop.call_later(self._app.limits.linger, self.force_close)
        # TLS ends both ways at once: asyncio closes it in any case, and would say on the terminal that it does.
        return self.transport is not None and self.transport.get_extra_info("sslcontext") is None

    @property
    def over(self) -> bool:
        """Whether nothing is left to be answered, and nothing will come."""
        return self._silent and not self._messages

    def data_received(self, data: bytes) -> None:
        if self.idle and not (self._begun or self._messages or self._known):
            head = self._heads.find(data)
            if head is not None and not (self._close or self._force_close or self._upgraded):
                if self._watch is not None:
                    self._unwatch()
                self._known = head, data
                self._come()
                return
        if self._known is not None:  # more comes before the turn in which it is answered
            (_, before), self._known = self._known, None
            self._parse(before)
        self._parse(data)
        if self._messages:
            if self.idle:
                self._come()
            else:
                self._wake()

    def _come(self) -> None:
        """A request has come, and nothing stands before it."""
        if self._waiter is None and self._known is None:  # aiohttp's handler, on its way here, would take it
            self._listener.answer([self])
        else:
            self._listener.has_come(self)

    def _parse(self, data: bytes) -> None:
        if self.ascii and not data.isascii():
            self.ascii = False
        # aiohttp's handler waits for a request: it is not woken for one that is answered here.
        waiter, self._waiter = self._waiter, None
        seen, begun = self._request_count, self._begun
        try:
            super().data_received(data)
        finally:
            self._waiter = waiter
        if self._request_count != seen:
            self._unwatch()
            self.whole = data if self._request_count == seen + 1 and not begun else None
            message, body = self._messages[-1]
            if not isinstance(message, _ErrInfo):
                self._body = body
            elif self._body is not None and not self._body.is_eof():
                # The parser gave up inside a body; aiohttp leaves its reader waiting.
                self._body.set_exception(BrokenBody(message.message))
        elif data and (self._body is None or self._body.is_eof()):
            self._begun = True
            if self._watch is None:
                self._watch_head()

    def answer(self) -> None:
        """Answers the request that has come, or leaves it to aiohttp's handler."""
        if not self.idle:
            return
        if self._known is not None:
            (head, data), self._known = self._known, None
            if not self.writing_paused and self._app.respond_to_known_head(self, head, data):
                self._stay()
                return
            self._parse(data)
        elif not self._messages or self._answered():
            return
        self.idle = False
        self._wake()

    def _wake(self) -> None:
        """aiohttp's handler, if it waits for a request; else it comes to it by itself."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _answered(self) -> bool:
        """Whether the only request that waits is answered already. It is then as if it had never come to
        aiohttp's handler, whose keep-alive time runs anew."""
        message, body = self._messages[0]
        if len(self._messages) > 1 or isinstance(message, _ErrInfo) or self.writing_paused:
            return False
        if self._close or self._upgraded:  # an upgrade is declined by aiohttp, behind the answer
            return False
        if not body.is_eof() or not self._app.try_respond_now(
            IncomingRequest(message, body, self, None, None)
        ):
            return False
        self._messages.clear()
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused:
            self._resume_reading_if_drained()
        self._stay()
        return True

    def _stay(self) -> None:
        """The connection is kept for another request, for its time."""
        self._keepalive = True
        self._next_keepalive_close_time = end = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(end, self._process_keepalive)

    def write(self, data: bytes) -> bool:
        """Has this written to the client behind the turn's other answers; whether it is still there."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        self._listener.said.append((transport, data))
        return True

    def resume_reading(self, resume_parser: bool = True) -> None:
        """aiohttp parses on and resumes the socket behind every body that was read: here only where it had
        been paused."""
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

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
        if self._current_request is not None or self._messages:
            self._watch_head()  # it stands behind a request that is still being answered
            return
        if self._begun and self.transport is not None:
            self.transport.write(_TOO_SLOW)
            self._app.unparsed(408, "the request's head did not come in time")
        self.force_close()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> StreamResponse:
        """What could not be parsed. aiohttp would log each with a traceback."""
        if isinstance(exc, LineTooLong):
            status, message = 431, TOO_LONG
        elif status >= 500:
            self.log_exception("A request could not be handled", exc_info=exc)
        said = " ".join((message or "").split("\n", 1)[0].split()).rstrip(":") or "not a request of HTTP/1.1"
        said = said if " " in said else "The request's target is no path."  # then it is only repeated
        self._app.unparsed(status, said)
        body = f"{said}\n".encode("utf-8", "replace")
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 %d %b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\n"
                b"Connection: close\r\n\r\n%b"
                % (status, _REASONS.get(status, b"Bad Request"), len(body), body)
            )
        return CLOSE  # type: ignore[return-value]


_REASONS: Final = {
    431: b"Request Header Fields Too Large",
    500: b"Internal Server Error",
    504: b"Gateway Timeout",
}


def _taken_up(
    message: RawRequestMessage,
    body: StreamReader,
    connection: Connection,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> IncomingRequest:
    """aiohttp's handler has taken a request from those that wait."""
    connection.idle = False
    return IncomingRequest(message, body, connection, writer, task)


class Listener(Server):
    """Makes Connections; what a server socket is given as its protocol factory."""

    def __init__(self, app: ConnectionHandler) -> None:
        super().__init__(
            app.handle,  # type: ignore[arg-type]
            request_factory=_taken_up,  # type: ignore[arg-type]
            handler_cancellation=True,
        )
        self._app = app
        self.came: list[Connection] = []
        """Those whose request waits for the turn's end."""
        self.said: list[tuple[asyncio.Transport, bytes]] = []
        """What is to be written to whom at the end of the turn."""

    def has_come(self, connection: Connection) -> None:
        """A request has come. Those of one turn of the loop are answered together behind it, and what is said is
        written together behind that: with a system call between every two of them each costs a third more, for
        the processor has forgotten how they go."""
        if not self.came:
            self._loop.call_soon(self._answer_turn)
        self.came.append(connection)

    def _answer_turn(self) -> None:
        turn, self.came = self.came[:TOGETHER], self.came[TOGETHER:]
        late = self.answer(turn, self._app.deadlines.time() + LONGEST)
        if late or self.came:
            self.came[:0] = late
            self._loop.call_soon(self._answer_turn)

    def answer(self, turn: Sequence[Connection], until: float = inf) -> Sequence[Connection]:
        """Answers what these have asked for, as far as it has not been; gives back those that there was no time
        for, on the deadlines' clock. Running streams do not wait for new ones: what is due leaves between two."""
        late: Sequence[Connection] = ()
        for number, connection in enumerate(turn, 1):
            try:
                connection.answer()
            except Exception:  # of this connection; the others are answered all the same
                connection.log_exception("A request could not be answered")
                connection.force_close()
            if self._app.deadlines.catch_up() > until:
                late = turn[number:]
                break
        said, self.said = self.said, []
        for transport, data in said:
            transport.write(data)
        return late

    def __call__(self) -> Connection:
        limits = self._app.limits
        return Connection(
            self,
            self._app,
            loop=self._loop,
            access_log=None,
            auto_decompress=False,
            keepalive_timeout=limits.keepalive,
            lingering_time=limits.linger,
            max_line_size=limits.target,
            max_field_size=limits.header,
            max_headers=limits.headers,
        )
