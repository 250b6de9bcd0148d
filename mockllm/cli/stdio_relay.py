"""Relays messages between standard input and output and an MCP server over HTTP.

Each line is one JSON-RPC message (`basic/transports/stdio` of the specification). The relay repairs nothing
that the server breaks. It writes bytes that are not JSON as they are, and it ends when the connection breaks.
When the client disconnects, the open calls get some time, and the session ends.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TextIO

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import read_object
from mockllm.scenario.diagnostics import readable_line
from mockllm.server.upstreams import failure_reason, trusting_connector

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession, StreamReader

VERSION_HEADER: Final = "mcp-protocol-version"
MCP_SESSION_HEADER: Final = "mcp-session-id"
STDIO_HEADER: Final = "x-mockllm-stdio"
HEADERS: Final = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    STDIO_HEADER: "1",
}
CANCELLED: Final = "notifications/cancelled"
LONGEST_LINE: Final = 64 * 1024 * 1024
"""Bytes of one message."""
PATIENCE: Final = 5.0
"""Seconds for the open calls after the end of the input, and for the end of the session."""


class ClientDisconnected(Exception):
    """The client has closed its end of standard output."""


class StdioRelay:
    """The relay to one server, from the first line to the end of the input."""

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        self._url = url
        self._patience = patience
        self._headers = dict(HEADERS)
        self._running: dict[Json, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: set[asyncio.Task[None]] = set()
        self._sent_before: asyncio.Task[None] | None = None
        """The last message whose response later lines wait for: the handshake, and what is not a request."""
        self._ended = asyncio.Event()
        self._is_broken = False

    async def run(self, source: TextIO | None = None) -> int:
        """Return 0 when the client has disconnected, 1 where the server broke off."""
        from aiohttp import ClientSession, ClientTimeout

        lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        read_lines(source or sys.stdin, lines, asyncio.get_running_loop())
        async with ClientSession(
            connector=trusting_connector(), timeout=ClientTimeout(total=None)
        ) as session:
            taking = asyncio.create_task(self._take_all(session, lines))
            ended = asyncio.create_task(self._ended.wait())
            await asyncio.wait((taking, ended), return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                taking.result()
            open_tasks = [taking, ended, *self._tasks, *self._listening]
            for task in open_tasks:
                task.cancel()
            await asyncio.gather(*open_tasks, return_exceptions=True)
            if not self._is_broken:
                await self._end_session(session)
        return 1 if self._is_broken else 0

    async def _take_all(self, session: ClientSession, lines: asyncio.Queue[bytes | None]) -> None:
        """Take the lines until the input ends, and give the open calls some time then."""
        while (line := await lines.get()) is not None:
            if line.strip():
                self._take(session, line)
        if not self._tasks:
            return
        _, unfinished = await asyncio.wait(self._tasks, timeout=self._patience)
        if unfinished:
            reason = f"messages without a response {self._patience:g} s after the end of the input"
            print(f"mockllm: {reason}: {len(unfinished)}", file=sys.stderr, flush=True)

    def _take(self, session: ClientSession, line: bytes) -> None:
        """Begin to send a message."""
        message = read_object(line)
        params = message.get("params")
        if message.get("method") == CANCELLED and isinstance(params, dict):
            cancelled = params.get("requestId")
            task = self._running.pop(cancelled, None) if isinstance(cancelled, str | int) else None
            if task is not None:
                task.cancel()
        task = asyncio.create_task(self._send(session, line, message, self._sent_before))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        id = message.get("id")
        is_request = "method" in message and isinstance(id, str | int)
        if is_request:
            self._running[id] = task
            task.add_done_callback(lambda _: self._running.pop(id, None))
        if not is_request or message["method"] == "initialize":
            self._sent_before = task

    async def _send(
        self,
        session: ClientSession,
        line: bytes,
        message: dict[str, Json],
        before: asyncio.Task[None] | None,
    ) -> None:
        """Send a message after the one that it has to wait for, and write its response."""
        from aiohttp import ClientError

        if before is not None:
            await asyncio.wait((before,))
        try:
            await self._exchange(session, line.strip(), opening=message.get("method") == "initialize")
        except ClientDisconnected:
            self._ended.set()
        except (ClientError, OSError) as error:
            if not self._ended.is_set():
                reason = readable_line(failure_reason(error))
                print(f"mockllm: {self._url} broke off: {reason}", file=sys.stderr, flush=True)
                self._is_broken = True
            self._ended.set()
        if message.get("method") == "notifications/initialized":
            self._listening.add(asyncio.create_task(self._listen(session)))

    async def _exchange(self, session: ClientSession, data: bytes, *, opening: bool) -> None:
        async with session.post(self._url, data=data, headers=self._headers) as response:
            if opening and MCP_SESSION_HEADER in response.headers:
                self._headers[MCP_SESSION_HEADER] = response.headers[MCP_SESSION_HEADER]
            async for received in _messages(response):
                if opening:
                    self._learn(received)
                _write(received)

    def _learn(self, data: bytes) -> None:
        """Store the version that a handshake agreed on."""
        result = read_object(data).get("result")
        version = result.get("protocolVersion") if isinstance(result, dict) else None
        if isinstance(version, str):
            self._headers[VERSION_HEADER] = version

    async def _listen(self, session: ClientSession) -> None:
        """Relay what the server sends without a request."""
        from aiohttp import ClientError

        try:
            async with session.get(self._url, headers=self._headers) as response:
                if response.status == 200:
                    async for data in _messages(response):
                        _write(data)
        except ClientDisconnected:
            self._ended.set()
        except (ClientError, OSError):
            pass  # the stream is optional

    async def _end_session(self, session: ClientSession) -> None:
        """End the session of the client, if the server responds in time."""
        from aiohttp import ClientError

        if MCP_SESSION_HEADER in self._headers:
            with suppress(ClientError, OSError):
                async with asyncio.timeout(self._patience):
                    async with session.delete(self._url, headers=self._headers):
                        pass


async def _messages(response: ClientResponse) -> AsyncIterator[bytes]:
    """Yield the messages of a response: each event of a stream as it comes, else the body."""
    if response.headers.get("content-type", "").partition(";")[0] != "text/event-stream":
        body = await response.read()
        if body:
            yield body
        return
    lines: list[bytes] = []
    async for raw in _lines(response.content):
        line = raw.rstrip(b"\r\n")
        if line.startswith(b"data:"):
            lines.append(line[5:].removeprefix(b" "))
        elif not line and lines:
            yield b"\n".join(lines)
            lines = []


async def _lines(content: StreamReader) -> AsyncIterator[bytes]:
    """Yield the lines of a body. Those of aiohttp have a limit, and a message may be longer."""
    parts: list[bytes] = []
    async for data in content.iter_any():
        *ended, rest = data.split(b"\n")
        for end in ended:
            yield b"".join([*parts, end])
            parts = []
        parts.append(rest)
    if last := b"".join(parts):
        yield last  # an empty line would end an event that is not complete


def _write(data: bytes) -> None:
    """Write one message in one line. Raise ClientDisconnected if it cannot."""
    line = data.strip().replace(b"\r", b" ").replace(b"\n", b" ")  # between tokens: JSON has none in texts
    try:
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise ClientDisconnected from None


def read_lines(source: TextIO, lines: asyncio.Queue[bytes | None], loop: asyncio.AbstractEventLoop) -> None:
    """Put lines into a queue, None at their end. A thread reads them, because standard input may be a file, a pipe or
    a terminal."""

    def read() -> None:
        with suppress(RuntimeError):  # the loop has ended
            while line := source.buffer.readline(LONGEST_LINE):
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
