"""The way of one request through the server: read it, have it answered, play the answer, write it down.

One handler on aiohttp's low-level server. The engine is read from an attribute at each request, so that a
reload swaps it in one assignment and requests in flight finish on the old one.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import Mapping
from typing import Final, NamedTuple

from aiohttp import HttpVersion10

from mockllm.core.request import Request
from mockllm.engine import Answer
from mockllm.server import cors, pages
from mockllm.server.answering import Engine
from mockllm.server.body import Unacceptable, read_body
from mockllm.server.connection import Incoming, Listener, SocketSink
from mockllm.server.deadlines import Deadlines, LoopClock
from mockllm.server.journal import Journal, Left, Record, short
from mockllm.server.limits import Limits
from mockllm.server.lines import Lines
from mockllm.server.player import Play, perform
from mockllm.server.wire import CLOSE, KEEP, ORDINARY, Asked, DateLine, Written, opening

RESERVED: Final = frozenset({"health", "api", "metrics", "dashboard", "ws"})
"""The first parts of paths that are the server's own: no rule and no modifier sees them."""


class Target(NamedTuple):
    """A request's target as on the wire: percent-encoded."""

    path: str
    query_string: str


class Given(NamedTuple):
    """An answer and how it is sent: with cross-origin headers or not, and whether the connection ends."""

    answer: Answer
    request: Request | None = None
    open_to_pages: bool = False
    close: bool = False
    unheard: bool = False
    """No live line: probes ask for `/health` every few seconds."""


class App:
    """The server's one handler and what it keeps.

    `engine` may be replaced at any time. Journal and lines are optional: without lines nothing is formatted.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        limits: Limits | None = None,
        open_to_pages: bool = True,
        lines: Lines | None = None,
    ) -> None:
        self.engine = engine
        self.limits = limits or Limits()
        self.journal = Journal(self.limits.journal)
        self.running = 0
        self.draining = False
        self._open_to_pages = open_to_pages
        self._lines = lines
        self._dates = DateLine()
        self._started = time.monotonic()

    def listener(self) -> Listener:
        """The protocol factory for server sockets. Call it on the loop that will run it."""
        self._loop = asyncio.get_running_loop()
        self._deadlines = Deadlines(LoopClock(self._loop))
        return Listener(self.handle, self.limits, self._deadlines, self._unparsed)

    async def handle(self, incoming: Incoming) -> Written:
        """Answers one request; the only place where an error of ours is caught."""
        self.running += 1
        sink = SocketSink(incoming, self.limits)
        try:
            return await self._serve(incoming, sink)
        except ConnectionError:
            return CLOSE
        except Exception:
            traceback.print_exc(file=sys.stderr)
            if sink.written:
                incoming.connection.force_close()
                return CLOSE
            return await self._play(incoming, sink, Given(_failed(), close=True))
        finally:
            self.running -= 1

    async def _serve(self, incoming: Incoming, sink: SocketSink) -> Written:
        target = read_target(incoming)
        engine = self.engine
        if target is None:
            return await self._play(incoming, sink, _plain(400, "The request's target is no path.\n"))
        try:
            raw = await read_body(incoming, sink, self.limits, self._deadlines)
            since = self._deadlines.time()
        except Unacceptable as exc:
            since = self._deadlines.time()
            request = self._read(engine, incoming, target, b"")
            given = Given(engine.refuse(exc.failure, request), request, self._open_to_pages, close=True)
            return await self._play(incoming, sink, given, since)
        method = incoming.message.method
        own = self._own(method, target.path, incoming.message.headers)
        if own is None:
            request = self._read(engine, incoming, target, raw)
            own = Given(engine.answer(request), request, self._open_to_pages)
        return await self._play(incoming, sink, own, since)

    def _read(self, engine: Engine, incoming: Incoming, target: Target, raw: bytes) -> Request:
        message = incoming.message
        peer = incoming.connection.peername
        return engine.read(
            message.method,
            target.path,
            target.query_string,
            clean(message.headers),
            raw,
            peer[0] if type(peer) is tuple else str(peer or ""),
            time.time(),
        )

    def _own(self, method: str, path: str, headers: Mapping[str, str]) -> Given | None:
        """What is answered without the engine; None where it is the engine's."""
        if path == "/" and method in ("GET", "HEAD"):
            base = f"http://{short(headers.get('host', 'localhost'))}"
            return Given(Answer(pages.home(self.engine.about(), base), None))
        first = path.split("/", 2)[1] if path.startswith("/") else ""
        if first in RESERVED:
            if path != "/health":
                return _plain(404, f"Nothing is served at {short(path)}.\n")
            if method not in ("GET", "HEAD"):
                return _plain(405, "Only GET.\n")
            uptime = time.monotonic() - self._started
            return Given(Answer(pages.health(self.engine.about(), uptime), None), unheard=True)
        if self._open_to_pages and method == "OPTIONS" and cors.is_preflight(method, headers):
            return Given(Answer(cors.preflight(headers), None), open_to_pages=True)
        return None

    async def _play(
        self, incoming: Incoming, sink: SocketSink, given: Given, since: float | None = None
    ) -> Written:
        """Send the answer at its times, counted from `since` (now), then write down what came of it."""
        plan = given.answer.plan
        if since is None:
            since = self._deadlines.time()
        extra = cors.ALLOW if given.open_to_pages and not cors.allows_itself(plan) else ""
        asked = self._asked(incoming, given)
        head = opening(plan, asked, self._dates.at(time.time()), extra)
        play = Play(plan, head, sink, self._deadlines, since)
        left: Left = "gone"
        try:
            await perform(play, sink, self._loop)
            left = play.ended or "gone"
        finally:
            self._write_down(incoming, given, since, left)
        return KEEP if head.keep_alive and left == "finished" else CLOSE

    def _asked(self, incoming: Incoming, given: Given) -> Asked:
        message = incoming.message
        http10 = message.version == HttpVersion10
        close = message.should_close or given.close or self.draining
        if message.method == "HEAD" or http10 or close:
            return Asked(message.method == "HEAD", http10, close)
        return ORDINARY

    def _write_down(self, incoming: Incoming, given: Given, since: float, left: Left) -> None:
        answer, request = given.answer, given.request
        model: str | None = None
        if request is not None:
            # A quiet server does not read a body only for its journal: what nobody has looked at is left out.
            model = request.model if self._lines is not None else request.__dict__.get("model")
        record = Record(
            time.time(),
            incoming.message.method,
            short(incoming.message.path),
            short(model) if type(model) is str else None,
            answer.rule,
            answer.modifiers,
            answer.plan.head.status,
            self._deadlines.time() - since,
            answer.notes,
            left,
            answer.missed,
        )
        self.journal.add(record)
        if self._lines is not None and not given.unheard:
            self._lines.show(record)

    def _unparsed(self, status: int, reason: str) -> None:
        """What came was no request: aiohttp's parser or the watch over heads has answered it."""
        record = Record(time.time(), "-", "-", None, None, (), status, 0.0, (short(reason),))
        self.journal.add(record)
        if self._lines is not None:
            self._lines.show(record)


def read_target(incoming: Incoming) -> Target | None:
    """Path and query of the request's target, in origin form or absolute form; None for any other."""
    text = incoming.message.path
    if not text.startswith("/"):
        url = incoming.message.url
        if not url.absolute or incoming.message.method == "CONNECT":
            return None
        text = url.raw_path_qs or "/"
    path, _, query = text.partition("#")[0].partition("?")
    if not (text.isascii()):
        path, query = _printable(path), _printable(query)
    return Target(path, query)


def clean(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers, without bytes that are no UTF-8 (aiohttp hands them on as lone surrogates, which no JSON
    can hold)."""
    for value in headers.values():
        if not value.isascii():
            first: dict[str, str] = {}
            for name, text in headers.items():
                first.setdefault(name.lower(), _printable(text))
            return first
    return headers


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _plain(status: int, text: str) -> Given:
    return Given(Answer(pages.plain(status, text), None), close=status == 400)


def _failed() -> Answer:
    return Answer(pages.plain(500, "mockllm itself has failed; its log says where.\n"), None)
