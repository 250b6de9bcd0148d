"""A recorded response as a plan: its own bytes at its own times, in steps that pacing and faults can work on.

Bytes that are a complete event, and that framing would write the same way, become that event. All other bytes become
raw steps. So the plan always writes the recorded bytes, and a fault still finds its chunk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from json import JSONDecodeError, JSONDecoder
from typing import Final, NamedTuple, TypeAlias

from mockllm.core.rendering.aws_event_stream import read_frames, write_event
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.framing import EVENT_FRAMINGS
from mockllm.core.rendering.plan import (
    EventKind,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    WaitStep,
)

CountChunks: TypeAlias = Callable[[EventStep], int]
"""Returns how many chunks an event has."""


class RecordedFrame(NamedTuple):
    """Bytes that arrived at once, and their time: seconds from the request's last byte."""

    at: float
    data: bytes


class _FrameSlice(NamedTuple):
    """A slice of the bytes that ends at `end`; `event` if framing would write the slice as that event."""

    end: int
    event: EventStep | None


_SSE: Final = re.compile(rb"(?:event: ([^\r\n]*)\n)?data: ([^\r\n]*)\n\n")
_SSE_CRLF: Final = re.compile(rb"(?:event: ([^\r\n]*)\r\n)?data: ([^\r\n]*)\r\n\r\n")
_BLANK: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_COMMA: Final = re.compile(r"[\s,]*")
_JSON: Final = JSONDecoder()


def framing_of(content_type: str, body: bytes, *, streamed: bool) -> Framing:
    """Return the framing of a recorded body; `streamed`: whether its request was for a stream."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/event-stream":
        return Framing.SSE_CRLF if b"\r\n\r\n" in body else Framing.SSE
    if kind in ("application/x-ndjson", "application/jsonl", "application/stream+json"):
        return Framing.NDJSON
    if kind.startswith("application/vnd.amazon.eventstream"):
        return Framing.AWS_EVENT_STREAM
    if streamed and kind == "application/json" and body[:1] == b"[":
        return Framing.JSON_ARRAY
    return Framing.PLAIN


def replayed(
    head: ResponseHead,
    frames: Sequence[RecordedFrame],
    framing: Framing,
    count_chunks: CountChunks,
    speed: float | None = 1.0,
) -> Plan:
    """Return the plan that writes these frames. `speed`: the factor of their original speed; None for all at once."""
    body = b"".join(frame.data for frame in frames)
    slices = [] if framing is Framing.PLAIN else _numbered(_slices(body, framing), count_chunks)
    waits = [] if speed is None else [(frame.at / speed, frame.data) for frame in frames]
    delay = waits[0][0] if waits else 0.0
    cut = list(_cut(body, waits or [(0.0, body)], slices, delay))
    steps = [step for step, _ in cut]
    if framing is Framing.JSON_ARRAY and cut and cut[-1][1] == EVENT_FRAMINGS[framing].closing:
        del steps[-1]  # framing closes the array
    plan = Plan(head, tuple(steps), framing, delay)
    if sent_bytes(plan) == body:
        return plan
    bare = (step if isinstance(step, WaitStep) else RawStep(data, step.chunk_number) for step, data in cut)
    return Plan(head, tuple(bare), framing, delay)


def _numbered(slices: Iterator[_FrameSlice], count_chunks: CountChunks) -> list[_FrameSlice]:
    """Return the slices, each event with the number of its chunk, or of the last chunk before it."""
    numbered: list[_FrameSlice] = []
    chunk_number = 0
    for end, event in slices:
        if event is None:
            numbered.append(_FrameSlice(end, None))
            continue
        chunks = count_chunks(event)
        chunk_number += bool(chunks)
        kind: EventKind = "chunk" if chunks else "finish" if chunk_number else "open"
        if event.payload == b"[DONE]" or event.event == "message_stop":
            kind = "end"
        numbered.append(_FrameSlice(end, EventStep(event.payload, chunk_number, kind, event.event)))
    return numbered


def _cut(
    body: bytes, frames: Sequence[tuple[float, bytes]], slices: Sequence[_FrameSlice], delay: float
) -> Iterator[tuple[Step, bytes]]:
    """Return steps with their bytes, cut where an event or a frame ends. A slice in two frames is not an event."""
    ends = [(item.end, item.event) for item in slices] or [(len(body), None)]
    at, number, chunk_number, began = 0, 0, 0, True
    now = delay
    for due, data in frames:
        if due > now:
            yield WaitStep(due - now, chunk_number, explicit=True), b""
            now = due
        stop = at + len(data)
        while at < stop:
            while number < len(ends) - 1 and ends[number][0] <= at:
                number, began = number + 1, True
            end, event = ends[number]
            last = stop if end <= at else min(stop, end)
            chunk_number = chunk_number if event is None else event.chunk_number
            whole = event is not None and began and last == end
            part = body[at:last]
            step: Step = (
                event
                if whole and event is not None
                else RawStep(part, chunk_number, event is not None and began)
            )
            yield step, part
            at, began = last, last == end


def _slices(body: bytes, framing: Framing) -> Iterator[_FrameSlice]:
    if framing is Framing.JSON_ARRAY:
        return _array(body)
    if framing is Framing.NDJSON:
        return (
            _FrameSlice(line.end(), EventStep(line[1], 0, "open"))
            for line in re.finditer(rb"([^\n]*)\n", body)
        )
    if framing is Framing.AWS_EVENT_STREAM:
        return _event_frames(body)
    return _events(body, _SSE_CRLF if framing is Framing.SSE_CRLF else _SSE)


def _events(body: bytes, form: re.Pattern[bytes]) -> Iterator[_FrameSlice]:
    start = 0
    for blank in _BLANK.finditer(body):
        match = form.fullmatch(body, start, blank.end())
        event = None
        if match is not None:
            name = None if match[1] is None else match[1].decode("utf-8", "replace")
            event = EventStep(match[2], 0, "open", name)
        yield _FrameSlice(blank.end(), event)
        start = blank.end()
    if start < len(body):
        yield _FrameSlice(len(body), None)


def _event_frames(body: bytes) -> Iterator[_FrameSlice]:
    """Return the frames; an exception and a frame with other headers are not events."""
    start = 0
    for frame in read_frames(body):
        event = EventStep(frame.payload, 0, "open", frame.name)
        written = write_event(event) == body[start : frame.end]
        yield _FrameSlice(frame.end, event if written else None)
        start = frame.end
    if start < len(body):
        yield _FrameSlice(len(body), None)


def _array(body: bytes) -> Iterator[_FrameSlice]:
    """Return the items of an array. The text has one character per byte, so that positions agree."""
    text = body.decode("latin-1")
    at = 1
    while True:
        start = _COMMA.match(text, at).end()  # type: ignore[union-attr]
        try:
            _, end = _JSON.raw_decode(text, start)
        except (JSONDecodeError, RecursionError):
            break
        yield _FrameSlice(end, EventStep(body[start:end], 0, "open"))
        at = end
    yield _FrameSlice(len(body), None)
