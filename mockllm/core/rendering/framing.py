"""How events become bytes: server-sent events with LF or CRLF, newline-delimited JSON, a JSON array, binary frames,
or none.

Framing happens when a plan is written. The bytes before the first event, between two and after the last depend
on the events that faults leave. Google's endpoints end lines with CRLF, and write the array as `[{…}`, `,` and
`]` on separate lines. Source: WHATWG HTML section 9.2 (server-sent events).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.rendering.aws_event_stream import write_bytes_event, write_event
from mockllm.core.rendering.plan import (
    CutKind,
    CutStep,
    EventStep,
    Framing,
    Plan,
    RawStep,
    Step,
    StepOutsideHttpChunks,
    Throttle,
    WaitStep,
)
from mockllm.core.rendering.websocket_frames import binary_frame, text_frame

FramedStep: TypeAlias = bytes | StepOutsideHttpChunks | WaitStep | CutStep
"""A step of a plan as it is written: the bytes of an event in its framing, raw bytes, or a step of another kind."""


class EventFraming(Struct, frozen=True):
    """How a framing writes each event, and the bytes that it writes around events."""

    write: Callable[[EventStep], bytes]
    opening: bytes = b""
    between: bytes = b""
    closing: bytes = b""


def _bare(step: EventStep) -> bytes:
    return step.payload


def _sse_writer(space: bytes, line_end: bytes) -> Callable[[EventStep], bytes]:
    """Return the function that writes an event as SSE, with this text after the colons and at the ends of lines."""
    event_line, id_line = (b"%b:%b%%b%b" % (name, space, line_end) for name in (b"event", b"id"))
    data_line = b"data:%b%%b%b" % (space, 2 * line_end)

    def write(step: EventStep) -> bytes:
        lines = data_line % step.payload
        if step.id is not None:
            lines = id_line % step.id.encode() + lines
        return lines if step.event is None else event_line % step.event.encode() + lines

    return write


def _ndjson(step: EventStep) -> bytes:
    return step.payload + b"\n"


EVENT_FRAMINGS: Final[dict[Framing, EventFraming]] = {
    Framing.PLAIN: EventFraming(_bare),
    Framing.SSE: EventFraming(_sse_writer(b" ", b"\n")),
    Framing.SSE_CRLF: EventFraming(_sse_writer(b" ", b"\r\n")),
    Framing.SSE_DENSE: EventFraming(_sse_writer(b"", b"\n")),
    Framing.SSE_DENSE_CRLF: EventFraming(_sse_writer(b"", b"\r\n")),
    Framing.NDJSON: EventFraming(_ndjson),
    Framing.JSON_ARRAY: EventFraming(_bare, b"[", b"\n,\r\n", b"\n]"),
    Framing.AWS_EVENT_STREAM: EventFraming(write_event),
    Framing.AWS_EVENT_STREAM_BYTES: EventFraming(write_bytes_event),
    Framing.WEBSOCKET: EventFraming(lambda step: text_frame(step.payload)),
    Framing.WEBSOCKET_BINARY: EventFraming(lambda step: binary_frame(step.payload)),
    Framing.BYTES: EventFraming(_bare),
}


def framed(plan: Plan) -> Iterator[FramedStep]:
    """Return the plan's steps in order, events as their bytes. The last item closes what the framing opened; a
    stream that is cut has no such item."""
    framing = EVENT_FRAMINGS[plan.framing]
    write, before, closing = framing.write, framing.opening, b""
    for step in plan.steps:
        if type(step) is EventStep:
            yield before + write(step)
            before, closing = framing.between, framing.closing
        elif type(step) is RawStep:
            yield step.data
            if step.begins_event:
                before, closing = framing.between, framing.closing
        else:
            yield step  # type: ignore[misc]
            if type(step) is CutStep:
                return
    if closing:
        yield closing


def framed_at_once(plan: Plan) -> Sequence[bytes] | None:
    """Return the bytes of all steps as `framed` does; None where a step is no bytes of the body."""
    framing = EVENT_FRAMINGS[plan.framing]
    if not (framing.opening or framing.between or framing.closing):
        events = [step for step in plan.steps if type(step) is EventStep]
        if len(events) == len(plan.steps):  # of most streams, in a third of the time
            return list(map(framing.write, events))
    found: list[bytes] = []
    for item in framed(plan):
        if type(item) is not bytes:
            return None
        found.append(item)
    return found


def closing_bytes(plan: Plan) -> bytes:
    """Return the bytes that the framing writes after the last event."""
    began = any(
        type(step) is EventStep or (type(step) is RawStep and step.begins_event) for step in plan.steps
    )
    cut = any(type(step) is CutStep for step in plan.steps)
    return EVENT_FRAMINGS[plan.framing].closing if began and not cut else b""


def steps_with_bytes(plan: Plan) -> Iterator[tuple[Step, bytes]]:
    """Return each step up to a cut with its bytes in the framing; a wait and a `StepOutsideHttpChunks` have none."""
    for step, written in zip(plan.steps, framed(plan), strict=False):
        if type(step) is CutStep:
            return
        yield step, written if type(written) is bytes else b""


def throttled(
    steps: Iterable[FramedStep], throttle: Throttle, sent: int = 0, joined: int = 1
) -> Iterator[FramedStep]:
    """Return the steps with their bytes in slices of a throttle's size. `sent` bytes were written before. `joined`
    slices are one, which takes as long as all of them: only the times between them are lost.

    A wait elapses while bytes flow, so only the rest of it is waited. A cut acts at its time, after the last bytes
    before it. `elapsed`, `due` and `free` are in seconds since the first step: now, when the next step is due, and
    when the throttle takes bytes again.
    """
    elapsed = due = 0.0
    # a throttle that excludes the head waits for one gap after it
    free = throttle.gap * (sent / throttle.size if throttle.head else bool(sent))
    for step in steps:
        if isinstance(step, WaitStep):
            due = (max(due, elapsed) if step.after_write else due) + step.seconds
            continue
        for part in _slices(step, throttle.size * joined):
            start = max(due, elapsed if isinstance(part, CutStep) else free)
            if start > elapsed:
                yield WaitStep(start - elapsed, 0)
                elapsed = start
            yield part
            if not isinstance(part, CutStep):
                free = start + throttle.gap * _length(part) / throttle.size
    if max(due, free) > elapsed:
        yield WaitStep(max(due, free) - elapsed, 0)


def _slices(
    step: bytes | StepOutsideHttpChunks | CutStep, size: int
) -> Iterator[bytes | StepOutsideHttpChunks | CutStep]:
    if isinstance(step, CutStep):
        yield step
    elif isinstance(step, StepOutsideHttpChunks):
        yield from (
            StepOutsideHttpChunks(step.data[at : at + size], step.chunk_number)
            for at in range(0, len(step.data), size)
        )
    else:
        yield from (step[at : at + size] for at in range(0, len(step), size))


def _length(part: bytes | StepOutsideHttpChunks) -> int:
    return len(part) if isinstance(part, bytes) else len(part.data)


def head_size(plan: Plan) -> int:
    """Return about how many bytes a head has. The server's lines are not known before the head is written."""
    planned = sum(len(name) + len(value) + 4 for name, value in plan.head.headers)
    return 0 if plan.delivery.sends_nothing else SERVER_LINES + planned


SERVER_LINES: Final = 150
"""Bytes, about, of the lines that a server adds to a head."""


def plan_duration(plan: Plan) -> float:
    """Return the planned seconds from when the server begins to serve the request to the end of the plan, or to its
    cut. A held response counts from its release. Infinite for a response that falls silent without an end."""
    total, how = _end(plan)
    return inf if how == "silence" else total


def seconds_until_end_or_silence(plan: Plan) -> float:
    """Return what `plan_duration` does; for a response that falls silent, the seconds until its silence begins."""
    return _end(plan)[0]


MAX_TIMED_SLICES: Final = 1_000
"""The most slices, about, for which a plan's end is computed exactly: each takes two microseconds. Of a body with
more, the times of waits and cuts inside of it differ by at most this part of the body's time."""


def _end(plan: Plan) -> tuple[float, CutKind]:
    total = plan.delay + plan.delivery.head_seconds
    for step in _throttled_as_planned(plan) if plan.delivery.throttles else plan.steps:
        if isinstance(step, WaitStep):
            total += step.seconds
        elif isinstance(step, CutStep):
            return total, step.how
    return total, "end"


def _throttled_as_planned(plan: Plan) -> Iterable[FramedStep]:
    """Return the steps as all throttles of a plan let them pass, in about `MAX_TIMED_SLICES` slices for each."""
    items: Sequence[FramedStep] = list(framed(plan))
    size = sum(0 if isinstance(item, WaitStep | CutStep) else _length(item) for item in items)
    steps: Iterable[FramedStep] = items
    for throttle in plan.delivery.throttles:
        joined = -(-size // (throttle.size * MAX_TIMED_SLICES)) or 1
        steps = throttled(steps, throttle, head_size(plan), joined)
    return steps
