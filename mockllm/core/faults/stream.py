"""Faults in the events of a stream and in their timing. `stall`, `drip` and `error_event` apply to non-streaming
responses, too.
"""

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.faults.base import MAX_REPEATS, NotApplicable, fault, require_few_steps
from mockllm.core.faults.chunk_fault import ChunkFault, Splitting, Then
from mockllm.core.faults.fault_points import ChunkPoint, chunk_count, chunk_span, chunk_spans, live_steps
from mockllm.core.rendering.aws_event_stream import PRELUDE_CHECKSUM
from mockllm.core.rendering.framing import EVENT_FRAMINGS
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, Step
from mockllm.core.values.types import Drawable, Templated


@fault("malformed", "stream")
class Malformed(ChunkFault):
    """The data of one chunk cannot be parsed: an intact event around broken JSON."""

    data: Templated[str] = Field(default='{"broken": ', description="The event's data.")
    then: Literal["end", "go_on"] = Field(
        default="end", description="Whether the stream ends there, or continues with the next chunk."
    )

    def apply_to_chunk(self, plan: Plan, start: int, end: int) -> tuple[Step, ...]:
        step = plan.steps[start]
        assert isinstance(step, EventStep)
        event = replace(step, payload=self.data.encode())
        rest = plan.steps[end:] if self.then == "go_on" else ()
        return (*plan.steps[:start], event, *rest)


@fault("duplicate", "stream")
class Duplicate(ChunkFault):
    """One chunk is sent more than once."""

    times: Drawable[Annotated[int, Field(ge=1, le=MAX_REPEATS)]] = Field(
        default=1, description="How many more times it is sent."
    )

    def apply_to_chunk(self, plan: Plan, start: int, end: int) -> tuple[Step, ...]:
        events = tuple(step for step in plan.steps[start:end] if type(step) is EventStep)
        require_few_steps(plan, len(events) * self.times)
        return (*plan.steps[:end], *(events * self.times), *plan.steps[end:])


@fault("drop", "stream")
class Drop(ChunkFault):
    """One chunk or several in a row are missing; the rest is sent as if they were there."""

    count: Drawable[Annotated[int, Field(ge=1, le=MAX_REPEATS)]] = Field(
        default=1, description="How many chunks are missing."
    )

    def apply_to_chunk(self, plan: Plan, start: int, end: int) -> tuple[Step, ...]:
        lost = chunk_spans(plan).keys() & range(self.at.chunk, self.at.chunk + self.count)
        return tuple(
            step
            for step in plan.steps
            if not (type(step) is EventStep and step.kind == "chunk" and step.chunk_number in lost)
        )


@fault("reorder", "stream")
class Reorder(ChunkFault):
    """One chunk comes after the next one; the times of the two stay. The whole events change places: counts that a
    protocol repeats in each chunk, such as Gemini's, decrease once."""

    further_chunks: ClassVar[int] = 1

    def apply_to_chunk(self, plan: Plan, start: int, end: int) -> tuple[Step, ...]:
        following = chunk_span(plan, self.at.chunk + 1)
        if following is None:
            next_chunk = self.at.chunk + 1
            if next_chunk <= chunk_count(plan):
                raise NotApplicable(f"chunk {next_chunk} is not sent by itself")
            raise NotApplicable(f"no chunk follows chunk {self.at.chunk}")
        steps, (first, last) = plan.steps, following
        if first < start:  # an earlier fault has moved it
            raise NotApplicable(f"chunk {self.at.chunk} already comes after chunk {self.at.chunk + 1}")
        return (*steps[:start], *steps[first:last], *steps[end:first], *steps[start:end], *steps[last:])


@fault("cut_event", "stream")
class CutEvent(Splitting):
    """The stream is cut in the middle of an event."""

    then: Then = Field(
        default="end",
        description="Whether the response ends there, correctly for HTTP; or the connection is closed, or reset; or "
        "the rest of the event comes after a pause.",
    )

    def apply_to_chunk(self, plan: Plan, start: int, end: int) -> tuple[Step, ...]:
        events = _chunk_events(plan, start, lambda step: True)
        return self.split_each(plan, events, lambda step: lambda data: len(data) // 2)


@fault("cut_utf8", "stream")
class CutUtf8(Splitting):
    """A character of several bytes comes in two parts: first its first byte, then the rest."""

    at: ChunkPoint | None = Field(  # type: ignore[assignment]
        default=None, description="Which chunk; by default the first one that has such a character."
    )
    then: Then = Field(
        default="go_on",
        description="Whether the rest comes after a pause; or the response ends there, correctly for HTTP; or the "
        "connection is closed, or reset.",
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        if plan.framing is Framing.AWS_EVENT_STREAM_BYTES:
            raise NotApplicable("the bytes of its events are in base64")
        if self.at is not None:
            return super().apply_to_plan(plan)
        if events := _chunk_events(plan, 0, _has_long_character):
            return replace(plan, steps=self.split_each(plan, events, _inside_character))
        raise NotApplicable("no chunk has a character of several bytes")

    def apply_to_chunk(self, plan: Plan, start: int, end: int) -> tuple[Step, ...]:
        events = _chunk_events(plan, start, _has_long_character)
        if events and events[0] < end:
            return self.split_each(plan, events, _inside_character)
        raise NotApplicable("the chunk has no character of several bytes")


def _chunk_events(plan: Plan, start: int, wanted: Callable[[EventStep], bool]) -> list[int]:
    """Return the indices of the wanted events of chunks, from a step on."""
    return [
        index
        for index, step in enumerate(live_steps(plan))
        if index >= start and type(step) is EventStep and step.kind == "chunk" and wanted(step)
    ]


def _has_long_character(step: EventStep) -> bool:
    return not step.payload.isascii()


def _inside_character(step: Step) -> Callable[[bytes], int]:
    """Return what finds the offset after the first byte of the payload's first character of several bytes."""
    assert isinstance(step, EventStep)
    inside = 1 + next(offset for offset, byte in enumerate(step.payload) if byte >= 0x80)
    return lambda data: data.index(step.payload) + inside


@fault("bad_checksum", "stream")
class BadChecksum(ChunkFault):
    """The frame of one chunk has a wrong checksum. Only the frames of a binary event stream have checksums."""

    of: Literal["frame", "prelude"] = Field(
        default="frame", description="Whether the checksum of the frame is wrong, or that of its lengths."
    )
    then: Literal["end", "go_on"] = Field(
        default="go_on", description="Whether the stream ends there, or continues with the next chunk."
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        if plan.framing not in (Framing.AWS_EVENT_STREAM, Framing.AWS_EVENT_STREAM_BYTES):
            raise NotApplicable("only the frames of a binary event stream have checksums")
        return super().apply_to_plan(plan)

    def apply_to_chunk(self, plan: Plan, start: int, end: int) -> tuple[Step, ...]:
        step = plan.steps[start]
        assert isinstance(step, EventStep)
        frame = bytearray(EVENT_FRAMINGS[plan.framing].write(step))
        frame[-1 if self.of == "frame" else PRELUDE_CHECKSUM] ^= 1
        damaged = RawStep(bytes(frame), step.chunk_number, begins_event=True, attached_to_chunk=True)
        rest = plan.steps[end:] if self.then == "go_on" else ()
        return (*plan.steps[:start], damaged, *rest)
