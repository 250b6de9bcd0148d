"""Faults in the events of a stream, and in when they come. Those that also make sense in a whole answer
(`stall`, `drip`, `error_event`) are played there too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.failure import NAMED, Failure
from mockllm.core.faults.base import Fault, NotApplicable, ReplyFault, ReplyFaultContext, fault
from mockllm.core.faults.connection import flowing
from mockllm.core.faults.fault_points import (
    FIRST,
    MIDDLE,
    ChunkPoint,
    GapPoint,
    alive,
    beats_before,
    chunks,
    gap,
    halves,
    piece,
    says,
)
from mockllm.core.rendering.chunk_order import first_chunks
from mockllm.core.rendering.framing import written
from mockllm.core.rendering.plan import CutStep, EventStep, Flow, Framing, Plan, RawStep, Step, WaitStep
from mockllm.core.reply.reply import Reply
from mockllm.core.values.types import Drawable, Duration, Templated

MOST: Final = 100_000
"""How often anything is repeated: a client may choose the number."""

ErrorName: TypeAlias = Literal[tuple(NAMED)]  # type: ignore[valid-type]


class ChunkFault(Fault):
    """One that strikes a chunk of a stream."""

    needs_stream: ClassVar[bool] = True

    at: ChunkPoint = Field(default=FIRST, description="Which chunk it strikes.")

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        place = piece(plan, self.at)
        if isinstance(place, NotApplicable):
            return place
        start, end = place
        steps = self.struck(plan, start, end)
        return steps if isinstance(steps, NotApplicable) else replace(plan, steps=steps)

    def struck(self, plan: Plan, start: int, end: int) -> tuple[Step, ...] | NotApplicable:
        """The plan's steps, given where those begin that say the chunk, and where they end."""
        raise NotImplementedError  # pragma: no cover - abstract


@fault("malformed")
class Malformed(ChunkFault):
    """One chunk whose data cannot be read: an intact event around broken JSON."""

    data: Templated[str] = Field(default='{"broken": ', description="What is sent as the event's data.")
    then: Literal["end", "go_on"] = Field(
        default="end", description="Whether the stream ends there, or goes on with the next chunk."
    )

    def struck(self, plan: Plan, start: int, end: int) -> tuple[Step, ...]:
        said = plan.steps[start]
        assert isinstance(said, EventStep)
        event = replace(said, payload=self.data.encode())
        rest = plan.steps[end:] if self.then == "go_on" else ()
        return (*plan.steps[:start], event, *rest)


@fault("duplicate")
class Duplicate(ChunkFault):
    """One chunk is sent more than once."""

    times: Drawable[Annotated[int, Field(ge=1, le=MOST)]] = Field(
        default=1, description="How many times more it is sent."
    )

    def struck(self, plan: Plan, start: int, end: int) -> tuple[Step, ...]:
        said = tuple(step for step in plan.steps[start:end] if type(step) is EventStep)
        return (*plan.steps[:end], *(said * self.times), *plan.steps[end:])


@fault("drop")
class Drop(ChunkFault):
    """One chunk or several in a row never come; the rest goes on as if they had."""

    count: Drawable[Annotated[int, Field(ge=1)]] = Field(
        default=1, description="How many chunks are missing."
    )

    def struck(self, plan: Plan, start: int, end: int) -> tuple[Step, ...]:
        lost = range(self.at.chunk, self.at.chunk + self.count)
        return tuple(
            step
            for step in plan.steps
            if not (type(step) is EventStep and step.kind == "say" and step.chunk_index in lost)
        )


@fault("reorder")
class Reorder(ChunkFault):
    """One chunk comes behind the next one; the times at which something comes stay."""

    def struck(self, plan: Plan, start: int, end: int) -> tuple[Step, ...] | NotApplicable:
        behind = says(plan, self.at.chunk + 1)
        if behind is None:
            return NotApplicable(f"no chunk follows chunk {self.at.chunk}")
        steps, (first, last) = plan.steps, behind
        return (*steps[:start], *steps[first:last], *steps[end:first], *steps[start:end], *steps[last:])


# --- events in two -------------------------------------------------------------------------------

Then: TypeAlias = Literal["end", "close", "reset", "go_on"]


class Splitting(ChunkFault):
    """Cuts an event in two."""

    then: Then
    pause: Drawable[Duration] = Field(
        default=0.1, description="With `go_on`: how long after the first part the second one comes."
    )

    def in_two(self, plan: Plan, index: int, place: Callable[[bytes], int]) -> tuple[Step, ...]:
        """The plan's steps, one of them cut at a place of its bytes."""
        step = plan.steps[index]
        data = next(data for number, (_, data) in enumerate(written(plan)) if number == index)
        before, behind = halves(step, data, place(data))
        begun = (*plan.steps[:index], before)
        if self.then == "go_on":
            pause = WaitStep(self.pause, step.chunk_index, scripted=True, bound=True)
            return (*begun, pause, behind, *plan.steps[index + 1 :])
        return (*begun, CutStep(self.then, step.chunk_index))


@fault("cut_event")
class CutEvent(Splitting):
    """The stream is cut in the middle of an event."""

    then: Then = Field(
        default="end",
        description="Whether the answer ends there, as HTTP has it; or the connection is closed, or reset; or "
        "the rest of the event comes after a pause.",
    )

    def struck(self, plan: Plan, start: int, end: int) -> tuple[Step, ...]:
        return self.in_two(plan, start, lambda data: len(data) // 2)


@fault("cut_utf8")
class CutUtf8(Splitting):
    """A character of several bytes comes in two parts, the first of them its first byte alone."""

    at: ChunkPoint | None = Field(  # type: ignore[assignment]
        default=None, description="In which chunk; without it in the first one that has such a character."
    )
    then: Then = Field(
        default="go_on",
        description="Whether the rest comes after a pause; or the answer ends there, as HTTP has it; or the "
        "connection is closed, or reset.",
    )

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        if self.at is not None:
            return super().apply_to_plan(plan)
        for index, step in enumerate(alive(plan)):
            if type(step) is EventStep and step.kind == "say" and not step.payload.isascii():
                return replace(plan, steps=self.in_two(plan, index, _into_character))
        return NotApplicable("no chunk has a character of several bytes")

    def struck(self, plan: Plan, start: int, end: int) -> tuple[Step, ...] | NotApplicable:
        for index in range(start, end):
            step = plan.steps[index]
            if type(step) is EventStep and not step.payload.isascii():
                return self.in_two(plan, index, _into_character)
        return NotApplicable("the chunk has no character of several bytes")


def _into_character(data: bytes) -> int:
    """Behind the first byte of the first character of several bytes."""
    return 1 + next(place for place, byte in enumerate(data) if byte >= 0x80)


# --- ends ----------------------------------------------------------------------------------------


@fault("no_terminator")
class NoTerminator(Fault):
    """What ends the stream for its protocol never comes (`[DONE]`, `message_stop`, `response.completed`, the
    bracket of a JSON array); for HTTP the answer ends as it should."""

    needs_stream: ClassVar[bool] = True

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        steps = alive(plan)
        kept = tuple(step for step in steps if not (type(step) is EventStep and step.kind == "end"))
        if plan.framing is Framing.JSON_ARRAY and len(steps) == len(plan.steps):
            return replace(plan, steps=(*kept, CutStep("end", 0)))
        if len(kept) == len(steps):
            return NotApplicable("nothing ends this stream but the end of the answer")
        return replace(plan, steps=(*kept, *plan.steps[len(steps) :]))


@fault("no_finish")
class NoFinish(ReplyFault):
    """The stream says all there is to say and never why it ends: no finish reason comes."""

    needs_stream: ClassVar[bool] = True

    def apply_to_reply(self, reply: Reply, told: ReplyFaultContext) -> Reply | NotApplicable:
        if reply.broken is not None:
            return NotApplicable("the answer breaks off with an error of its own")
        return replace(reply, unfinished=True)


@fault("error_event")
class ErrorEvent(ReplyFault):
    """The provider's own error in mid-stream, in its own form; a whole answer becomes that error."""

    shown: ClassVar[bool] = True

    after: GapPoint = Field(default=MIDDLE, description="Where the error comes.")
    type: ErrorName = Field(default="overloaded", description="Which of the named errors it is.")
    status: Templated[Annotated[int, Field(ge=400, le=599)]] | None = Field(
        default=None, description="The status of a whole answer, in place of the named error's."
    )
    message: Templated[str] | None = Field(
        default=None, description="What it says, in place of the provider's words."
    )

    def apply_to_reply(self, reply: Reply, told: ReplyFaultContext) -> Reply | NotApplicable:
        plan = told.plan(reply)
        place = gap(plan, self.after)
        if isinstance(place, NotApplicable):
            return place
        beat = place.beat if plan.streamed else beats_before(plan, self.after)
        if reply.broken is not None and beat >= chunks(plan):
            return NotApplicable("the answer breaks off there with an error of its own")
        broken = Failure(self.type, self.status, self.message)
        return replace(first_chunks(reply, beat), broken=broken)


# --- what comes when -----------------------------------------------------------------------------


@fault("stall")
class Stall(Fault):
    """Nothing comes for a while, then the answer goes on."""

    after: GapPoint = Field(default=MIDDLE, description="Where it stalls.")
    for_: Drawable[Duration] = Field(default=10.0, alias="for", description="How long.")

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        place = gap(plan, self.after)
        if isinstance(place, NotApplicable):
            return place
        if place.headless is not None:
            return replace(plan, delay=plan.delay + self.for_)
        stalled = WaitStep(self.for_, place.beat, bound=True)
        return replace(plan, steps=(*place.before, stalled, *place.behind))


@fault("drip")
class Drip(Fault):
    """The body leaves byte by byte, each in a packet of its own."""

    size: Drawable[Annotated[int, Field(ge=1)]] = Field(default=1, description="How many bytes at a time.")
    every: Drawable[Duration] = Field(default=0.001, description="How long until the next ones.")

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        return flowing(plan, Flow(self.size, self.every, head=False))


@fault("comment_flood")
class CommentFlood(Fault):
    """Many comments between two events, which a client must skip."""

    needs_stream: ClassVar[bool] = True

    after: GapPoint = Field(default=MIDDLE, description="Where they come.")
    count: Drawable[Annotated[int, Field(ge=1, le=MOST)]] = Field(default=1000, description="How many.")
    comment: str = Field(default="keep-alive", description="What each says.")
    every: Drawable[Duration] = Field(default=0.0, description="The time between two of them.")

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        if plan.framing not in ENDS:
            return NotApplicable("only server-sent events have comments")
        place = gap(plan, self.after)
        if isinstance(place, NotApplicable):
            return place
        end = ENDS[plan.framing]
        lines = [f": {line}".encode() + end for line in self.comment.splitlines() or [""]]
        said = RawStep(b"".join(lines) + end, place.beat, bound=True)
        if self.every:
            flood: tuple[Step, ...] = (said, WaitStep(self.every, place.beat, bound=True)) * self.count
        else:
            flood = (replace(said, data=said.data * self.count),)
        return replace(plan, steps=(*place.before, *flood, *place.behind))


ENDS: Final = {Framing.SSE: b"\n", Framing.SSE_CRLF: b"\r\n"}
"""How server-sent events end their lines."""


@fault("crlf")
class Crlf(Fault):
    """The lines of events end with CRLF, which the standard allows and few providers send."""

    needs_stream: ClassVar[bool] = True

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        if plan.framing is Framing.SSE:
            return replace(plan, framing=Framing.SSE_CRLF)
        if plan.framing is Framing.SSE_CRLF:
            return NotApplicable("its lines end with CRLF as it is")
        return NotApplicable("the answer is no stream of server-sent events")


@fault("coalesce")
class Coalesce(Fault):
    """Several events come in one packet, when the last of them would."""

    needs_stream: ClassVar[bool] = True

    events: Drawable[Annotated[int, Field(ge=2)]] = Field(default=4, description="How many events together.")

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        return replace(plan, steps=tuple(_together(plan, self.events)))


def _together(plan: Plan, count: int) -> Iterator[Step]:
    """The steps, those that are waited for in groups; what leaves with the head stays."""
    held: list[Step] = []
    waited, events = False, 0
    for step in plan.steps:
        if type(step) is WaitStep:
            waited = True
            yield step
        elif waited and type(step) is not CutStep:
            held.append(step)
            events += type(step) is EventStep
            if events == count:
                yield from held
                held.clear()
                events = 0
        else:
            yield from held
            held.clear()
            yield step
    yield from held
