"""Records an MCP server over standard input and output: starts it, passes its lines through, and stores each request
with its response.

Each line is one JSON-RPC message (`basic/transports/stdio` of the specification). The recordings have the form of
streamable HTTP, which `mockllm mcp NAME` and `/mcp/NAME` replay alike.
"""

from __future__ import annotations

import asyncio
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, TextIO

from msgspec import Struct, field

from mockllm.cli.stdio_relay import CANCELLED, HEADERS, LONGEST_LINE, VERSION_HEADER, read_lines
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import read_object
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.recordings.interaction import Interaction, RecordedRequest, RecordedResponse
from mockllm.scenario.diagnostics import readable_line
from mockllm.server.provider_proxy import ProviderProxy

PATIENCE: Final = 10.0
"""Seconds for the server to end after its input has ended (the specification's shutdown)."""
MAX_RECORDED: Final = 8 * 1024 * 1024
"""Bytes of one response."""
JSON: Final = (("content-type", "application/json"),)
EVENTS: Final = (("content-type", "text/event-stream"),)


class OpenRequest(Struct):
    """A request without its response, and the messages of the server before it."""

    line: bytes
    since: float
    token: Json
    frames: list[RecordedFrame] = field(default_factory=list)
    size: int = 0


class StdioRecorder:
    """One run of a server."""

    def __init__(self, name: str, command: Sequence[str], recorder: ProviderProxy) -> None:
        self._path, self._command, self._recorder = f"/mcp/{name}", command, recorder
        self._open: dict[Json, OpenRequest] = {}
        self._headers = dict(HEADERS)

    async def run(self, source: TextIO | None = None) -> int:
        """Return the exit code of the server, once the input or the server has ended. Raises OSError where the
        command cannot be started."""
        lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE
        )
        read_lines(source or sys.stdin, lines, asyncio.get_running_loop())
        received = asyncio.create_task(self._receive(process))
        sent = asyncio.create_task(self._send(process, lines))
        await asyncio.wait((received, sent), return_when=asyncio.FIRST_COMPLETED)
        if process.stdin is not None:
            process.stdin.close()
        ended = asyncio.create_task(process.wait())
        await asyncio.wait((received, ended), timeout=PATIENCE, return_when=asyncio.ALL_COMPLETED)
        for stop in (process.terminate, process.kill):
            if not ended.done():
                with suppress(ProcessLookupError):
                    stop()
                await asyncio.wait((ended,), timeout=PATIENCE)
        for task in (sent, received):
            task.cancel()
        await asyncio.gather(sent, received, return_exceptions=True)
        self._report_open()
        return await ended

    async def _send(self, process: Process, lines: asyncio.Queue[bytes | None]) -> None:
        """Pass the client's lines on."""
        assert process.stdin is not None
        while (line := await lines.get()) is not None:
            if line.strip():
                await self._note_sent(line.strip())
            with suppress(ConnectionError):
                process.stdin.write(line if line.endswith(b"\n") else line + b"\n")
                await process.stdin.drain()

    async def _note_sent(self, line: bytes) -> None:
        message = read_object(line)
        id, params = message.get("id"), message.get("params")
        if "method" in message and isinstance(id, str | int):
            meta = params.get("_meta") if isinstance(params, dict) else None
            token = meta.get("progressToken") if isinstance(meta, dict) else None
            self._open[id] = OpenRequest(line, time.monotonic(), token)
        elif message:  # a notification, or the response to a question: nothing comes back
            if message.get("method") == CANCELLED and isinstance(params, dict):
                self._cancel(params.get("requestId"))
            await self._store(line, RecordedResponse(202, (), ()))
        else:
            self._fail("a line of the client is no JSON object")

    def _cancel(self, id: Json) -> None:
        """Forget a request that has no response then."""
        if isinstance(id, str | int):
            self._open.pop(id, None)

    async def _receive(self, process: Process) -> None:
        """Pass the server's lines on."""
        while line := await self._line(process):
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            if line.strip():
                await self._note_received(line.strip())

    async def _line(self, process: Process) -> bytes:
        """Return the server's next line; nothing at the end, or for a line that is too long."""
        assert process.stdout is not None
        try:
            return await process.stdout.readline()
        except ValueError:  # asyncio has dropped a part of it
            self._fail(f"a line of the server is longer than {LONGEST_LINE} bytes")
            return b""

    async def _note_received(self, line: bytes) -> None:
        message = read_object(line)
        id = message.get("id")
        if "method" in message:
            opened_by = self._request_of(message)
            if opened_by is not None:
                self._add(opened_by, line)
        elif isinstance(id, str | int) and id in self._open:
            opened = self._open.pop(id)
            self._learn(message)
            await self._respond(opened, line)
        elif not message and self._open:
            self._fail("a line of the server is no JSON object")

    def _request_of(self, message: dict[str, Json]) -> OpenRequest | None:
        """Return the request that a message of the server belongs to: by its progress token, else the oldest one."""
        params = message.get("params")
        token = params.get("progressToken") if isinstance(params, dict) else None
        if token is not None:
            return next((each for each in self._open.values() if each.token == token), None)
        return next(iter(self._open.values()), None)

    def _add(self, request: OpenRequest, line: bytes) -> None:
        request.size += len(line)
        if request.size <= MAX_RECORDED:
            data = b"event: message\ndata: %b\n\n" % line
            request.frames.append(RecordedFrame(time.monotonic() - request.since, data))

    async def _respond(self, request: OpenRequest, line: bytes) -> None:
        """Store a request with its response: a stream where messages came before it."""
        if request.size + len(line) > MAX_RECORDED:
            self._fail("a response is too large")
            return
        if request.frames:
            self._add(request, line)
            response = RecordedResponse(200, EVENTS, tuple(request.frames))
        else:
            frame = RecordedFrame(time.monotonic() - request.since, line)
            response = RecordedResponse(200, JSON, (frame,))
        await self._store(request.line, response)

    def _learn(self, message: dict[str, Json]) -> None:
        """Store the version that a handshake agreed on."""
        result = message.get("result")
        version = result.get("protocolVersion") if isinstance(result, dict) else None
        if isinstance(version, str):
            self._headers[VERSION_HEADER] = version

    def _fail(self, what: str) -> None:
        self._recorder.failed += 1
        self._recorder.log(f"error: not recorded: {what}")

    def _report_open(self) -> None:
        """Name the requests that the server has not responded to."""
        if self._open:
            methods = ", ".join(str(read_object(each.line)["method"]) for each in self._open.values())
            self._recorder.log(
                f"warning: not recorded: requests without a response: {readable_line(methods)}"
            )

    async def _store(self, line: bytes, response: RecordedResponse) -> None:
        recorded = RecordedRequest("POST", self._path, "", tuple(self._headers.items()), line)
        request = self._recorder.reader.read(recorded)
        await self._recorder.add(request, Interaction(recorded, response, self._path), None)
