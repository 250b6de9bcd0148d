"""Forwards requests to the real provider, streams the response to the client, and stores the exchange.

Every chunk is sent in the same turn of the event loop in which it arrived; the file is written after the response.
Separate from the player, because the provider determines the times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Protocol, TypeAlias

from msgspec import Struct, field

from mockllm.core.redaction import without_credentials
from mockllm.core.rendering.plan import Framing, Plan, ProxyTarget, RawStep, ResponseHead
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.core.request.request import Request
from mockllm.core.request.request_hash import cached_hash
from mockllm.engine import PlannedResponse
from mockllm.engine.session_id import PREFIX, without
from mockllm.recordings.atomic_files import SHARED, file_name, folder_name, write_file
from mockllm.recordings.interaction import (
    DROPPED_HEADERS,
    OTHER,
    Interaction,
    RecordedRequest,
    RecordedResponse,
)
from mockllm.recordings.redaction import redactor_of
from mockllm.recordings.scenario_writer import RequestParser, scenario
from mockllm.server.http1 import END_OF_CHUNKS, RenderedHead, chunk
from mockllm.server.protocols import ProxyFailed
from mockllm.server.request_target import clean, read_target
from mockllm.server.upstreams import MARK, Upstreams

if TYPE_CHECKING:
    from aiohttp import ClientResponse
    from aiohttp.http_parser import RawRequestMessage

    from mockllm.server.exchange import Exchange

ALONE: Final = 30.0
"""Seconds for which a response continues without its client. Many clients disconnect at the last event of a stream,
before its end (OpenAI's SDK at `[DONE]`), or read only what they need; the response is recorded anyway."""

SESSION_IS_KEY: Final = "the session id looks like a key, so the recording is for requests without a session"

Left: TypeAlias = Literal["finished", "gone", "close"]
"""How a response ended."""


class Outlet(Protocol):
    """The client's connection. Raises ConnectionError if the client has disconnected."""

    def write(self, data: bytes) -> None: ...

    @property
    def full(self) -> bool: ...

    async def drained(self) -> None: ...


class ProxiedResponse(NamedTuple):
    """The result of forwarding: the response as a plan, a note for the access log, and how the response ended."""

    plan: Plan
    note: str
    keep_alive: bool
    left: Left
    took: float
    """Seconds until the response was complete, without the time to store it."""


class _Client:
    """A client, until it disconnects."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self.gone = False
        self.complete = False
        """Whether the response is complete."""

    async def send(self, data: bytes) -> None:
        if self.gone:
            return
        try:
            self._outlet.write(data)
            if self._outlet.full:
                await self._outlet.drained()
        except ConnectionError:
            self.gone = True


class Recorder(Struct):
    """Forwards requests, and stores exchanges in the folder `out`, if any. With `everything`, all provider calls are
    forwarded, not only unmatched ones. `say` prints a line; `failed` counts the exchanges that were not stored."""

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
        """Return whether a request is forwarded to the provider."""
        if request is None:
            return False
        if self.everything:
            return True
        return answer.missed and self.upstreams.of(request) is not None

    @property
    def busy(self) -> bool:
        """Whether responses are still running, or being stored."""
        return bool(self._open)

    async def pass_on(
        self,
        exchange: Exchange,
        open: Callable[[Plan], RenderedHead],
        clock: Callable[[], float],
        told: Callable[[ProxiedResponse], None],
    ) -> ProxiedResponse:
        """Forward a request and stream the provider's response to the client.

        The planned response of the exchange may name the provider's URL; `clock` returns the seconds since the
        request's last byte. The result is also passed to `told`, even if the client has disconnected. Raises
        ProxyFailed if nothing has been sent to the client yet.
        """
        request, head, outlet = exchange.request, exchange.head, exchange.sink
        assert request is not None, "an engine has read the request"
        assert head is not None and outlet is not None, "the exchange has not ended"  # noqa: PT018
        onward = exchange.response.plan.delivery.proxy_target
        client = _Client(outlet)
        work = asyncio.get_running_loop().create_task(
            self._exchange(request, head.message, onward, open, client, clock, told)
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
        """Abort running responses, store the complete ones, and close the connections to providers."""
        for work, client in list(self._open.items()):
            self._give_up(work, client)
        await asyncio.gather(*self._open, return_exceptions=True)
        await self.upstreams.close()

    def _give_up(self, work: asyncio.Task[ProxiedResponse], client: _Client) -> None:
        if not client.complete:
            work.cancel()

    def _ended(self, work: asyncio.Task[ProxiedResponse]) -> None:
        del self._open[work]
        if not work.cancelled():
            work.exception()  # retrieved, because no caller may await the task

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
        passing = f"passed on to {without_credentials(to or request.provider or OTHER)}"
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
        client.complete, took = True, clock()
        answered = RecordedResponse(response.status, _pairs(response), tuple(frames))
        if MARK in response.headers:
            note = ": it leads back to the same recorder, and is not recorded"
        elif onward is not None and (not onward.record or self.out is None):
            note = "; not recorded: serve it with --record-misses DIR" * onward.record
        else:
            path = _path(message)
            pairs = tuple(headers.items())
            asked = RecordedRequest(request.method, path, request.query_string, pairs, request.raw)
            made = _interaction(asked, answered, request.session)
            note = await self._recorded(request, made, to, whole=whole)
        shown = Plan(plan.head, (RawStep(answered.body, 0),), plan.framing)
        left: Left = "gone" if client.gone else "finished" if whole else "close"
        passed = ProxiedResponse(shown, passing + note, opening.keep_alive, left, took)
        told(passed)
        return passed

    async def _recorded(self, request: Request, made: Interaction, to: str | None, *, whole: bool) -> str:
        """Store a complete exchange; return the note about it."""
        if whole and made.response.is_valid:
            return await self._keep(request, made, to)
        self.failed += 1
        if whole:
            return f": {made.response.status} is not a status that can be recorded"
        return ": the response was cut, and is not recorded"

    async def _keep(self, request: Request, made: Interaction, to: str | None) -> str:
        """Write the file; return the note about it."""
        assert self.out is not None
        hash = cached_hash(request)
        kept = self._kept.setdefault((made.session, hash), [])
        kept.append(made)
        folder = self.out / (SHARED if made.session is None else folder_name(made.session))
        path = folder / f"{file_name(request.api or 'call')}-{hash[:16]}.yaml"
        provider = without_credentials(to or request.provider or self.upstreams.of(request) or OTHER)
        title = f"Recorded from {provider} by mockllm"
        try:
            async with self._writing:  # serialised: the later of two writes to a file must win
                notes = await asyncio.to_thread(self._write, path, tuple(kept), title)
        except OSError as error:
            self.failed += 1
            self.say(f"error: not recorded: {path}: {error.strerror}")
            return f"; not recorded: {error.strerror}"
        for note in notes:
            if note not in self._said:  # a note about earlier responses in the same file
                self._said.add(note)
                self.say(f"note: {note}")
        self.written += 1
        return f", recorded in {path}"

    def _write(self, path: Path, made: Sequence[Interaction], title: str) -> list[str]:
        """Write the file in a thread, because a long response would delay streams; return notes on omissions."""
        text, notes = scenario(made, title, self.reader)
        write_file(path, text)
        return notes


async def _through(
    response: ClientResponse,
    opening: RenderedHead,
    client: _Client,
    clock: Callable[[], float],
    frames: list[RecordedFrame],
) -> bool:
    """Send and collect each frame as it arrives; return whether the response was complete."""
    from aiohttp import ClientError

    await client.send(opening.head)
    try:
        async for data in response.content.iter_any():
            frames.append(RecordedFrame(clock(), data))
            if not opening.bodiless:
                await client.send(chunk(data) if opening.chunked else data)
    except (TimeoutError, ClientError, asyncio.CancelledError):
        return False
    if opening.chunked and not opening.bodiless:
        await client.send(END_OF_CHUNKS)
    return True


def _interaction(asked: RecordedRequest, answered: RecordedResponse, session: str | None) -> Interaction:
    """Return an interaction, without a session whose id is a key: the id would be in the file and its name."""
    redactor = redactor_of(asked, answered.headers)
    where = redactor.target(asked.path)
    if session is not None and redactor.session(session) != session:
        return Interaction(asked, answered, where, notes=(f"{where}: {SESSION_IS_KEY}",))
    return Interaction(asked, answered, where, session)


def _path(message: RawRequestMessage) -> str:
    """Return the client's path without a session prefix."""
    target = read_target(message)
    assert target is not None  # it was parsed as a request
    return without(target[0])[1] if target[0].startswith(PREFIX) else target[0]


def _unheard(note: str, took: float) -> ProxiedResponse:
    """Return the result for a client that disconnected before the response."""
    return ProxiedResponse(Plan(ResponseHead(499, ()), (), Framing.PLAIN), note, False, "gone", took)


def _head(response: ClientResponse) -> ResponseHead:
    """Return the provider's head for the client, with its content length."""
    drop = DROPPED_HEADERS - {"content-length"}
    return ResponseHead(
        response.status,
        tuple((name, value) for name, value in response.headers.items() if name.lower() not in drop),
    )


def _pairs(response: ClientResponse) -> tuple[tuple[str, str], ...]:
    return tuple(response.headers.items())


def passer() -> Recorder:
    """Return a recorder for rules with `proxy`, which stores nothing."""
    return Recorder(Upstreams({}), None, RequestParser(), lambda _: None)
