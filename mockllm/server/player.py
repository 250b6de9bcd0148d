"""Carries out a Plan: what is due together leaves in one write, by absolute deadlines that never drift.

A `Play` is one answer being given. It is synchronous and knows no socket: it writes to a Sink and sets
deadlines, so that a test plays hours on a clock of its own. `perform` is what the server awaits.
"""

from __future__ import annotations

from array import array
from asyncio import Future, get_running_loop
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final, Literal, Protocol, TypeAlias

from mockllm.core.rendering.framing import Item, flowing, framed
from mockllm.core.rendering.plan import USUAL, CutStep, Framing, Plan, RawStep, UnchunkedStep, WaitStep
from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.server.deadlines import Deadline, Deadlines
from mockllm.server.http1 import END_OF_CHUNKS, RenderedHead, chunk

SLICE_BYTES: Final = 256 * 1024
SLICE_STEPS: Final = 512
"""At most so much is framed and written in one turn of the loop; the rest of a long answer follows in the
next ones, behind the other streams that are due."""

Ending: TypeAlias = Literal["close", "reset", "silence"]
End: TypeAlias = Literal["finished"] | Ending


class Sink(Protocol):
    """Where bytes go: a connection, or a test's list."""

    def write(self, data: bytes) -> None:
        """ConnectionError where nobody is there any more."""

    @property
    def full(self) -> bool:
        """Whether as much waits for a slow reader as may."""


class Waitable(Sink, Protocol):
    """A sink of a real connection."""

    async def drained(self) -> None:
        """Return when the reader has caught up; ConnectionError where it has gone."""

    async def cut(self, how: Ending) -> None:
        """End the connection behind what was written; after a silence the client does."""


class Player:
    """One answer being given. `since` is when the request's last byte came, on the deadlines' clock.

    `ended` is None until the plan has been carried out, then how it ended. `stalled`: the sink is full, and
    nothing more is written before `resume`. `turn` is called at each of these, and where `failed` is set.
    """

    __slots__ = (
        "_apart",
        "_chunked",
        "_deadline",
        "_deadlines",
        "_due",
        "_head",
        "_script",
        "_sink",
        "ended",
        "failed",
        "over",
        "stalled",
        "times",
        "turn",
    )

    def __init__(
        self, plan: Plan, opening: RenderedHead, sink: Sink, deadlines: Deadlines, since: float
    ) -> None:
        self._head, self._script = carried(plan, opening)
        self._chunked = opening.chunked and not opening.bodiless
        self._apart = bool(plan.delivery.flows)  # its pieces are never joined, however late they are
        self._sink = sink
        self._deadlines = deadlines
        self._due = since + plan.delay
        self._deadline: Deadline | None = None
        self.ended: End | None = None
        self.over: float | None = None
        """When the last of it was written; whoever waits for its end may hear of it later than the client."""
        self.stalled = False
        self.failed: Exception | None = None
        self.turn: Callable[[], None] = _nothing
        self.times = array("d")
        """When there was a turn: what was written in each follows from that."""

    def start(self) -> None:
        """Write what is due by now, and set the deadline of what is not."""
        now = self._deadlines.time()
        if self._due > now:
            self._deadline = self._deadlines.at(self._due, self._tick)
        else:
            self._tick(now)

    def resume(self) -> None:
        """The sink has drained."""
        self.stalled = False
        self._tick(self._deadlines.time())

    def stop(self) -> None:
        """Nobody listens any more: nothing is held, nothing will be written."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        self._script = iter(())
        self.turn = _nothing
        self.failed = None  # it holds the frames that it was raised in, and those hold this

    def _tick(self, now: float) -> None:
        self._deadline = None
        self.times.append(now)
        try:
            for _ in range(SLICE_STEPS if self._apart else 1):
                self._advance(now)
                if self.ended is not None or self.stalled or self._due > now:
                    break
            if self.ended is not None:
                self.over = self._deadlines.time()
            elif not self.stalled:
                self._deadline = self._deadlines.at(self._due, self._tick)
        except Exception as exc:  # raised where the handler waits, not in everybody's timer
            self.failed = exc
            self.times.pop()  # nothing has left in it
        if self.ended is not None or self.stalled or self.failed is not None:
            self.turn()

    def _advance(self, now: float) -> None:
        """Write all that is due by `now`, a slice at most, in one write; of what flows, the next piece."""
        head, self._head = self._head, b""
        parts: list[bytes] = []
        done = b""
        size = 0
        for step in self._script:
            if type(step) is bytes:
                parts.append(step)
                size += len(step)
                if size >= SLICE_BYTES or len(parts) >= SLICE_STEPS:
                    break
            elif type(step) is WaitStep:
                self._due += step.seconds
                if self._apart or self._due > now:
                    break
            elif type(step) is UnchunkedStep:
                done += self._in_chunks(parts) + step.data
                parts.clear()
            else:
                assert type(step) is CutStep
                self.ended = "finished" if step.how == "end" else step.how
                break
        else:
            self.ended = "finished"
        out = done + self._in_chunks(parts)
        if self._chunked and self.ended == "finished":
            out += END_OF_CHUNKS
        if head or out:
            self._sink.write(head + out)
        self.stalled = self.ended is None and self._sink.full

    def _in_chunks(self, parts: list[bytes]) -> bytes:
        data = b"".join(parts)
        return chunk(data) if data and self._chunked else data


def _nothing() -> None: ...


def carried(plan: Plan, opening: RenderedHead) -> tuple[bytes, Iterator[Item]]:
    """What leaves first, and all that follows, as the plan's delivery has it."""
    items: Iterator[Item] = script(plan)
    if opening.bodiless:
        cut = any(type(step) is CutStep for step in plan.steps)
        items = (
            (item for item in items if type(item) is WaitStep or type(item) is CutStep) if cut else iter(())
        )
    delivery = plan.delivery
    if delivery is USUAL:
        return opening.head, items
    head = b"" if delivery.withheld else opening.head
    if head and delivery.over:
        items, head = chain(_line_by_line(head, delivery.over), items), b""
    for flow in delivery.flows:
        items = flowing(items, flow, len(head))
    return head, items


def _line_by_line(head: bytes, over: float) -> Iterator[Item]:
    """The first line at once, the last one (which is empty) so many seconds later, the others between."""
    first, *lines = head.splitlines(keepends=True)
    yield UnchunkedStep(first, 0)
    for line in lines:
        yield WaitStep(over / len(lines), 0)
        yield UnchunkedStep(line, 0)


def script(plan: Plan) -> Iterator[Item]:
    """The plan's steps, framed one by one as they are reached; what is very long, in slices."""
    for item in framed(plan):
        if type(item) is bytes and len(item) > SLICE_BYTES:
            yield from (item[at : at + SLICE_BYTES] for at in range(0, len(item), SLICE_BYTES))
        else:
            yield item


def takes_time(made: Plan | PrerenderedResponse) -> bool:
    """Whether an answer has a wait or a cut in it: for one that has, its head and first chunk need not be made in
    vain."""
    if made.delay > 0:
        return True
    steps = made.templates if isinstance(made, PrerenderedResponse) else made.steps
    for step in steps:  # noqa: SIM110 - a third of what any() with a generator takes
        if type(step) is WaitStep or type(step) is CutStep:
            return True
    return False


def at_once(plan: Plan, opening: RenderedHead) -> bytes | None:
    """All bytes of an answer that needs neither time nor slices nor a cut; None for one that needs a Play."""
    if plan.delay > 0 or len(plan.steps) > SLICE_STEPS or plan.delivery is not USUAL:
        return None
    if opening.bodiless:
        return None if any(type(step) is CutStep for step in plan.steps) else opening.head
    if len(plan.steps) == 1 and type(said := plan.steps[0]) is RawStep and plan.framing is Framing.PLAIN:
        return opening.head + said.data if len(said.data) <= SLICE_BYTES else None
    parts = [opening.head]
    size = 0
    for item in framed(plan):
        if type(item) is not bytes:
            return None
        parts.append(item)
        size += len(item)
    if size > SLICE_BYTES:
        return None
    if opening.chunked:
        parts.insert(1, b"%x\r\n" % size if size else b"")
        parts.append(b"\r\n" + END_OF_CHUNKS if size else END_OF_CHUNKS)
    return b"".join(parts)


async def play_plan(play: Player, sink: Waitable) -> None:
    """See a play that was started to its end. ConnectionError or cancellation: the client left before it."""
    try:
        while play.ended is None or play.failed is not None:
            if play.failed is not None:
                raise play.failed
            if play.stalled:
                await sink.drained()
                play.resume()
            else:
                await _turn(play)
        if play.ended != "finished":
            await sink.cut(play.ended)
        elif sink.full:
            await sink.drained()
            play.over = None  # but now
    finally:
        play.stop()


async def _turn(play: Player) -> None:
    """Wait until the play has ended, failed or stalled: one future, however many chunks it writes."""
    future: Future[None] = get_running_loop().create_future()

    def turn() -> None:
        if not future.done():
            future.set_result(None)

    play.turn = turn
    await future
