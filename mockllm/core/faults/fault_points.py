"""Where in an answer a fault strikes, and how a place is found in a plan.

`at` is a piece itself, and exists in streams only; `after` is the gap behind something. Places round down, so
that no protocol says more than another. What lies behind a cut is no part of the answer any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Annotated, Final

from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.faults.base import UNSTREAMED, FaultPoint, Needs, NotApplicable
from mockllm.core.json.codec import dumps
from mockllm.core.rendering.framing import Item, flowing, framed, head_size, written
from mockllm.core.rendering.plan import CutStep, EventStep, How, Plan, RawStep, Spoken, Step, WaitStep
from mockllm.core.values.types import Drawable, Duration, Probability, Templated


class ChunkPoint(FaultPoint):
    """A piece of the answer, as it is sent."""

    chunk: Templated[Annotated[int, Field(ge=1)]] = Field(
        description="The number of the chunk, counted from 1: one visible piece of the answer's content."
    )


FIRST: Final = ChunkPoint.model_construct(chunk=1)


class GapPoint(FaultPoint):
    """The gap behind something; exactly one of these. In a whole answer the byte where it would be said."""

    chunks: Drawable[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="Behind so many chunks; before the first one at 0."
    )
    events: Drawable[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="Behind so many events of a stream, those without content too."
    )
    bytes: Drawable[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="Behind so many bytes of the body, as they are sent."
    )
    fraction: Drawable[Probability] | None = Field(
        default=None,
        description="Behind this part of the chunks; of the bytes, where an answer has no chunks.",
    )
    time: Drawable[Duration] | None = Field(
        default=None, description="This long after the request's last byte; what is due by then is sent."
    )

    @model_validator(mode="after")
    def one(self) -> GapPoint:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise PydanticCustomError(
                "after", "a place is one of chunks, events, bytes, fraction and time: after: {chunks: 3}"
            )
        return self

    @property
    def needs(self) -> Needs:
        return "stream" if self.events is not None else "reply" if self.chunks is not None else "any"


MIDDLE: Final = GapPoint.model_construct(fraction=0.5)  # checking is for what is written, and takes time


# --- pieces --------------------------------------------------------------------------------------


def alive(plan: Plan) -> Sequence[Step]:
    """The steps up to a cut."""
    for index, step in enumerate(plan.steps):
        if type(step) is CutStep:
            return plan.steps[:index]
    return plan.steps


def _uncut(plan: Plan) -> Sequence[Step]:
    """The steps, those behind a cut too."""
    return tuple(step for step in plan.steps if type(step) is not CutStep)


def chunks(plan: Plan) -> int:
    """How many chunks the answer has."""
    return len(plan.chunk_texts) or max((step.chunk_index for step in alive(plan)), default=0)


def says(plan: Plan, chunk: int) -> tuple[int, int] | None:
    """The steps that say a chunk, from the first to behind the last; None where there is no such chunk."""
    found = [index for index, step in enumerate(alive(plan)) if _says(step) and step.chunk_index == chunk]
    return (found[0], found[-1] + 1) if found else None


def _says(step: Step) -> bool:
    return type(step) is EventStep and step.kind == "say"


def piece(plan: Plan, at: ChunkPoint) -> tuple[int, int] | NotApplicable:
    """Where the steps that say a chunk begin, and where they end."""
    place = says(plan, at.chunk)
    if place is None:
        gone = at.chunk <= chunks(plan)
        return (
            NotApplicable(f"chunk {at.chunk} is not sent by itself") if gone else only(chunks(plan), "chunk")
        )
    return place


def only(count: int, what: str) -> NotApplicable:
    return NotApplicable(f"the answer has only {count} {what}{'s' if count != 1 else ''}")


# --- gaps ----------------------------------------------------------------------------------------


class Gap(Struct, frozen=True):
    """A plan's steps before a place and behind it. `headless`: the place lies before the head, which leaves
    later: then so many seconds from the request's last byte, and nothing stands before it."""

    before: Sequence[Step]
    behind: Sequence[Step]
    headless: float | None = None

    @property
    def beat(self) -> int:
        """The number of the last piece said before it."""
        return self.before[-1].chunk_index if self.before else 0


def gap(plan: Plan, after: GapPoint) -> Gap | NotApplicable:
    """The place in the plan, or why there is none."""
    if after.time is not None:
        return _behind_time(plan, after.time)
    if after.bytes is not None:
        return _behind_bytes(plan, after.bytes)
    if after.events is not None:
        return _behind_events(plan, after.events)
    if after.chunks is not None:
        return _behind_chunks(plan, after.chunks)
    assert after.fraction is not None
    if plan.streamed or _spoken(plan):
        return _behind_chunks(plan, int(after.fraction * chunks(plan) + 1e-9))
    return _behind_bytes(plan, int(after.fraction * _size(plan) + 1e-9))


def _at(plan: Plan, index: int) -> Gap:
    return Gap(plan.steps[:index], plan.steps[index:])


def bound(step: Step) -> bool:
    """Whether a place behind the step's beat is behind the step: it says the beat or some of it, or a fault put
    it there. So what several faults do at one place comes in their order."""
    return _says(step) or ((type(step) is WaitStep or type(step) is RawStep) and step.bound)


def _spoken(plan: Plan) -> Sequence[Spoken]:
    """What a whole answer says, where all of it is there to be found."""
    truncated = any(type(step) is CutStep and step.how == "end" for step in plan.steps)
    return () if truncated else plan.chunk_texts


def _behind_chunks(plan: Plan, count: int) -> Gap | NotApplicable:
    if not (plan.streamed or _spoken(plan)):
        return NotApplicable("the answer has no chunks")
    if count > chunks(plan):
        return only(chunks(plan), "chunk")
    steps = alive(plan)
    if not plan.streamed:
        body = b"".join(data for _, data in written(replace(plan, steps=_uncut(plan))))
        return _behind_bytes(plan, where_said(body, plan.chunk_texts, count))
    said = max(
        (index for index, step in enumerate(steps) if bound(step) and step.chunk_index <= count), default=-1
    )
    opened = (
        index for index, step in enumerate(steps) if not (type(step) is EventStep and step.kind == "open")
    )
    return _at(plan, max(said + 1, next(opened, len(steps))))


def _behind_events(plan: Plan, count: int) -> Gap | NotApplicable:
    if not plan.streamed:
        return UNSTREAMED
    ends = [0, *_ends(alive(plan))]
    if count >= len(ends):
        return only(len(ends) - 1, "event")
    return _at(plan, _behind_put(plan, ends[count]))


def _ends(steps: Sequence[Step]) -> Iterator[int]:
    """Behind each event; of one that was parted, behind its second half."""
    begun = False
    for index, step in enumerate(steps):
        if type(step) is EventStep or (begun and type(step) is RawStep):
            yield index + 1
            begun = False
        elif type(step) is RawStep:
            begun = step.event


def _behind_put(plan: Plan, index: int) -> int:
    """Behind the waits and comments that a fault put there before."""
    steps = alive(plan)
    while index < len(steps) and _put(steps[index]):
        index += 1
    return index


def _put(step: Step) -> bool:
    return (type(step) is WaitStep or (type(step) is RawStep and not step.event)) and step.bound


def _behind_bytes(plan: Plan, count: int) -> Gap | NotApplicable:
    if count > _size(plan):
        return only(_size(plan), "byte")
    left = count
    for index, (step, data) in enumerate(written(plan)):
        if left == 0 and not (type(step) is WaitStep and step.bound):
            return _at(plan, index)
        if left < len(data):
            before, behind = halves(step, data, left)
            return Gap((*plan.steps[:index], before), (behind, *plan.steps[index + 1 :]))
        left -= len(data)
    return _at(plan, len(alive(plan)))


def _size(plan: Plan) -> int:
    return sum(len(data) for _, data in written(plan))


def halves(step: Step, data: bytes, at: int) -> tuple[RawStep, RawStep]:
    """A step's bytes in two."""
    event = type(step) is EventStep or (type(step) is RawStep and step.event)
    return RawStep(data[:at], step.chunk_index, event, bound(step)), RawStep(
        data[at:], step.chunk_index, bound=bound(step)
    )


def _behind_time(plan: Plan, seconds: float) -> Gap | NotApplicable:
    if seconds < plan.delay:
        return Gap((), plan.steps, seconds)
    now = plan.delay + plan.delivery.over
    if seconds < now:
        return NotApplicable("its head is still leaving then")
    if plan.delivery.flows:
        plan = replace(plan, steps=_flowed(plan))
    for index, step in enumerate(alive(plan)):
        if type(step) is WaitStep:
            if now + step.seconds > seconds:
                before, behind = (
                    replace(step, seconds=each) for each in (seconds - now, now + step.seconds - seconds)
                )
                return Gap((*plan.steps[:index], before), (behind, *plan.steps[index + 1 :]))
            now += step.seconds
    if seconds > now:
        return NotApplicable(f"the answer takes only {round(now, 3):g} s")
    return _at(plan, len(alive(plan)))


def _flowed(plan: Plan) -> tuple[Step, ...]:
    """The steps as its flows let them leave."""
    items: Iterable[Item] = framed(plan)
    for flow in plan.delivery.flows:
        items = flowing(items, flow, head_size(plan) + ADDED)
    left = tuple(RawStep(item, 0) if isinstance(item, bytes) else item for item in items)
    return (*left, *plan.steps[len(alive(plan)) + 1 :])


ADDED: Final = 150
"""More bytes than the headers have that an answer gets behind its faults: what has flowed does not flow later."""


def beats_before(plan: Plan, after: GapPoint) -> int:
    """How many beats of a whole answer are said before a place; all, where it is one of bytes or time."""
    if after.fraction is not None:
        return int(after.fraction * chunks(plan) + 1e-9)
    return chunks(plan) if after.chunks is None else after.chunks


# --- whole answers -------------------------------------------------------------------------------


def where_said(body: bytes, spoken: Sequence[Spoken], count: int) -> int:
    """The byte of a whole answer's body behind its first so many beats. A beat that does not stand in it as
    text (it is of another choice than the first, or in an object) is left out: rounding down."""
    first: int | None = None
    place = 0
    for beat, start, end in _found(body, spoken):
        first = start if first is None else first
        if beat <= count:
            place = end
    return place or first or 0


def _found(body: bytes, spoken: Sequence[Spoken]) -> Iterator[tuple[int, int, int]]:
    """The beats of the first choice that stand in the body: number, begin and end of each."""
    numbered = [(part, beat, text) for beat, (part, text) in enumerate(spoken, 1) if part >= 0]
    since = 0
    for _, of_part in groupby(numbered, key=lambda each: each[0]):
        pieces = [(beat, text) for _, beat, text in of_part]
        if not any(text for _, text in pieces):
            continue
        for escaped in (_json, _json_with_escaped_brackets):
            whole = b'"' + escaped("".join(text for _, text in pieces)) + b'"'
            start = body.find(whole, since)
            if start >= 0:
                since, start = start + len(whole), start + 1
                for beat, text in pieces:
                    end = start + len(escaped(text))
                    yield beat, start, end
                    start = end
                break


def _json(text: str) -> bytes:
    return dumps(text)[1:-1]


def _json_with_escaped_brackets(text: str) -> bytes:
    """Some providers write angle brackets as escapes."""
    return _json(text).replace(b"<", b"\\u003c").replace(b">", b"\\u003e")


# --- cuts ----------------------------------------------------------------------------------------


def cut(plan: Plan, at: Gap, how: How) -> Plan:
    """The plan cut at a place. What lies behind it stays, for the length that a whole answer's head tells."""
    if at.headless is not None:
        return headless(plan, at.headless, how)
    return replace(plan, steps=(*at.before, CutStep(how, at.beat), *at.behind))


def headless(plan: Plan, seconds: float, how: How) -> Plan:
    """The plan of which nothing is sent, and which is cut so many seconds from the request's last byte."""
    withheld = replace(plan.delivery, withheld=True)
    return replace(plan, steps=(CutStep(how, 0),), delay=seconds, delivery=withheld)
