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
from aiohttp.http_parser import RawRequestMessage

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
from mockllm.server.player import Play, at_once, perform
from mockllm.server.wire import CLOSE, KEEP, ORDINARY, Asked, DateLine, Written, opening

RESERVED: Final = frozenset({"health", "api", "metrics", "dashboard", "ws"})
"""The first parts of paths that are the server's own: no rule and no modifier sees them."""


_OWN: Final = tuple(f"/{first}" for first in sorted(RESERVED))


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
        engine = self.engine
        target = read_target(incoming)
        if target is None:
            return await self._play(incoming, sink, _plain(400, "The request's target is no path.\n"))
        path, query_string = target
        try:
            raw = await read_body(incoming, sink, self.limits, self._deadlines)
        except Unacceptable as exc:
            request = self._read(engine, incoming, path, query_string, b"")
            given = Given(engine.refuse(exc.failure, request), request, self._open_to_pages, close=True)
            return await self._play(incoming, sink, given)
        since = self._deadlines.time()
        given_here = self._own(incoming.message.method, path, incoming.message.headers)
        if given_here is not None:
            return await self._play(incoming, sink, given_here)
        request = self._read(engine, incoming, path, query_string, raw)
        given = Given(engine.answer(request), request, self._open_to_pages)
        return await self._play(incoming, sink, given, since)

    def _read(self, engine: Engine, incoming: Incoming, path: str, query: str, raw: bytes) -> Request:
        message = incoming.message
        peer = incoming.connection.peername
        client = peer[0] if type(peer) is tuple else str(peer or "")
        return engine.read(message.method, path, query, clean(message.headers), raw, client, time.time())

    def _own(self, method: str, path: str, headers: Mapping[str, str]) -> Given | None:
        """What is answered without the engine; None where it is the engine's."""
        if path.startswith(_OWN) and path.split("/", 2)[1] in RESERVED:
            if path != "/health":
                return _plain(404, f"Nothing is served at {short(path)}.\n")
            if method not in ("GET", "HEAD"):
                return _plain(405, "Only GET.\n")
            uptime = time.monotonic() - self._started
            return Given(Answer(pages.health(self.engine.about(), uptime), None), unheard=True)
        if path == "/" and method in ("GET", "HEAD"):
            base = f"http://{short(headers.get('host', 'localhost'))}"
            return Given(Answer(pages.home(self.engine.about(), base), None))
        if self._open_to_pages and method == "OPTIONS" and cors.is_preflight(headers):
            return Given(Answer(cors.preflight(headers), None), open_to_pages=True)
        return None

    async def _play(
        self, incoming: Incoming, sink: SocketSink, given: Given, since: float | None = None
    ) -> Written:
        """Send the answer at its times, counted from `since` (now), then write down what came of it."""
        if since is None:
            since = self._deadlines.time()
        plan = given.answer.plan
        now = time.time()
        extra = cors.ALLOW if given.open_to_pages else ""
        head = opening(plan, self._asked(incoming.message, given.close), self._dates.at(now), extra)
        left: Left = "gone"
        try:
            data = at_once(plan, head)
            if data is not None:
                sink.write(data)
                if sink.full:
                    await sink.drained()
                left = "finished"
            else:
                play = Play(plan, head, sink, self._deadlines, since)
                await perform(play, sink, self._loop)
                left = play.ended or "gone"
        finally:
            self._write_down(incoming.message, given, now, since, left)
        return KEEP if head.keep_alive and left == "finished" else CLOSE

    def _asked(self, message: RawRequestMessage, close: bool) -> Asked:
        head_only, http10 = message.method == "HEAD", message.version == HttpVersion10
        if head_only or http10 or close or message.should_close or self.draining:
            return Asked(head_only, http10, close or message.should_close or self.draining)
        return ORDINARY

    def _write_down(
        self, message: RawRequestMessage, given: Given, at: float, since: float, left: Left
    ) -> None:
        answer, request, lines = given.answer, given.request, self._lines
        model: str | None = None
        if request is not None:
            # A quiet server does not read a body only for its journal: what nobody has looked at is left out.
            model = request.model if lines is not None else request.__dict__.get("model")
        record = Record(
            at,
            message.method,
            short(message.path),
            model if model is None else short(model),
            answer.rule,
            answer.modifiers,
            answer.plan.head.status,
            self._deadlines.time() - since,
            answer.notes,
            left,
            answer.missed,
        )
        self.journal.add(record)
        if lines is not None and not given.unheard:
            lines.show(record)

    def _unparsed(self, status: int, reason: str) -> None:
        """What came was no request: aiohttp's parser or the watch over heads has answered it."""
        record = Record(time.time(), "-", "-", None, None, (), status, 0.0, (short(reason),))
        self.journal.add(record)
        if self._lines is not None:
            self._lines.show(record)


def read_target(incoming: Incoming) -> tuple[str, str] | None:
    """Path and query of the request's target, percent-encoded as they came, in origin form or absolute form;
    None for any other."""
    text = incoming.message.path
    if not text.startswith("/"):
        url = incoming.message.url
        if not url.absolute or incoming.message.method == "CONNECT":
            return None
        text = url.raw_path_qs or "/"
    if not text.isascii():
        text = _printable(text)
    path, _, query_string = text.partition("#")[0].partition("?")
    return path, query_string


def clean(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers, without bytes that are no UTF-8 (aiohttp hands them on as lone surrogates, which no JSON
    can hold)."""
    if "".join(headers.values()).isascii():
        return headers
    first: dict[str, str] = {}
    for name, text in headers.items():
        first.setdefault(name.lower(), _printable(text))
    return first


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _plain(status: int, text: str) -> Given:
    return Given(Answer(pages.plain(status, text), None), close=status == 400)


def _failed() -> Answer:
    return Answer(pages.plain(500, "mockllm itself has failed; its log says where.\n"), None)
