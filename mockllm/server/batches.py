"""Serves the lines of batches: each line is an exchange, as a direct request is, without a connection.
Rules, limits, faults, times, the journal and the access log see it so.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections.abc import Sequence
from http.client import HTTPException, HTTPResponse
from io import BytesIO
from typing import TYPE_CHECKING, Final, Literal, cast

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from mockllm.core.batch import BATCH_HEADER, BatchJob, BatchLine, LineResponse
from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.core.request.stored_batches import as_failed, with_responses
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.server.exchange import Exchange
from mockllm.server.json_structure import structure_failure_in_slices
from mockllm.server.line_output import report
from mockllm.server.request_heads import RequestHead
from mockllm.server.stored_objects import fetch_stored
from mockllm.state.fetched_objects import FetchedLookup, StorageConflict

if TYPE_CHECKING:
    from socket import socket

    from mockllm.server.app import App

MAX_PENDING_BYTES: Final = 64 * 1024 * 1024
"""Total size of the lines that are being served; the lines of further batches get no response."""
MAX_WAITING_LINES: Final = 32
"""The most lines of a batch that wait at a time."""
SLICE: Final = 0.005
"""Seconds of work, after which other requests are served."""
STORING_PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds before each further try to store the responses of a batch, while the store is away."""
TOO_LARGE: Final = "The responses are larger than this server can store."
NO_RESPONSE: Final = LineResponse(0, b"", cut=True)
_BODY_HEADERS: Final = frozenset(
    {"content-length", "content-type", "content-encoding", "transfer-encoding", "accept-encoding", "expect"}
)
"""The headers of the request that creates a batch that its lines do not have."""


class BatchServer:
    """The batches whose lines are being served."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._tasks: set[asyncio.Task[None]] = set()
        self._bytes = 0

    def begin(self, job: BatchJob, head: RequestHead, request: Request, client_address: str) -> None:
        """Serve the lines of a new batch. `head` and `request` are those of the request that created it."""
        size = sum(len(line.body) for line in job.lines)
        fits = self._bytes + size <= MAX_PENDING_BYTES
        if not fits:
            report(f"batch {job.id}: its lines get no response, since other batches take {self._bytes} bytes")
            job = job._replace(lines=tuple(line._replace(refused=NO_RESPONSE) for line in job.lines))
            size = 0
        self._bytes += size
        task = asyncio.get_running_loop().create_task(self._run(job, head, request, client_address, size))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Serve nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(
        self, job: BatchJob, head: RequestHead, request: Request, client_address: str, size: int
    ) -> None:
        try:
            responses = await self._responses(job, head, request, client_address)
            await self._store(job.id, request.session or "", responses)
        except Exception:
            traceback.print_exc(file=sys.stderr)
            report(f"batch {job.id}: mockllm itself has failed")
        finally:
            self._bytes -= size

    async def _responses(
        self, job: BatchJob, head: RequestHead, request: Request, client_address: str
    ) -> list[LineResponse]:
        """Return the responses to the lines. They are decided in order; those that take time do so side by side."""
        places = asyncio.Semaphore(MAX_WAITING_LINES)
        heads: dict[str, RequestHead] = {}
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            lines = []
            for line in job.lines:
                await places.acquire()
                if line.path not in heads:
                    heads[line.path] = line_head(head, request, line.path, job.shown_id or job.id)
                sink = LineSink()
                lines.append((line, sink))
                exchange = (
                    None if line.refused else await self._begun(heads[line.path], sink, line, client_address)
                )
                if exchange is not None:
                    await self._decide(exchange)
                if exchange is None or exchange.ended:
                    places.release()
                else:
                    group.create_task(self._completed(exchange, places))
                if time.monotonic() - began > SLICE:
                    await asyncio.sleep(0)
                    began = time.monotonic()
        responses = []
        for line, sink in lines:
            responses.append(line.refused or sink.response())
            if time.monotonic() - began > SLICE:
                await asyncio.sleep(0)
                began = time.monotonic()
        return responses

    async def _begun(
        self, head: RequestHead, sink: LineSink, line: BatchLine, client_address: str
    ) -> Exchange | None:
        """Respond to a line. Return its exchange if that takes time. The bounds of a body are those of a line."""
        from mockllm.server.refused_bodies import refuse_body
        from mockllm.server.request_reading import wait_until_rules_are_stable
        from mockllm.server.respond import begin_playing, respond

        app = self._app
        long = len(line.body) >= app.depth_only_below
        failure = await structure_failure_in_slices(line.body, app.limits) if long else None
        exchange = Exchange(
            head=head,
            sink=sink,
            client_address=client_address,
            raw=line.body,
            body_complete=True,
            in_batch=True,
            structure_checked=long,
        )
        await wait_until_rules_are_stable(app)
        exchange.now, exchange.monotonic = time.time(), app.deadlines.time()
        if failure is None:
            respond(app, exchange)
        else:
            refuse_body(app, exchange, failure)
            begin_playing(app, exchange)
        return None if exchange.ended else exchange

    async def _decide(self, exchange: Exchange) -> None:
        """Wait until a line is counted, if another process does it: the numbers of the next lines follow. The
        exchange may end."""
        from mockllm.server.respond import set_internal_error
        from mockllm.server.store_waits import wait_for_store

        if self._app.store_client is None:
            return
        try:
            await wait_for_store(self._app, exchange, self._app.store_client)
        except Exception:
            set_internal_error(self._app, exchange)

    async def _completed(self, exchange: Exchange, places: asyncio.Semaphore) -> None:
        from mockllm.server.waiting_exchange import serve_waiting_exchange

        try:
            await serve_waiting_exchange(self._app, exchange)
        finally:
            places.release()

    async def _store(self, id: str, session: str, responses: list[LineResponse]) -> None:
        """Store the responses, unless the batch has been removed meanwhile. A store that is away is tried again."""
        failure = await self._failure_to_store(id, session, responses)
        for pause in STORING_PAUSES:
            if failure is None:
                return
            report(
                f"batch {id}: its responses are not stored; the next try is in {pause:g} s: {failure.message}"
            )
            await asyncio.sleep(pause)
            failure = await self._failure_to_store(id, session, responses)
        if failure is not None:
            report(f"batch {id}: its responses are lost: {failure.message}")

    async def _failure_to_store(
        self, id: str, session: str, responses: Sequence[LineResponse]
    ) -> Failure | None:
        """Store the responses of a batch that still exists. Return what prevents it."""
        app = self._app
        while True:
            batch = await fetch_stored(app, session, id)
            if isinstance(batch, Failure):
                return batch
            if batch is None or batch.timeline is None:
                return None
            now, found = app.deadlines.time(), FetchedLookup(session, {("stored", id): batch})
            ended = StorageUpdate((id,), with_responses(batch, responses, now))
            if not app.engine.apply_storage_update(session, ended, found):
                report(f"batch {id}: {TOO_LARGE}")
                failed = StorageUpdate((id,), as_failed(batch, TOO_LARGE, now))
                app.engine.apply_storage_update(session, failed, found)
            confirmation = None if app.store_client is None else app.store_client.take_storage_confirmation()
            result = None if confirmation is None else await confirmation
            if not isinstance(result, StorageConflict):
                return result


class LineSink:
    """Collects the bytes of the response to a line, in place of a socket."""

    def __init__(self) -> None:
        self._data = bytearray()
        self.written = False
        self.full = self.half_closed = self.http2 = False

    def write(self, data: bytes) -> None:
        self.written = True
        self._data += data

    def queue_write(self, data: bytes) -> bool:
        self._data += data
        return True

    def disconnected_at(self, write_times: Sequence[float]) -> float | None:
        """No client reads the response to a line."""
        return None

    async def drained(self) -> None:
        """Nothing waits."""

    async def cut(self, how: Literal["close", "reset", "silence"]) -> None:
        """A response that ends early is not whole, however it ends."""

    def response(self) -> LineResponse:
        """Return the response as an HTTP client reads it."""
        reader = HTTPResponse(cast("socket", _ReadOnce(bytes(self._data))), method="POST")
        try:
            reader.begin()
            body = reader.read()
        except (HTTPException, ValueError, OSError):
            return NO_RESPONSE
        id = reader.headers.get("x-request-id") or reader.headers.get("request-id")
        return LineResponse(reader.status, body, id)


class _ReadOnce:
    """The object that HTTPResponse reads in place of a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> BytesIO:
        return BytesIO(self._data)


def line_head(head: RequestHead, request: Request, path: str, id: str) -> RequestHead:
    """Return the head of a line's request: session, prefix, key and other headers are those of the request that
    created the batch."""
    before = head.path.removesuffix(request.path) if head.path.endswith(request.path) else ""
    headers = CIMultiDict(
        (name, value) for name, value in head.headers.items() if name.lower() not in _BODY_HEADERS
    )
    headers["content-type"] = "application/json"
    headers[BATCH_HEADER] = id
    target = before + path
    message = head.message._replace(
        method="POST",
        path=target,
        headers=CIMultiDictProxy(headers),
        raw_headers=(),
        should_close=False,
        compression=None,
        upgrade=False,
        chunked=False,
        url=URL.build(path=target, encoded=True),
    )
    return RequestHead(message, True, head.over_tls)
