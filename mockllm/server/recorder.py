"""Passes requests on to the real provider, streams the answer through, and writes down what passed.

Every chunk leaves in the turn of the loop in which it came, before anything is written down; the file is made when
the answer has ended. Apart from the player, because here the times are somebody else's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias

from msgspec import Struct, field

from mockllm.core.rendering.plan import Framing, Plan, ProxyTarget, RawStep, ResponseHead
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.core.request.request import Request
from mockllm.core.request.request_hash import cached_hash
from mockllm.engine import PlannedResponse
from mockllm.engine.session_id import PREFIX, without
from mockllm.recordings.atomic_files import SHARED, file_name, folder_name, keep
from mockllm.recordings.hosts import OTHER
from mockllm.recordings.interaction import LEFT_OUT, Interaction, RecordedRequest, RecordedResponse
from mockllm.recordings.scenario_writer import RequestParser, scenario
from mockllm.server.http1 import END_OF_CHUNKS, RenderedHead, chunk
from mockllm.server.protocols import ProxyFailed
from mockllm.server.request_target import clean, read_target
from mockllm.server.upstreams import MARK, Upstreams

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from aiohttp.http_parser import RawRequestMessage

ALONE: Final = 30.0
"""Seconds that an answer may go on without its client. Many leave at the last event of a stream, before its end
(OpenAI's SDK at `[DONE]`), or take no more than they need: what they asked for is recorded all the same."""

Left: TypeAlias = Literal["finished", "gone", "close"]
"""How an answer was left."""


class Outlet(Protocol):
    """Where an answer is written. ConnectionError where the client has left."""

    def write(self, data: bytes) -> None: ...

    @property
    def full(self) -> bool: ...

    async def drained(self) -> None: ...


class ProxiedResponse(NamedTuple):
    """What came of it: the answer as it was, what is to be told of it, and how it was left."""

    plan: Plan
    note: str
    keep_alive: bool
    left: Left
    took: float
    """Seconds until it had come, before it was written down."""


class _Client:
    """Who is answered, until it has left."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self.gone = False
        self.heard = False
        """Whether there is nothing more to come."""

    async def say(self, data: bytes) -> None:
        if self.gone:
            return
        try:
            self._outlet.write(data)
            if self._outlet.full:
                await self._outlet.drained()
        except ConnectionError:
            self.gone = True


class Recorder(Struct):
    """Where requests go, and where the files stand, if any are written. `everything`: all provider calls are passed
    on, not only those that no rule answers. `say` tells a person; `failed` counts what was not written."""

    upstreams: Upstreams
    out: Path | None
    reader: RequestParser
    say: Callable[[str], None]
    everything: bool = False
    failed: int = 0
    written: int = 0
    _kept: dict[tuple[str | None, str], list[Interaction]] = field(default_factory=dict)
    _said: set[str] = field(default_factory=set)
    _open: dict[asyncio.Task[ProxiedResponse], _Client] = field(default_factory=dict)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def takes(self, answer: PlannedResponse, request: Request | None) -> bool:
        """Whether this is answered by the provider."""
        if request is None:
            return False
        if self.everything:
            return True
        return answer.missed and self.upstreams.of(request) is not None

    @property
    def busy(self) -> bool:
        """Whether answers are still coming, or being written down."""
        return bool(self._open)

    async def pass_on(
        self,
        request: Request,
        message: RawRequestMessage,
        instead: Plan,
        open: Callable[[Plan], RenderedHead],
        outlet: Outlet,
        clock: Callable[[], float],
        told: Callable[[ProxiedResponse], None],
    ) -> ProxiedResponse:
        """Asks the provider, and hands its answer through. `instead` is the plan in whose place it stands, which may
        say where to ask; `clock` tells the seconds since the request's last byte. What came of it is also `told`, be
        it when the client has left. Raises NotPassed where nothing has left for the client yet."""
        onward = instead.delivery.proxy_target
        if onward is not None and instead.delay > clock():
            await asyncio.sleep(instead.delay - clock())
        client = _Client(outlet)
        work = asyncio.get_running_loop().create_task(
            self._exchange(request, message, onward, open, client, clock, told)
        )
        self._open[work] = client
        work.add_done_callback(self._ended)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            client.gone = True
            late = asyncio.get_running_loop().call_later(ALONE, self._give_up, work, client)
            work.add_done_callback(lambda _: late.cancel())
            raise

    async def close(self) -> None:
        """Gives up what has not ended, writes the rest down, and ends the connections to providers."""
        for work, client in list(self._open.items()):
            self._give_up(work, client)
        await asyncio.gather(*self._open, return_exceptions=True)
        await self.upstreams.close()

    def _give_up(self, work: asyncio.Task[ProxiedResponse], client: _Client) -> None:
        if not client.heard:
            work.cancel()

    def _ended(self, work: asyncio.Task[ProxiedResponse]) -> None:
        del self._open[work]
        if not work.cancelled():
            work.exception()  # nobody may be left to ask for it

    async def _exchange(
        self,
        request: Request,
        message: RawRequestMessage,
        onward: ProxyTarget | None,
        open: Callable[[Plan], RenderedHead],
        client: _Client,
        clock: Callable[[], float],
        told: Callable[[ProxiedResponse], None],
    ) -> ProxiedResponse:
        to, headers = None if onward is None else onward.to, clean(message.headers)
        passing = f"passed on to {to or request.provider or OTHER}"
        try:
            response = await self.upstreams.ask(request, headers, to)
        except (ProxyFailed, asyncio.CancelledError):
            if client.gone:
                told(_unheard(f"{passing}: the client left before it answered", clock()))
            raise
        frames: list[RecordedFrame] = []
        async with response:
            plan = Plan(_head(response), (), Framing.SSE)
            opening = open(plan)
            whole = await _through(response, opening, client, clock, frames)
        client.heard, took = True, clock()
        answered = RecordedResponse(response.status, _pairs(response), tuple(frames))
        if MARK in response.headers:
            note = ": it leads back to a recorder that it came from, and is not recorded"
        elif onward is not None and (not onward.record or self.out is None):
            note = "; not recorded: serve it with --record-misses DIR" * onward.record
        else:
            path = _path(message)
            asked = RecordedRequest(
                request.method, path, request.query_string, tuple(headers.items()), request.raw
            )
            made = Interaction(asked, answered, path, request.session)
            note = await self._recorded(request, made, to, whole=whole)
        shown = Plan(plan.head, (RawStep(answered.body, 0),), plan.framing)
        left: Left = "gone" if client.gone else "finished" if whole else "close"
        passed = ProxiedResponse(shown, passing + note, opening.keep_alive, left, took)
        told(passed)
        return passed

    async def _recorded(self, request: Request, made: Interaction, to: str | None, *, whole: bool) -> str:
        """Writes down what can be; what is said of it."""
        if whole and made.response.told:
            return await self._keep(request, made, to)
        self.failed += 1
        if whole:
            return f": {made.response.status} is no status that can be recorded"
        return ": its answer was cut off, and is not recorded"

    async def _keep(self, request: Request, made: Interaction, to: str | None) -> str:
        """Writes the file; what is said of it."""
        assert self.out is not None
        hash = cached_hash(request)
        kept = self._kept.setdefault((made.session, hash), [])
        kept.append(made)
        folder = self.out / (SHARED if made.session is None else folder_name(made.session))
        path = folder / f"{file_name(request.api or 'call')}-{hash[:16]}.yaml"
        title = f"Recorded from {to or request.provider or self.upstreams.of(request)} by mockllm"
        try:
            async with self._writing:  # one at a time: of two that write one file the later has to win
                notes = await asyncio.to_thread(self._write, path, tuple(kept), title)
        except OSError as error:
            self.failed += 1
            self.say(f"error: not recorded: {path}: {error.strerror}")
            return f"; not recorded: {error.strerror}"
        for note in notes:
            if note not in self._said:  # of the request's earlier answers, which the file holds too
                self._said.add(note)
                self.say(f"note: {note}")
        self.written += 1
        return f", recorded in {path}"

    def _write(self, path: Path, made: Sequence[Interaction], title: str) -> list[str]:
        """What the file does not hold of them. In a thread: a long answer takes longer than a stream may wait."""
        text, notes = scenario(made, title, self.reader)
        keep(path, text)
        return notes


async def _through(
    response: ClientResponse,
    opening: RenderedHead,
    client: _Client,
    clock: Callable[[], float],
    frames: list[RecordedFrame],
) -> bool:
    """Collects the frames as they come, each written on before the next is waited for; whether it was all."""
    from aiohttp import ClientError

    await client.say(opening.head)
    try:
        async for data in response.content.iter_any():
            frames.append(RecordedFrame(clock(), data))
            if not opening.bodiless:
                await client.say(chunk(data) if opening.chunked else data)
    except (TimeoutError, ClientError, asyncio.CancelledError):
        return False
    if opening.chunked and not opening.bodiless:
        await client.say(END_OF_CHUNKS)
    return True


def _path(message: RawRequestMessage) -> str:
    """The client's own, without a session."""
    target = read_target(message)
    assert target is not None  # it was read as a request
    return without(target[0])[1] if target[0].startswith(PREFIX) else target[0]


def _unheard(note: str, took: float) -> ProxiedResponse:
    """Of a client that left before there was an answer."""
    return ProxiedResponse(Plan(ResponseHead(499, ()), (), Framing.PLAIN), note, False, "gone", took)


def _head(response: ClientResponse) -> ResponseHead:
    """The provider's head as the client is given it: a length that it told stays."""
    drop = LEFT_OUT - {"content-length"}
    return ResponseHead(
        response.status,
        tuple((name, value) for name, value in response.headers.items() if name.lower() not in drop),
    )


def _pairs(response: ClientResponse) -> tuple[tuple[str, str], ...]:
    return tuple(response.headers.items())


def passer() -> Recorder:
    """What passes on where a rule says so, and writes nothing down."""
    return Recorder(Upstreams({}), None, RequestParser(), lambda _: None)
