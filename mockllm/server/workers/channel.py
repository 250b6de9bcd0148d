"""Calls between two processes of one server, over a socket pair. Both are processes of this server, so values are
pickled."""

from __future__ import annotations

import asyncio
import pickle
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Final, Literal, NamedTuple, TypeAlias

Handler: TypeAlias = Callable[..., Awaitable[object]]
_LENGTH: Final = 8
"""Bytes before each message: its length."""


class ChannelMessage(NamedTuple):
    """`name` is that of a called function; of a result it says whether `values` are the result or an error."""

    kind: Literal["call", "notice", "result"]
    number: int
    name: str
    values: tuple[object, ...]


class ChannelClosed(Exception):
    """The peer has ended."""


class CallFailed(Exception):
    """The called function has failed in the peer; the message is one line."""


class Channel:
    """One end. `run` reads until the peer ends; `call` and `notify` may be used once `open` has returned."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._numbers = count()
        self._calls: dict[int, asyncio.Future[object]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._writer: asyncio.StreamWriter | None = None
        self._closed = False
        self.received = 0
        """The messages that the peer has sent."""

    async def open(self, end: socket.socket) -> None:
        self._reader, self._writer = await asyncio.open_connection(sock=end)

    async def run(self) -> None:
        """Serve calls until the peer ends. Handlers start in the order of their calls."""
        try:
            while True:
                length = int.from_bytes(await self._reader.readexactly(_LENGTH), "big")
                message: ChannelMessage = pickle.loads(await self._reader.readexactly(length))  # noqa: S301 - ours
                self.received += 1
                if message.kind == "result":
                    self._resolve(message)
                else:
                    task = asyncio.get_running_loop().create_task(self._serve(message))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.close()

    async def call(self, name: str, *values: object) -> object:
        """Return the result of a function of the peer. Raises CallFailed or ChannelClosed."""
        if self._closed:
            raise ChannelClosed
        number = next(self._numbers)
        future = self._calls[number] = asyncio.get_running_loop().create_future()
        self._send(ChannelMessage("call", number, name, values))
        try:
            return await future
        finally:
            self._calls.pop(number, None)

    def notify(self, name: str, *values: object) -> None:
        """Call a function of the peer without a result."""
        if not self._closed:
            self._send(ChannelMessage("notice", 0, name, values))

    @property
    def unsent_bytes(self) -> int:
        """The bytes that the peer has not read."""
        return 0 if self._writer is None else self._writer.transport.get_write_buffer_size()

    def close(self) -> None:
        self._closed = True
        if self._writer is not None:
            self._writer.close()
        for future in self._calls.values():
            if not future.done():
                future.set_exception(ChannelClosed())

    async def _serve(self, message: ChannelMessage) -> None:
        try:
            result = await self._handlers[message.name](*message.values)
            framed = self._framed_result(message, result)
        except Exception as error:
            if not isinstance(error, CallFailed):
                traceback.print_exc(file=sys.stderr)
            reason = str(error) or type(error).__name__
            framed = framed_message(ChannelMessage("result", message.number, "error", (reason,)))
        if message.kind == "call" and not self._closed:
            self._write(framed)

    @staticmethod
    def _framed_result(call: ChannelMessage, result: object) -> bytes:
        try:
            return framed_message(ChannelMessage("result", call.number, "result", (result,)))
        except Exception as error:
            # pickle's own sentence names neither the call nor pickle in some versions of Python.
            raise TypeError(f"the result of {call.name!r} cannot be pickled: {error}") from error

    def _resolve(self, message: ChannelMessage) -> None:
        future = self._calls.get(message.number)
        if future is None or future.done():
            return
        if message.name == "result":
            future.set_result(message.values[0])
        else:
            future.set_exception(CallFailed(message.values[0]))

    def _send(self, message: ChannelMessage) -> None:
        self._write(framed_message(message))

    def _write(self, framed: bytes) -> None:
        assert self._writer is not None, "the channel is open"
        self._writer.write(framed)


def framed_message(message: ChannelMessage) -> bytes:
    data = pickle.dumps(message, -1)
    return len(data).to_bytes(_LENGTH, "big") + data


def first_message(end: socket.socket) -> ChannelMessage:
    """Return the message with which a process is started, before it has an event loop. Raises EOFError."""
    length = int.from_bytes(_received(end, _LENGTH), "big")
    message: ChannelMessage = pickle.loads(_received(end, length))  # noqa: S301 - ours
    return message


def _received(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = end.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data
