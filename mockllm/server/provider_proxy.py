"""The recorder of `mockllm record`, and the proxy of rules with `proxy:`. Forwards requests to the real provider,
streams the response to the client, and stores the interaction.

All bytes of the provider are sent in the iteration of the event loop in which they arrived. The file is written after
the response. The proxy is separate from the player, because the provider determines the times.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct, field

from mockllm.core.rendering.plan import SWITCHING_PROTOCOLS, Framing, Headers, Plan, RawStep, ResponseHead
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.core.rendering.recorded_websocket import RecordedMessage
from mockllm.core.request.request import Request
from mockllm.core.request.request_keys import hash_of
from mockllm.core.url_secrets import without_credentials
from mockllm.engine import PlannedResponse
from mockllm.engine.session_id import path_without_session
from mockllm.engine.websocket_handshake import is_websocket_handshake
from mockllm.recordings.atomic_files import SHARED, file_name, folder_name
from mockllm.recordings.interaction import (
    DROPPED_HEADERS,
    OTHER,
    Interaction,
    RecordedRequest,
    RecordedResponse,
)
from mockllm.recordings.recording_files import RecordingFiles
from mockllm.recordings.redaction import redactor_of
from mockllm.recordings.scenario_writer import RequestParser
from mockllm.scenario.control_paths import has_control_call
from mockllm.server.http1 import LAST_HTTP_CHUNK, SerializedHead, http_chunk
from mockllm.server.pending_recordings import PendingRecordings
from mockllm.server.player import DrainableSink
from mockllm.server.protocols import ProxyFailed
from mockllm.server.server_limits import KIB, MIB, OBJECT_BYTES
from mockllm.server.upstreams import RECORDER_HEADER, Upstreams, connection_options

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from mockllm.server.exchange import EndReason, Exchange
    from mockllm.server.request_heads import RequestHead

MAX_RECORDED: Final = 10 * MIB
"""Bytes of a recorded response, which is in memory until its end. One in base64 takes half more as a file, and so has
fewer than the 16 MiB of a scenario file. Others may take more, and are not recorded (`RecordingFiles`)."""
LONG_BODY: Final = 128 * KIB
"""Bytes of a request whose secrets a thread searches: 1 MiB takes 40 ms."""
MAX_SECONDS_WITHOUT_CLIENT: Final = 30.0
"""How long a response continues without its client. Many clients disconnect at the last event of a stream,
before its end (OpenAI's SDK at `[DONE]`), or read only what they need. The response is recorded anyway."""

SESSION_IS_KEY: Final = "the session id looks like a key, so the recording is for requests without a session"


class ProxiedResponse(NamedTuple):
    """The result of forwarding: the response as a plan, a note for the access log, and how the response ended."""

    plan: Plan
    note: str
    keep_alive: bool
    end_reason: EndReason
    duration: float
    """Seconds until the response was complete, without the time to store it."""


class _Client:
    """A client, until it disconnects."""

    def __init__(self, sink: DrainableSink) -> None:
        self._sink = sink
        self.disconnected = False
        self.complete = False
        """Whether the response is complete."""

    async def send(self, data: bytes) -> None:
        if self.disconnected:
            return
        try:
            self._sink.write(data)
            if self._sink.full:
                await self._sink.drained()
        except ConnectionError:
            self.disconnected = True


class ForwardedFrames(Struct):
    """The frames of a response; none of them once they are too large to be recorded."""

    frames: list[RecordedFrame] = field(default_factory=list)
    size: int = 0

    def add(self, frame: RecordedFrame) -> None:
        self.size += len(frame.data) + OBJECT_BYTES
        if self.size > MAX_RECORDED:
            self.frames.clear()
        else:
            self.frames.append(frame)


class ProviderProxy(Struct):
    """Forwards requests, and stores interactions in the folder `out`, if any. With `everything`, all provider calls
    are forwarded, not only unmatched ones. `log` prints a line; `watch` receives the number of stored interactions;
    `failed` counts the interactions that were not stored. `pending`: the recordings of unmatched requests that are
    not loaded yet; None where nothing loads them."""

    upstreams: Upstreams
    out: Path | None
    reader: RequestParser
    log: Callable[[str], None]
    everything: bool = False
    watch: Callable[[int], None] = lambda written: None
    failed: int = 0
    written: int = 0
    pending: PendingRecordings | None = None
    _files: RecordingFiles = field(default_factory=RecordingFiles)
    _noted: set[str] = field(default_factory=set)
    _open: dict[asyncio.Task[ProxiedResponse], _Client] = field(default_factory=dict)
    _storing: set[asyncio.Task[None]] = field(default_factory=set)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def forwards(self, response: PlannedResponse, request: Request) -> bool:
        """Return whether a request is forwarded to the provider, or refused because that has no upstream.

        A call of the control API is none for a provider: a command such as `verify` was run against a recorder.
        """
        if self.everything or not response.unmatched:
            return self.everything and not has_control_call(request.path)
        return self.upstreams.base_url_of(request) is not None or (
            request.api is not None and not is_websocket_handshake(request)
        )

    @property
    def busy(self) -> bool:
        """Whether responses are still running, or being stored."""
        return bool(self._open or self._storing)

    async def forward(
        self,
        exchange: Exchange,
        serialize_head: Callable[[Plan], SerializedHead],
        clock: Callable[[], float],
        on_end: Callable[[ProxiedResponse], None],
    ) -> ProxiedResponse:
        """Forward a request and stream the provider's response to the client.

        The planned response of the exchange may name the provider's URL; `clock` returns the seconds since the server
        began to serve the request. The result is also passed to `on_end`, even if the client has disconnected. Raises
        ProxyFailed if nothing has been sent to the client yet.
        """
        client = _Client(exchange.sink)
        work = asyncio.get_running_loop().create_task(
            self._forward(exchange, client, serialize_head, clock, on_end)
        )
        self._open[work] = client
        work.add_done_callback(self._ended)
        if self.pending is not None and exchange.response.unmatched and exchange.request is not None:
            load = partial(self.pending.load, self.pending.add(exchange.request))
            work.add_done_callback(lambda _: self.finish_in_background(load()))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            client.disconnected = True
            timer = asyncio.get_running_loop().call_later(
                MAX_SECONDS_WITHOUT_CLIENT, self._give_up, work, client
            )
            work.add_done_callback(lambda _: timer.cancel())
            raise

    async def close(self) -> None:
        """Abort running responses, store the complete ones, and close the connections to providers."""
        for work, client in list(self._open.items()):
            self._give_up(work, client)
        await asyncio.gather(*self._open, *self._storing, return_exceptions=True)
        await self.upstreams.close()

    def finish_in_background(self, storing: Coroutine[None, None, None]) -> None:
        """Run the end of a recording, whether its connection waits for it or not."""
        task = asyncio.get_running_loop().create_task(storing)
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)

    async def store_websocket(
        self,
        request: Request,
        head: RequestHead,
        messages: Sequence[RecordedMessage] | None,
        to: str | None = None,
    ) -> str:
        """Store the messages of a WebSocket; return the note about it. None: they were too many."""
        if messages is None:
            self.failed += 1
            return ": the messages take too many bytes, and are not recorded"
        response = RecordedResponse(SWITCHING_PROTOCOLS, (), (), tuple(messages))
        return await self._store(request, head, response, to, whole=True)

    def _give_up(self, work: asyncio.Task[ProxiedResponse], client: _Client) -> None:
        if not client.complete:
            work.cancel()

    def _ended(self, work: asyncio.Task[ProxiedResponse]) -> None:
        del self._open[work]
        if not work.cancelled():
            work.exception()  # retrieved, because no caller may await the task

    async def _forward(
        self,
        exchange: Exchange,
        client: _Client,
        serialize_head: Callable[[Plan], SerializedHead],
        clock: Callable[[], float],
        on_end: Callable[[ProxiedResponse], None],
    ) -> ProxiedResponse:
        request, head, target = exchange.request, exchange.head, exchange.response.plan.delivery.proxy_target
        assert request is not None, "an engine has read the request"
        to = None if target is None else target.to
        note = f"forwarded to {without_credentials(to or request.provider or OTHER)}"
        try:
            response = await self.upstreams.send(request, head.header_lines, to)
        except (ProxyFailed, asyncio.CancelledError):
            if client.disconnected:
                on_end(_without_response(note, clock()))
            raise
        frames = ForwardedFrames()
        async with response:
            headers = _end_to_end_headers(response)
            plan = Plan(_head(response.status, headers), (), Framing.SSE)
            as_bytes = _head(response.status, _end_to_end_headers(response, "latin-1"))
            opening = serialize_head(Plan(as_bytes, (), Framing.SSE))
            whole = await _through(response, opening, client, clock, frames)
        client.complete, duration = True, clock()
        recorded = RecordedResponse(response.status, headers, tuple(frames.frames))
        if RECORDER_HEADER in response.headers:
            note += ": it leads back to the same recorder, and is not recorded"
        elif target is not None and (not target.record or self.out is None):
            note += "; not recorded: serve it with --record-misses DIR" * target.record
        elif frames.size > MAX_RECORDED:
            note += self._too_large()
        else:
            note += await self._store(request, head, recorded, to, whole=whole)
        end_reason: EndReason = "gone" if client.disconnected else "finished" if whole else "close"
        plan = Plan(plan.head, (RawStep(recorded.body, 0),), plan.framing)
        passed = ProxiedResponse(plan, note, opening.keep_alive, end_reason, duration)
        on_end(passed)
        return passed

    def _too_large(self) -> str:
        self.failed += 1
        return f": the response exceeds {MAX_RECORDED // MIB} MiB, and is not recorded"

    async def _store(
        self, request: Request, head: RequestHead, response: RecordedResponse, to: str | None, *, whole: bool
    ) -> str:
        """Store a complete interaction; return the note about it."""
        if not whole or not response.is_valid:
            self.failed += 1
            invalid = f": {response.status} is not a status that can be recorded"
            return invalid if whole else ": the response was cut, and is not recorded"
        path = path_without_session(head.path)
        recorded = RecordedRequest(
            request.method, path, request.query_string, tuple(head.header_lines.items()), request.raw
        )
        make = partial(_interaction, recorded, response, request.session, self.reader.private)
        interaction = make() if len(request.raw) < LONG_BODY else await asyncio.to_thread(make)
        return await self.add(request, interaction, to)

    async def add(self, request: Request, interaction: Interaction, to: str | None) -> str:
        """Write an exchange to the file of its request, behind all earlier ones; return the note about it."""
        assert self.out is not None
        folder = self.out / (SHARED if interaction.session is None else folder_name(interaction.session))
        path = folder / f"{file_name(request.api or 'call')}-{hash_of(request)[:16]}.yaml"
        provider = without_credentials(to or request.provider or self.upstreams.base_url_of(request) or OTHER)
        title = f"Recorded from {provider} by mockllm"
        try:
            async with self._writing:  # serialised: each write continues the one before it
                file, notes = await asyncio.to_thread(self._files.add, path, interaction, title, self.reader)
        except OSError as error:
            self.failed += 1
            self.log(f"error: not recorded: {path}: {error.strerror}")
            return f"; not recorded: {error.strerror}"
        for note in notes:
            if note not in self._noted:  # equal requests have equal notes
                self._noted.add(note)
                self.log(f"note: {note}")
        self.written += 1
        self.watch(self.written)
        return f", recorded in {file}"


async def _through(
    response: ClientResponse,
    opening: SerializedHead,
    client: _Client,
    clock: Callable[[], float],
    frames: ForwardedFrames,
) -> bool:
    """Send and collect each frame as it arrives; return whether the response was complete."""
    from aiohttp import ClientError

    await client.send(opening.data)
    try:
        async for data in response.content.iter_any():
            frames.add(RecordedFrame(clock(), data))
            if not opening.bodiless:
                await client.send(http_chunk(data) if opening.http_chunked else data)
    except (TimeoutError, ClientError, asyncio.CancelledError):
        return False
    if opening.http_chunked and not opening.bodiless:
        await client.send(LAST_HTTP_CHUNK)
    return True


def _interaction(
    recorded: RecordedRequest, response: RecordedResponse, session: str | None, private: Sequence[str]
) -> Interaction:
    """Return an interaction, without a session whose id is a key: the id would be in the file and its name."""
    redactor = redactor_of(recorded, response.headers, private)
    where = redactor.target(recorded.path)
    if session is not None and redactor.session(session) != session:
        return Interaction(recorded, response, where, notes=(f"{where}: {SESSION_IS_KEY}",))
    return Interaction(recorded, response, where, session)


def _without_response(note: str, duration: float) -> ProxiedResponse:
    """Return the result for a client that left before the provider responded."""
    plan = Plan(ResponseHead(499, ()), (), Framing.PLAIN)
    note += ": the client left before the provider responded"
    return ProxiedResponse(plan, note, False, "gone", duration)


def _end_to_end_headers(response: ClientResponse, encoding: str = "utf-8") -> Headers:
    """Return the provider's headers without those that it names as headers of its connection. In latin-1, a value has
    one character for each byte, as heads are written."""
    pairs = [
        (name.decode("latin-1"), value.decode(encoding, "surrogateescape"))
        for name, value in response.raw_headers
    ]
    hops = connection_options(pairs)
    return tuple((name, value) for name, value in pairs if name.lower() not in hops)


def _head(status: int, headers: Headers) -> ResponseHead:
    """Return the provider's head for the client, with its content length."""
    drop = DROPPED_HEADERS - {"content-length"}
    return ResponseHead(status, tuple((name, value) for name, value in headers if name.lower() not in drop))
