"""Plays plans: writes their steps at their times. Steps that are due together are sent in one write,
within the bounds of `single_write.py`. The parts of a throttled response are written one by one. Nearly all
deadlines count from the beginning of the response, so they never drift. The wait of a fault (`WaitStep.after_write`)
counts from the write before it.

A `Player` is synchronous and uses no socket itself. It writes to a Sink and sets deadlines, so that a test can play
hours on a virtual clock. The server awaits `wait_for_player`.
"""

from __future__ import annotations

from array import array
from asyncio import Future, get_running_loop
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Literal, Protocol, TypeAlias

from mockllm.core.rendering.framing import FramedStep, framed, throttled
from mockllm.core.rendering.plan import (
    DEFAULT_DELIVERY,
    ConnectionCut,
    CutStep,
    Plan,
    StepOutsideHttpChunks,
    WaitStep,
)
from mockllm.server.deadlines import Action, Deadline
from mockllm.server.http1 import LAST_HTTP_CHUNK, SerializedHead, http_chunk
from mockllm.server.single_write import MAX_WRITE_BYTES, MAX_WRITE_STEPS

PlayEnd: TypeAlias = Literal["finished"] | ConnectionCut
"""How a player ended: it wrote the plan up to its end or its `CutStep("end")`, or the connection is to be cut. An
`EndReason` says the same of an exchange, and has two further values."""


class Sink(Protocol):
    """A destination of bytes: a connection, the frames of a WebSocket, the result of a batch's line, or a list of
    writes with their times."""

    def write(self, data: bytes) -> None:
        """Write. Raises ConnectionError if the client has disconnected."""

    @property
    def full(self) -> bool:
        """Whether as many bytes wait for a slow reader as the limits allow."""


class DrainableSink(Sink, Protocol):
    """A sink whose reader may be slow or disconnect: a connection, the frames of a WebSocket, or the line of a
    batch."""

    async def drained(self) -> None:
        """Return when the client has read enough. Raises ConnectionError if it has disconnected."""

    async def cut(self, how: ConnectionCut) -> None:
        """End the connection after the written bytes: `close` sends FIN, `reset` RST. With `silence` nothing is sent,
        and the client ends it."""


class PlayerDeadlines(Protocol):
    """What a player uses of `Deadlines`. `journal/reconstruction.py` calls `write_once` alone, which sets none."""

    def time(self) -> float: ...

    def call_at(self, when: float, action: Action) -> Deadline: ...


class Player:
    """Plays one response, which began at the time `began` (`Exchange.monotonic`): its waits count from then.
    `time_scale` is the factor on all waits of the plan.

    `play_end` is how the play of the plan ended; None while it plays. `stalled`: the sink is full, and nothing
    more is written before `resume`. The player calls `notify` when it has ended, stalled or failed.
    """

    __slots__ = (
        "_deadline",
        "_deadlines",
        "_due",
        "_framed_steps",
        "_head",
        "_in_http_chunks",
        "_scale",
        "_separate",
        "_sink",
        "ended_at",
        "exception",
        "notify",
        "play_end",
        "stalled",
        "write_times",
    )  # fmt: skip

    def __init__(
        self,
        plan: Plan,
        head: SerializedHead,
        sink: Sink,
        deadlines: PlayerDeadlines,
        began: float,
        time_scale: float = 1.0,
    ) -> None:
        self._head, self._framed_steps = delivered_steps(plan, head)
        self._in_http_chunks = head.http_chunked and not head.bodiless
        self._separate = bool(plan.delivery.throttles)  # its parts are never joined, however late they are
        self._sink = sink
        self._deadlines = deadlines
        self._scale = time_scale
        self._due = began + plan.delay * time_scale
        self._deadline: Deadline | None = None
        self.play_end: PlayEnd | None = None
        self.ended_at: float | None = None
        """When the player ended; None while it plays. `wait_for_player` sets None again if the sink is full after the
        last write: the response then ends when the client has read enough."""
        self.stalled = False
        self.exception: Exception | None = None
        self.notify: Callable[[], None] = _nothing
        self.write_times = array("d")
        """The time of each call of `write_once`, also of one that wrote nothing; what it wrote follows from that. A
        call that failed has none."""

    def start(self) -> None:
        """Write what is due by now, and set the deadline of the rest."""
        monotonic = self._deadlines.time()
        if self._due > monotonic:
            self._deadline = self._deadlines.call_at(self._due, self.write_due)
        else:
            self.write_due(monotonic)

    def resume(self) -> None:
        """Go on: the sink has drained."""
        self.stalled = False
        self.start()

    def continue_with(self, plan: Plan, monotonic: float) -> None:
        """Play the steps of another plan, in the same framing, in place of those that are left."""
        self._cancel_deadline()
        self._framed_steps = framed_steps(plan)
        self._due = monotonic + plan.delay * self._scale
        if self.stalled:
            return
        if plan.delay:
            self._deadline = self._deadlines.call_at(self._due, self.write_due)
        else:
            self.write_due(monotonic)

    def stop(self) -> None:
        """Release everything and write no more: the client has disconnected, or the response has ended."""
        self._cancel_deadline()
        self._framed_steps = iter(())
        self.notify = _nothing
        self.exception = None  # it refers to the stack frames that raised it, and these to the player

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def write_due(self, monotonic: float) -> None:
        """Write what is due at this time, and set the deadline of the rest."""
        self._deadline = None
        try:
            # a throttled response writes each part separately
            for _ in range(MAX_WRITE_STEPS if self._separate else 1):
                self.write_once(monotonic)
                if self.play_end is not None or self.stalled or self._due > monotonic:
                    break
            if self.play_end is not None:
                self.ended_at = self._deadlines.time()
            elif not self.stalled:
                self._deadline = self._deadlines.call_at(
                    max(self._due, monotonic), self.write_due
                )  # after steps that were due earlier
        except Exception as exc:  # raised by `wait_for_player`, not in the timer of all streams
            self.exception = exc
        if self.play_end is not None or self.stalled or self.exception is not None:
            self.notify()

    def write_once(self, monotonic: float) -> None:
        """Write what is due, within the bounds of `single_write.py`; of a throttled response, the next part. The
        journal plays a response again by `write_times`."""
        head, self._head = self._head, b""
        parts: list[bytes] = []
        already_chunked = b""
        size = 0
        for step in self._framed_steps:
            if type(step) is bytes:
                parts.append(step)
                size += len(step)
                if size >= MAX_WRITE_BYTES or len(parts) >= MAX_WRITE_STEPS:
                    break
            elif type(step) is WaitStep:
                start = max(self._due, monotonic) if step.after_write else self._due
                self._due = start + step.seconds * self._scale
                if self._separate or self._due > monotonic:
                    break
            elif type(step) is StepOutsideHttpChunks:
                already_chunked += self._http_chunked(parts) + step.data
                parts.clear()
            else:
                assert type(step) is CutStep
                self.play_end = "finished" if step.how == "end" else step.how
                break
        else:
            self.play_end = "finished"
        out = already_chunked + self._http_chunked(parts)
        if self._in_http_chunks and self.play_end == "finished":
            out += LAST_HTTP_CHUNK
        if head or out:
            self._sink.write(head + out)
        self.write_times.append(monotonic)
        self.stalled = self.play_end is None and self._sink.full

    def _http_chunked(self, parts: list[bytes]) -> bytes:
        data = b"".join(parts)
        return http_chunk(data) if data and self._in_http_chunks else data


def _nothing() -> None: ...


def delivered_steps(plan: Plan, head: SerializedHead) -> tuple[bytes, Iterator[FramedStep]]:
    """Return the bytes to send first, and all steps that follow, as the plan's delivery requires."""
    steps: Iterator[FramedStep] = framed_steps(plan)
    if head.bodiless:
        cut = any(type(step) is CutStep for step in plan.steps)
        steps = (
            (step for step in steps if type(step) is WaitStep or type(step) is CutStep) if cut else iter(())
        )
    delivery = plan.delivery
    if delivery is DEFAULT_DELIVERY:
        return head.data, steps
    first = b"" if delivery.sends_nothing else head.data
    if first and delivery.head_seconds:
        steps, first = chain(_line_by_line(first, delivery.head_seconds), steps), b""
    for throttle in delivery.throttles:
        steps = throttled(steps, throttle, len(first))
    return first, steps


def _line_by_line(head: bytes, seconds: float) -> Iterator[FramedStep]:
    """Yield the first line at once, the last line (which is empty) `seconds` later, the other lines between. All have
    the chunk number 0: they come before the first chunk."""
    first, *lines = head.splitlines(keepends=True)
    yield StepOutsideHttpChunks(first, chunk_number=0)
    for line in lines:
        yield WaitStep(seconds / len(lines), chunk_number=0)
        yield StepOutsideHttpChunks(line, chunk_number=0)


def framed_steps(plan: Plan) -> Iterator[FramedStep]:
    """Yield the plan's steps, framed one by one as they are reached; a very long one in parts."""
    for step in framed(plan):
        if type(step) is bytes and len(step) > MAX_WRITE_BYTES:
            yield from (step[at : at + MAX_WRITE_BYTES] for at in range(0, len(step), MAX_WRITE_BYTES))
        else:
            yield step


async def wait_for_player(player: Player, sink: DrainableSink) -> None:
    """Wait until a player that was started has ended, and resume it where it stalls. Then cut the connection as the
    plan demands, or wait until the client has read enough. Raises ConnectionError, or is cancelled, if the client
    has disconnected before."""
    try:
        while player.play_end is None or player.exception is not None:
            if player.exception is not None:
                raise player.exception
            if player.stalled:
                await sink.drained()
                player.resume()
            else:
                await _notified(player)
        if player.play_end != "finished":
            await sink.cut(player.play_end)
        elif sink.full:
            await sink.drained()
            player.ended_at = None  # it ends now
    finally:
        player.stop()


async def _notified(player: Player) -> None:
    """Wait until the player has ended, failed or stalled: one future, however many steps it writes."""
    future: Future[None] = get_running_loop().create_future()

    def notify() -> None:
        if not future.done():
            future.set_result(None)

    player.notify = notify
    await future
