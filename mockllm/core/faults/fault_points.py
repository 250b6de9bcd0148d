"""Fault points: the places in a response at which a fault acts, and how each is found in a plan.

`at` is a chunk, and exists in streams only. `after` is a gap between two steps. Places round down, so that a fault
sends no more through one protocol than through another. Steps after a cut no longer belong to the response.
"""

from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import Annotated, Final, Self

from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.faults.base import UNSTREAMED, FaultPoint, Needs, NotApplicable
from mockllm.core.faults.body_offsets import body_offset
from mockllm.core.rendering.framing import FramedStep, framed, head_size, steps_with_bytes, throttled
from mockllm.core.rendering.plan import ChunkText, CutKind, CutStep, EventStep, Plan, RawStep, Step, WaitStep
from mockllm.core.values.types import Drawable, Duration, Probability, Templated


class ChunkPoint(FaultPoint):
    """A chunk of the response, as it is sent."""

    chunk: Templated[Annotated[int, Field(ge=1)]] = Field(
        description="The number of the chunk, counted from 1: one visible part of the response's content."
    )


FIRST: Final = ChunkPoint.model_construct(chunk=1)


class GapPoint(FaultPoint):
    """The gap after something; exactly one of these. In a non-streaming response it is the corresponding byte."""

    chunks: Drawable[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="After so many chunks; before the first one at 0."
    )
    events: Drawable[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="After so many events of a stream, including those without content."
    )
    bytes: Drawable[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="After so many bytes of the body, as they are sent."
    )
    fraction: Drawable[Probability] | None = Field(
        default=None,
        description="After this part of the chunks; of the bytes, where a response has no chunks.",
    )
    time: Drawable[Duration] | None = Field(
        default=None,
        description="This long after the server begins to serve the request, which it has read by then; of a held "
        "response, after its release. Everything due by then is sent.",
    )

    @model_validator(mode="after")
    def one(self) -> Self:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise PydanticCustomError(
                "after", "a place is one of chunks, events, bytes, fraction and time: after: {chunks: 3}"
            )
        return self

    @property
    def needs(self) -> Needs:
        return "stream" if self.events is not None else "reply" if self.chunks is not None else "any"


MIDDLE: Final = GapPoint.model_construct(fraction=0.5)  # a default needs no validation, which takes time


def live_steps(plan: Plan) -> Sequence[Step]:
    """Return the steps up to a cut."""
    for index, step in enumerate(plan.steps):
        if type(step) is CutStep:
            return plan.steps[:index]
    return plan.steps


def _without_cuts(plan: Plan) -> Sequence[Step]:
    """Return all steps but cuts, including the steps after a cut."""
    return tuple(step for step in plan.steps if type(step) is not CutStep)


def chunk_count(plan: Plan) -> int:
    """Return how many chunks the response has."""
    return len(plan.chunk_texts) or max((step.chunk_number for step in live_steps(plan)), default=0)


def chunk_spans(plan: Plan) -> dict[int, tuple[int, int]]:
    """Return the start and end of the steps of each chunk, by its number, in the order of the plan. A chunk with an
    event that an earlier fault has divided is left out. A fault of many chunks calls it once: each call reads the
    whole plan."""
    spans: dict[int, tuple[int, int]] = {}
    divided: set[int] = set()
    for index, step in enumerate(live_steps(plan)):
        if _is_chunk(step):
            start, _ = spans.get(step.chunk_number, (index, index))
            spans[step.chunk_number] = (start, index + 1)
        elif _is_part(step):
            divided.add(step.chunk_number)
    return {number: span for number, span in spans.items() if number not in divided}


def chunk_span(plan: Plan, chunk: int) -> tuple[int, int] | None:
    """Return the start and end of the steps of a chunk; None where there is no such chunk."""
    return chunk_spans(plan).get(chunk)


def _is_chunk(step: Step) -> bool:
    return type(step) is EventStep and step.kind == "chunk"


def _is_part(step: Step) -> bool:
    """Return whether the step is a part of an event of a chunk, or has other bytes in place of the event."""
    return type(step) is RawStep and step.attached_to_chunk and (step.begins_event or step.continues_event)


def find_chunk(plan: Plan, at: ChunkPoint) -> tuple[int, int]:
    """Return the start and end of the steps of a chunk. Raise NotApplicable."""
    span = chunk_span(plan, at.chunk)
    if span is None:
        if at.chunk <= chunk_count(plan):
            raise NotApplicable(f"chunk {at.chunk} is not sent by itself")
        raise too_few(chunk_count(plan), "chunk")
    return span


def too_few(count: int, unit: str) -> NotApplicable:
    return NotApplicable(f"the response has only {count} {unit}{'s' if count != 1 else ''}")


class Gap(Struct, frozen=True):
    """A place between two steps of a plan: the steps before and after it.

    `seconds_before_head` is set where the place lies before the head: the seconds from the start of `Plan.delay`.
    Then there are no steps before it.
    """

    before: Sequence[Step]
    after: Sequence[Step]
    seconds_before_head: float | None = None

    @property
    def chunk_number(self) -> int:
        """The number of the last chunk before the place."""
        return self.before[-1].chunk_number if self.before else 0


def find_gap(plan: Plan, after: GapPoint) -> Gap:
    """Return the place in the plan. Raise NotApplicable."""
    if after.time is not None:
        return _after_time(plan, after.time)
    if after.bytes is not None:
        return _after_bytes(plan, after.bytes)
    if after.events is not None:
        return _after_events(plan, after.events)
    if after.chunks is not None:
        return _after_chunks(plan, after.chunks)
    assert after.fraction is not None
    if plan.streamed or _locatable_texts(plan):
        return _after_chunks(plan, int(after.fraction * chunk_count(plan) + 1e-9))
    return _after_bytes(plan, int(after.fraction * _size(plan) + 1e-9))


def _at(plan: Plan, index: int) -> Gap:
    return Gap(plan.steps[:index], plan.steps[index:])


def belongs_to_chunk(step: Step) -> bool:
    """Return whether a place after the step's chunk is after the step.

    The same holds for steps of the chunk and for steps that a fault inserted after it. So several faults at one
    place act in their order.
    """
    return _is_chunk(step) or _is_added(step) or (type(step) is RawStep and step.attached_to_chunk)


def _locatable_texts(plan: Plan) -> Sequence[ChunkText]:
    """Return the texts of the chunks of a non-streaming response; none where its body is truncated."""
    truncated = any(type(step) is CutStep and step.how == "end" for step in plan.steps)
    return () if truncated else plan.chunk_texts


def _after_chunks(plan: Plan, count: int) -> Gap:
    if not (plan.streamed or _locatable_texts(plan)):
        raise NotApplicable("the response has no chunks")
    if count > chunk_count(plan):
        raise too_few(chunk_count(plan), "chunk")
    steps = live_steps(plan)
    if not plan.streamed:
        body = b"".join(data for _, data in steps_with_bytes(replace(plan, steps=_without_cuts(plan))))
        return _after_bytes(plan, body_offset(body, plan.chunk_texts, count))
    last = max(
        (index for index, step in enumerate(steps) if belongs_to_chunk(step) and step.chunk_number <= count),
        default=-1,
    )
    after_opening = (
        index for index, step in enumerate(steps) if not (type(step) is EventStep and step.kind == "open")
    )
    return _at(plan, max(last + 1, next(after_opening, len(steps))))


def _after_events(plan: Plan, count: int) -> Gap:
    if not plan.streamed:
        raise NotApplicable(UNSTREAMED)
    steps = live_steps(plan)
    ends = [0, *(end for _, end in event_spans(steps))]
    if count >= len(ends):
        raise too_few(len(ends) - 1, "event")
    index = ends[count]
    while index < len(steps) and _is_added(steps[index]):
        index += 1
    return _at(plan, index)


def event_spans(steps: Sequence[Step]) -> list[tuple[int, int]]:
    """Return the start and end of each event that no fault has added. A fault may have divided it into several
    steps, or cut it."""
    spans: list[tuple[int, int]] = []
    for index, step in enumerate(steps):
        if type(step) is EventStep:
            if step.kind != "added":
                spans.append((index, index + 1))
        elif type(step) is RawStep and step.begins_event:
            spans.append((index, index + 1))
        elif spans:
            start, end = spans[-1]
            cuts_event = type(step) is CutStep and end == index and type(steps[index - 1]) is RawStep
            if cuts_event or (type(step) is RawStep and step.continues_event):
                spans[-1] = start, index + 1
    return spans


def _is_added(step: Step) -> bool:
    """Return whether an earlier fault has added the step at a place: an event, a comment or a wait."""
    if type(step) is RawStep:
        return step.attached_to_chunk and not _is_part(step)
    return (
        step.kind == "added" if type(step) is EventStep else type(step) is WaitStep and step.attached_to_chunk
    )


def find_event_gap(plan: Plan, after: GapPoint) -> Gap:
    """Return a place between two events: that of `find_gap`, or before the event that it divides. Raise
    NotApplicable."""
    gap = find_gap(plan, after)
    if after.time is not None and plan.delivery.throttles and gap.seconds_before_head is None:
        gap = _of_slices(plan, gap)
    index = len(gap.before)
    divides_step = index > 0 and gap.before[-1] is not plan.steps[index - 1]
    first = index - divides_step
    inside_step = divides_step and type(gap.before[-1]) is not WaitStep
    for start, end in event_spans(plan.steps):
        if start < index < end or (inside_step and start <= first < end):
            return _at(plan, start)
    return _at(plan, first) if inside_step else gap


def _of_slices(plan: Plan, gap: Gap) -> Gap:
    """Return the place in a plan with throttles for a place between slices of its events. It has as many bytes before
    it, and as many seconds to the next byte."""
    left = sum(len(step.data) for step in gap.before if type(step) is RawStep)
    waits = takewhile(lambda step: type(step) is WaitStep, gap.after)
    rest = sum(step.seconds for step in waits if type(step) is WaitStep)
    index = len(live_steps(plan))
    for number, (step, data) in enumerate(steps_with_bytes(plan)):
        if left < len(data):
            if left:
                return _inside_step(plan, number, step, data, left)
            index = number
            break
        left -= len(data)
    while index and type(wait := plan.steps[index - 1]) is WaitStep and rest > 0:
        index -= 1
        if wait.seconds > rest:
            return _inside_wait(plan, index, wait, wait.seconds - rest)
        rest -= wait.seconds
    return _at(plan, index)


def _after_bytes(plan: Plan, count: int) -> Gap:
    if count > _size(plan):
        raise too_few(_size(plan), "byte")
    left = count
    for index, (step, data) in enumerate(steps_with_bytes(plan)):
        if left == 0:
            if _is_added(step):
                continue
            return _at(plan, index)
        if left < len(data):
            return _inside_step(plan, index, step, data, left)
        left -= len(data)
    return _at(plan, len(live_steps(plan)))


def _inside_step(plan: Plan, index: int, step: Step, data: bytes, at: int) -> Gap:
    before, after = split_step(step, data, at)
    return Gap((*plan.steps[:index], before), (after, *plan.steps[index + 1 :]))


def _size(plan: Plan) -> int:
    return sum(len(data) for _, data in steps_with_bytes(plan))


def split_step(step: Step, data: bytes, at: int) -> tuple[RawStep, RawStep]:
    """Return a step's bytes as two steps."""
    begins = type(step) is EventStep or (type(step) is RawStep and step.begins_event)
    continues = type(step) is RawStep and step.continues_event
    number, attached = step.chunk_number, belongs_to_chunk(step)
    return (
        RawStep(data[:at], number, begins, attached, continues),
        RawStep(data[at:], number, False, attached, begins or continues),
    )


def _after_time(plan: Plan, seconds: float) -> Gap:
    if seconds < plan.delay:
        return Gap((), plan.steps, seconds)
    now = plan.delay + plan.delivery.head_seconds
    if seconds < now:
        raise NotApplicable("its head is still being sent then")
    if plan.delivery.throttles:
        plan = replace(plan, steps=_with_flows(plan))
    for index, step in enumerate(live_steps(plan)):
        if type(step) is WaitStep:
            if now + step.seconds > seconds:
                return _inside_wait(plan, index, step, seconds - now)
            now += step.seconds
    if seconds > now:
        raise NotApplicable(f"the response takes only {round(now, 3):g} s")
    return _at(plan, len(live_steps(plan)))


def _inside_wait(plan: Plan, index: int, wait: WaitStep, seconds: float) -> Gap:
    """Return the place so many seconds after the start of a wait."""
    before, after = (replace(wait, seconds=part) for part in (seconds, wait.seconds - seconds))
    return Gap((*plan.steps[:index], before), (after, *plan.steps[index + 1 :]))


def _with_flows(plan: Plan) -> tuple[Step, ...]:
    """Return the steps with the waits of the plan's throttles."""
    items: Iterable[FramedStep] = framed(plan)
    for throttle in plan.delivery.throttles:
        items = throttled(items, throttle, head_size(plan) + ADDED_HEAD_BYTES)
    steps = tuple(RawStep(item, 0) if isinstance(item, bytes) else item for item in items)
    return (*steps, *plan.steps[len(live_steps(plan)) + 1 :])


ADDED_HEAD_BYTES: Final = 150
"""The bytes by which the head grows after the faults. Flows are applied to the steps first and to the connection
later: a larger head here means that the throttle delays no byte twice."""


def chunks_before(plan: Plan, after: GapPoint) -> int:
    """Return how many chunks of a non-streaming response are before a place; all, for a place of bytes or time."""
    if after.fraction is not None:
        return int(after.fraction * chunk_count(plan) + 1e-9)
    return chunk_count(plan) if after.chunks is None else after.chunks


def cut_at(plan: Plan, gap: Gap, how: CutKind) -> Plan:
    """Return the plan cut at a place. The steps after the cut remain, since a `content-length` counts them."""
    if gap.seconds_before_head is not None:
        return withhold(plan, gap.seconds_before_head, how)
    return replace(plan, steps=(*gap.before, CutStep(how, gap.chunk_number), *gap.after))


def withhold(plan: Plan, seconds: float, how: CutKind) -> Plan:
    """Return a plan that sends no byte, and is cut so many seconds after the start of `Plan.delay`."""
    withheld = replace(plan.delivery, sends_nothing=True)
    return replace(plan, steps=(CutStep(how, 0),), delay=seconds, delivery=withheld)
