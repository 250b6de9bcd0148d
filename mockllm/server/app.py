"""The way of one request through the server: read it, have it answered, play the answer, write it down.

One handler on aiohttp's low-level server. The engine is read from an attribute at each request, so that a
reload swaps it in one assignment and requests in flight finish on the old one.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from array import array
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from aiohttp.http_parser import RawRequestMessage

from mockllm.core.failure import Failure
from mockllm.core.rendering.gzip import packed, wants
from mockllm.core.rendering.plan import Plan
from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.core.request.request import Request
from mockllm.engine import PlannedResponse
from mockllm.server import builtin_pages, cors, http1
from mockllm.server.access_log import AccessLog
from mockllm.server.connection import Connection, IncomingRequest, Listener
from mockllm.server.deadlines import Deadlines, LoopClock
from mockllm.server.http1 import (
    CLOSE,
    KEEP,
    ORDINARY,
    AlreadyWritten,
    DateLine,
    ResponseFraming,
    prerendered_bytes,
    render_head,
)
from mockllm.server.journal.draft import NO_HEADERS, EndReason, JournalDraft, short
from mockllm.server.journal.journal import Journal
from mockllm.server.metrics import Metrics
from mockllm.server.player import Player, at_once, play_plan, takes_time
from mockllm.server.protocols import EngineProtocol, ProxyFailed
from mockllm.server.request_body import BodyRejected, read_body, ready_body, shallow
from mockllm.server.request_heads import FEED, RequestHead, RequestHeadCache, is_control_path, request_head_of
from mockllm.server.request_target import clean
from mockllm.server.server_limits import ServerLimits
from mockllm.server.server_response import (
    ActiveResponse,
    DeferredResponse,
    Prepared,
    ServerResponse,
    failed,
    own_answer,
    plain,
)
from mockllm.server.socket_sink import SocketSink
from mockllm.server.steering import ControlProtocol

if TYPE_CHECKING:
    from ssl import SSLContext

    from mockllm.server.recorder import ProxiedResponse, Recorder


class App:
    """The server's one handler and what it keeps.

    `engine` may be replaced at any time. Journal and lines are optional: without lines nothing is formatted.
    """

    def __init__(
        self,
        engine: EngineProtocol,
        *,
        limits: ServerLimits | None = None,
        open_to_pages: bool = True,
        lines: AccessLog | None = None,
    ) -> None:
        self.engine = engine
        self.control: ControlProtocol | None = None
        self.recorder: Recorder | None = None
        self.tls: SSLContext | None = None
        """What addresses with TLS are served with."""
        self.gzip = False
        """Whether answers are packed for clients that ask for it; nearly all clients do."""
        self.limits = limits or ServerLimits()
        self.metrics = Metrics()
        self.journal = Journal(self.limits.journal, self.limits.journal_bytes, self.metrics)
        self.running = 0
        self.playing: dict[type[Request], int] = {}
        """How many answers that take their time are being given, by the kind of their requests."""
        self.draining = False
        self.stopped = False
        """Answers that are still being given are cut, by the server itself."""
        self.heads = RequestHeadCache()
        self._open_to_pages = open_to_pages
        self._lines = lines
        self._dates = DateLine()
        self._started = time.monotonic()

    def listener(self) -> Listener:
        """The protocol factory for server sockets. Call it on the loop that will run it."""
        self._loop = asyncio.get_running_loop()
        self.deadlines = Deadlines(LoopClock(self._loop))
        self.journal.tend(self._loop)
        return Listener(self)

    def try_respond_now(self, incoming: IncomingRequest) -> bool:
        """Answers a request that has come as a whole, where its answer waits for nothing: at once, in the turn
        of the loop in which it came. Where that cannot be, what was found out stays with the connection, and
        `handle` goes on from there."""
        connection = incoming.connection
        head = request_head_of(incoming.message, connection.ascii)
        raw = None if head is None else ready_body(incoming, self.limits)
        if head is None or raw is None:
            return False
        if connection.whole is not None:
            self.heads.see(head, connection.whole, raw)
        return self._answered(connection, head, raw, connection.whole)

    def respond_to_known_head(self, connection: Connection, head: RequestHead, data: bytes) -> bool:
        """The same for a request that is all that came, and whose head came before."""
        return self._answered(connection, head, data[len(data) - head.length :], data)

    def _answered(self, connection: Connection, head: RequestHead, raw: bytes, whole: bytes | None) -> bool:
        since, now = self.deadlines.time(), time.time()
        try:
            given = self._given(connection, head, shallow(raw, self.limits), now)
        except BodyRejected as exc:
            given = self._refused(connection, head, exc.failure)
        except DeferredResponse as later:
            connection.prepared = later, since
            return False
        except Exception:
            traceback.print_exc(file=sys.stderr)
            given = ServerResponse(failed(), close=True)
        if self._passing(given) is not None:
            connection.prepared = given, since
            return False
        answer, asked = given.answer, self._asked(head.asked, given.close)
        extra = cors.ALLOW if given.allow_cors else ""
        data = None
        if isinstance(answer.made, PrerenderedResponse) and asked is ORDINARY:
            data = prerendered_bytes(answer.made, answer.reply_error, self._dates.bytes_at(now), extra)
        if data is None and not takes_time(answer.made):
            plan = answer.plan
            start = render_head(plan, asked, self._dates.at(now), extra)
            data = at_once(plan, start) if start.keep_alive else None
        if data is None or not connection.write(data):
            sink = SocketSink(connection, self.limits)
            connection.prepared = self._begin(sink, head.message, given, asked, since)
            return False
        self._write_down(head.message, given, now, since, "finished", asked, None, whole)
        return True

    async def handle(self, incoming: IncomingRequest) -> AlreadyWritten:
        """Answers one request in its own time, or sees out what was begun in its turn; an error of ours is a 500."""
        connection = incoming.connection
        self.deadlines.catch_up()  # many begin in one turn of the loop, and running streams do not wait for that
        self.running += 1
        prepared, connection.prepared = connection.prepared, None
        sink = prepared.sink if isinstance(prepared, ActiveResponse) else SocketSink(connection, self.limits)
        try:
            written = await self._serve(incoming, sink, prepared)
            connection.idle = written is KEEP
            return CLOSE if connection.over else written
        except ConnectionError:
            return CLOSE
        except Exception:
            traceback.print_exc(file=sys.stderr)
            if sink.written:
                connection.force_close()
                return CLOSE
            return await self._play(
                incoming, sink, ServerResponse(failed(), close=True), self.deadlines.time()
            )
        finally:
            self.running -= 1

    async def _serve(
        self, incoming: IncomingRequest, sink: SocketSink, prepared: Prepared | None
    ) -> AlreadyWritten:
        if isinstance(prepared, ActiveResponse):
            return await self._see_out(prepared)
        if prepared is not None:
            given, since = prepared
            given = await given.given() if isinstance(given, DeferredResponse) else given
            return await self._play(incoming, sink, given, since)
        head = request_head_of(incoming.message, incoming.connection.ascii)
        if head is None:
            given = plain(400, "The request's target is no path.\n")
            return await self._play(incoming, sink, given, self.deadlines.time())
        try:
            raw = await read_body(incoming, sink, self.limits, self.deadlines)
        except BodyRejected as exc:
            given = self._refused(incoming.connection, head, exc.failure)
            return await self._play(incoming, sink, given, self.deadlines.time())
        since = self.deadlines.time()
        if incoming.message.upgrade and head.path == FEED and self.control is not None:
            return await self._follow(self.control, incoming, sink, since)
        try:
            given = self._given(incoming.connection, head, raw, time.time())
        except DeferredResponse as later:
            given = await later.given()
        return await self._play(incoming, sink, given, since)

    async def _follow(
        self, control: ControlProtocol, incoming: IncomingRequest, sink: SocketSink, since: float
    ) -> AlreadyWritten:
        """Who follows what happens is not waited for when the server stops."""
        self.running -= 1
        try:
            plan = await control.follow(incoming, clean(incoming.message.headers))
        finally:
            self.running += 1
        if plan is None:
            return CLOSE
        return await self._play(
            incoming, sink, ServerResponse(PlannedResponse(plan, None), unlogged=True), since
        )

    def _given(self, connection: Connection, head: RequestHead, raw: bytes, now: float) -> ServerResponse:
        """The answer to a request that has come as a whole."""
        if head.own:
            if self.control is not None and is_control_path(head.path):
                self._steer(self.control, connection, head, raw)
            uptime = time.monotonic() - self._started
            own = own_answer(head, self.engine, uptime, self._open_to_pages)
            if own is not None:
                return own
        engine = self.engine
        request = head.reader(engine).read(raw, connection.client, now)
        answer = engine.respond(request)
        if self.gzip and wants(request.headers):
            calls = tuple(answer.issued.items())
            answer = answer._replace(made=packed(answer.plan), calls=calls, cached_from=None)
        facts = (answer, request, self._open_to_pages, False, False)
        return tuple.__new__(ServerResponse, facts)  # as the class would, without its call

    def _steer(
        self, control: ControlProtocol, connection: Connection, head: RequestHead, raw: bytes
    ) -> NoReturn:
        """Raises Later."""
        asked = (head.message.method, head.path, head.query_string, clean(head.headers), raw)
        raise DeferredResponse(partial(control.answer, *asked, connection.client))

    def _refused(self, connection: Connection, head: RequestHead, failure: Failure) -> ServerResponse:
        """The answer to a request whose body is not taken; nothing more is read from its connection."""
        if head.own and self.control is not None and is_control_path(head.path):
            return ServerResponse(
                PlannedResponse(self.control.refuse(failure), None), close=True, unlogged=True
            )
        engine = self.engine
        request = head.reader(engine).read(b"", connection.client, time.time())
        return ServerResponse(engine.refuse(failure, request), request, self._open_to_pages, close=True)

    async def _play(
        self, incoming: IncomingRequest, sink: SocketSink, given: ServerResponse, since: float
    ) -> AlreadyWritten:
        """Send the answer at its times, counted from `since`, then write down what came of it."""
        request, recorder = given.request, self._passing(given)
        if request is not None and recorder is not None:
            self.playing[type(request)] = self.playing.get(type(request), 0) + 1
            try:
                return await self._pass_on(recorder, incoming, sink, given, request, since)
            except ProxyFailed as error:
                refused = self.engine.refuse(error.failure, request)
                given = given._replace(answer=refused._replace(lease=given.answer.lease))
            finally:
                self.playing[type(request)] -= 1
        message = incoming.message
        asked = self._asked(http1.response_framing(message), given.close)
        return await self._see_out(self._begin(sink, message, given, asked, since))

    def _begin(
        self,
        sink: SocketSink,
        message: RawRequestMessage,
        given: ServerResponse,
        asked: ResponseFraming,
        since: float,
    ) -> ActiveResponse:
        """Has leave what is due of an answer by now; `_see_out` does the rest."""
        plan, now = given.answer.plan, time.time()
        head = render_head(plan, asked, self._dates.at(now), cors.ALLOW if given.allow_cors else "")
        play = Player(plan, head, sink, self.deadlines, since)
        at = now - (self.deadlines.time() - since)  # when it came: to make the answer may have taken a while
        playing = ActiveResponse(play, sink, message, given, asked, at, since, head.keep_alive)
        self.playing[playing.kind] = self.playing.get(playing.kind, 0) + 1
        play.start()
        return playing

    async def _see_out(self, playing: ActiveResponse) -> AlreadyWritten:
        left: EndReason = "gone"
        try:
            await play_plan(playing.play, playing.sink, self._loop)
            left = playing.play.ended or "gone"
        finally:
            self._ended(playing, left)
        return KEEP if playing.keep_alive and left == "finished" else CLOSE

    def _ended(self, playing: ActiveResponse, left: EndReason) -> None:
        self.playing[playing.kind] -= 1
        given, asked, since, play = playing.response, playing.framing, playing.since, playing.play
        took = play.over - since if play.over is not None and left == "finished" else None
        self._write_down(
            playing.message, given, playing.at, since, self._really(left), asked, play.times, took=took
        )

    def _really(self, left: EndReason) -> EndReason:
        return "stopped" if left == "gone" and self.stopped else left

    def _passing(self, given: ServerResponse) -> Recorder | None:
        """Who passes this on, where somebody does. One that is turned away is not: its body was not read."""
        if given.close or given.request is None:
            return None
        made = given.answer.made  # a stencil is never another server's
        if isinstance(made, Plan) and made.delivery.proxy_target is not None:
            if self.recorder is None:
                from mockllm.server.recorder import passer

                self.recorder = passer()
            return self.recorder
        taken = self.recorder is not None and self.recorder.takes(given.answer, given.request)
        return self.recorder if taken else None

    async def _pass_on(
        self,
        recorder: Recorder,
        incoming: IncomingRequest,
        sink: SocketSink,
        given: ServerResponse,
        request: Request,
        since: float,
    ) -> AlreadyWritten:
        """Another server's own answer, as it comes. Raises NotPassed before anything has left."""
        message, now, answer = incoming.message, time.time(), given.answer
        at = now - (self.deadlines.time() - since)
        asked = self._asked(http1.response_framing(message), given.close)
        extra = cors.ALLOW if given.allow_cors else ""

        def written_down(passed: ProxiedResponse) -> None:
            left = self._really(passed.left)
            notes, rule = (
                (*answer.notes, passed.note),
                answer.rule if answer.plan.delivery.proxy_target else None,
            )
            said = PlannedResponse(passed.plan, rule, answer.modifiers, notes, lease=answer.lease)
            self._write_down(message, given._replace(answer=said), at, since, left, asked, took=passed.took)

        passed = await recorder.pass_on(
            request, message, answer.plan,
            lambda plan: render_head(plan, asked, self._dates.at(now), extra),
            sink, lambda: self.deadlines.time() - since, written_down,
        )  # fmt: skip
        return KEEP if passed.keep_alive and passed.left == "finished" else CLOSE

    def _asked(self, asked: ResponseFraming, close: bool) -> ResponseFraming:
        return asked._replace(close=True) if close or self.draining else asked

    def _write_down(
        self,
        message: RawRequestMessage,
        given: ServerResponse,
        at: float,
        since: float,
        left: EndReason,
        asked: ResponseFraming,
        times: array[float] | None = None,
        whole: bytes | None = None,
        took: float | None = None,
    ) -> None:
        answer = given.answer
        if answer.lease is not None:
            answer.lease.end()
        if given.unlogged:
            return
        request = given.request
        took = self.deadlines.time() - since if took is None else took
        if request is None:
            facts = (at, message.method, message.path, message.headers, b"", "", None, None, None, None)
            seen = JournalDraft(*facts, answer, since, took, left, asked, given.allow_cors, times)
        else:
            # A quiet server does not read a body only for its journal: what nobody has looked at is left out.
            model = request.model if self._lines is not None else request.__dict__.get("model")
            headers: Mapping[str, str] = message.headers
            raw, body, root, tokens = request.raw, None, None, 0
            if whole is not None:  # few things to keep: what is let go a thousand requests later costs again
                if whole.endswith(raw):
                    headers, raw, body = NO_HEADERS, whole, len(raw)
                if answer.cached_from is not None:
                    root, tokens = answer.drawn, request.__dict__.get("input_tokens", 0)
                    answer = answer.cached_from
            seen = tuple.__new__(  # as the class would, for half of what that costs
                JournalDraft,
                (at, message.method, message.path, headers, raw, request.client,
                 request.session, type(request), request.provider, model, answer, since, took, left, asked,
                 given.allow_cors, times, body, root, tokens),
            )  # fmt: skip
        self.journal.add(seen)
        if self._lines is not None:
            self._lines.show(seen.record(), request)

    def unparsed(self, status: int, reason: str) -> None:
        """What came was no request: aiohttp's parser or the watch over heads has answered it."""
        answer = PlannedResponse(builtin_pages.plain(status, f"{reason}\n"), None, notes=(short(reason),))
        now, since, asked = time.time(), self.deadlines.time(), ResponseFraming(close=True)
        seen = JournalDraft(
            now, "-", "-", {}, b"", "", None, None, None, None, answer, since, 0.0, framing=asked
        )  # fmt: skip
        self.journal.add(seen)
        if self._lines is not None:
            self._lines.show(seen.record())

    def abandoned(self, prepared: Prepared) -> None:
        """An answer will not be played on; should it be tried all the same, nothing is handed back twice."""
        if isinstance(prepared, ActiveResponse):
            prepared.play.stop()
            self._ended(prepared, "gone")
            return
        answer = prepared[0].answer
        if answer is not None and answer.lease is not None:
            answer.lease.end()
