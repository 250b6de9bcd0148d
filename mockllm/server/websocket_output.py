"""The bytes that one WebSocket sends. A frame that is long, or that a fault slows or divides, is written in several
parts. No other bytes come between them: whole frames wait for its end, and so do the players of other responses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from mockllm.core.rendering.plan import ConnectionCut, Plan, RawStep, Step, WaitStep
from mockllm.core.rendering.websocket_frames import payload_span
from mockllm.server.http1 import SerializedHead
from mockllm.server.player import PlayEnd, Player, PlayerDeadlines, wait_for_player
from mockllm.server.single_write import MAX_WRITE_BYTES

if TYPE_CHECKING:
    from mockllm.server.socket_sink import SocketSink

NO_HTTP_HEAD: Final = SerializedHead(b"", http_chunked=False, keep_alive=True, bodiless=False)
"""In place of the head of a response that is messages."""
MAX_WAITING_BYTES: Final = 64 * 1024
"""No message of the client is read while whole frames of so many bytes wait for the end of a frame."""


def with_frame_ends(plan: Plan) -> Plan:
    """Return the plan of messages with a wait of no time behind each part of a divided event. `finish_frame` stops
    there, and not in a later event."""
    if RawStep not in map(type, plan.steps):
        return plan
    steps: list[Step] = []
    for step in plan.steps:
        steps.append(step)
        if type(step) is RawStep and step.continues_event:
            steps.append(WaitStep(0.0, step.chunk_number))
    return replace(plan, steps=tuple(steps))


class WebSocketOutput:
    """The output of one WebSocket. aiohttp writes its pings, pongs and close frames to it as to a transport."""

    def __init__(self, sink: SocketSink) -> None:
        self.sink = sink
        self.writer: ResponseFrames | None = None
        """What has written the beginning of a frame without its end."""
        self.silent = False
        """Whether a fault has ended all output, while the connection stays open."""
        self.restart_heartbeat: Callable[[], None] | None = None
        """Expects no pong before the next ping."""
        self.stop_heartbeat: Callable[[], None] | None = None
        """Sends no more pings, and closes no connection whose client sends no pongs."""
        self._waiting = bytearray()
        self._free = asyncio.Event()
        self._free.set()

    @property
    def full(self) -> bool:
        return self.sink.full or len(self._waiting) >= MAX_WAITING_BYTES

    async def drained(self) -> None:
        """Return when no frame is unfinished, and the client has read enough."""
        await self.free()
        await self.sink.drained()

    async def free(self) -> None:
        """Return when no frame is unfinished. Another may have begun by then."""
        await self._free.wait()

    def is_closing(self) -> bool:
        transport = self.sink.connection.transport
        return transport is None or transport.is_closing()

    def write(self, data: bytes) -> None:
        """Write whole frames, at the end of the unfinished one if there is one. Nothing is written to a client that
        has disconnected."""
        if self.silent:
            return
        if self.writer is not None:
            self._waiting += data
            if self.restart_heartbeat is not None:  # the client gets no ping before the end of the frame
                self.restart_heartbeat()
        elif not self.is_closing():
            self.sink.write(data)

    def end_with(self, last: bytes) -> None:
        """Write the last frame and end the connection, unless it is silent."""
        if not self.silent:
            self.write(last)
            self.shut_down_writing()

    def shut_down_writing(self) -> None:
        """Send FIN after all frames. The unfinished one is finished at once; if it has no end, nothing follows it."""
        self.finish_frame()
        self._drop_waiting()
        self.sink.shut_down_writing()

    def finish_frame(self) -> None:
        """Write the rest of the unfinished frame at once, if there is one."""
        if self.writer is not None and self.writer.finish is not None:
            self.writer.finish()

    def fall_silent(self) -> None:
        """Send nothing more. The client ends the connection."""
        self.silent = True
        if self.stop_heartbeat is not None:
            self.stop_heartbeat()
        self._drop_waiting()

    def begin_frame(self, writer: ResponseFrames) -> None:
        self.writer = writer
        self._free.clear()

    def end_frame(self) -> None:
        """Write what has waited for the end of a frame."""
        self.writer = None
        self._free.set()
        if self._waiting:
            data, self._waiting = bytes(self._waiting), bytearray()
            self.write(data)

    def _drop_waiting(self) -> None:
        self._waiting.clear()
        self.end_frame()


class ResponseFrames:
    """Writes the frames of one response. It knows whether the last one is unfinished. `divides`: whether any write
    may end inside of a frame; otherwise only one of `MAX_WRITE_BYTES` may."""

    def __init__(self, output: WebSocketOutput, *, divides: bool) -> None:
        self._output, self._divides = output, divides
        self._begun = b""
        """The first bytes of a frame whose length is not yet known."""
        self._rest = 0
        """The bytes that the unfinished frame lacks."""
        self.finish: Callable[[], None] | None = None
        """Writes the rest of the unfinished frame."""

    @property
    def in_frame(self) -> bool:
        """Whether the last frame is unfinished."""
        return self._output.writer is self

    @property
    def blocked(self) -> bool:
        """Whether another response has an unfinished frame."""
        return self._output.writer not in (None, self)

    def write(self, data: bytes) -> None:
        if self._output.silent:
            return
        if not (self._divides or self._rest or len(data) >= MAX_WRITE_BYTES):
            self._output.sink.write(data)
            return
        if 0 < self._rest < len(data):  # what has waited for the end of the frame follows it
            end, data = data[: self._rest], data[self._rest :]
            self._write_part(end)
        self._write_part(data)

    def _write_part(self, data: bytes) -> None:
        self._output.sink.write(data)
        data, at = self._begun + data, self._rest
        while at < len(data) and (span := payload_span(data, at)) is not None:
            at = span[1]
        self._begun, self._rest = data[at:], max(0, at - len(data))
        if self._begun or self._rest:
            self._output.begin_frame(self)
        elif self.in_frame:
            self._output.end_frame()

    @property
    def full(self) -> bool:
        return self._output.sink.full

    async def drained(self) -> None:
        """Return when the response can go on. Raises ConnectionError as the sink of the connection does."""
        while self.blocked:
            await self._output.free()
        await self._output.sink.drained()

    async def cut(self, how: ConnectionCut) -> None:
        if how == "silence":
            self._output.fall_silent()
        await self._output.sink.cut(how)


class MessagePlayer(Player):
    """Plays the messages of a response on a WebSocket. It stalls while another response has an unfinished frame."""

    __slots__ = ("_output", "frames")

    def __init__(
        self,
        output: WebSocketOutput,
        plan: Plan,
        deadlines: PlayerDeadlines,
        began: float,
        time_scale: float,
    ) -> None:
        # the steps that a fault has divided are raw bytes
        divides = bool(plan.delivery.throttles) or RawStep in map(type, plan.steps)
        self._output, self.frames = output, ResponseFrames(output, divides=divides)
        super().__init__(plan, NO_HTTP_HEAD, self.frames, deadlines, began, time_scale)
        self.frames.finish = self.finish_frame

    def write_due(self, monotonic: float) -> None:
        if self._output.silent:
            self._deadline = None  # it ends with its client
        elif self.frames.blocked:
            self._deadline = None
            self.stalled = True
            self.notify()
        else:
            super().write_due(monotonic)

    def resume(self) -> None:
        if self.play_end is None:  # else `finish_frame` has ended it
            super().resume()

    async def wait(self) -> PlayEnd:
        """Wait as `wait_for_player` does. A frame that is left unfinished ends the connection."""
        try:
            await wait_for_player(self, self.frames)
        finally:
            is_broken = self.frames.in_frame
            if is_broken:
                self._output.shut_down_writing()
        assert self.play_end is not None, "the player was waited for"
        return "close" if is_broken and self.play_end == "finished" else self.play_end

    def finish_frame(self) -> None:
        """Write the rest of an unfinished frame at once, whatever waits it has. That may end the play."""
        if not self.frames.in_frame:
            return
        monotonic = self._deadlines.time()
        with suppress(ConnectionError):
            while self.frames.in_frame and self.play_end is None:
                self.write_once(monotonic)
        if self.play_end is not None:
            self.ended_at = monotonic
            self._cancel_deadline()
            self.notify()

    def stop(self) -> None:
        super().stop()
        self.frames.finish = None  # it refers to the player
