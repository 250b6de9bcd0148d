"""A recorded answer as a plan: its own bytes at its own times, in steps that pace and faults know how to treat.

Bytes that are a whole event, and that framing would write the same way, become that event; all others stay as
they are. So what leaves is always what was recorded, and a fault still finds its chunk.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from json import JSONDecodeError, JSONDecoder
from typing import Final, NamedTuple

from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.framing import FORMS
from mockllm.core.rendering.plan import EventStep, Framing, Kind, Plan, RawStep, ResponseHead, Step, WaitStep

Said = Callable[[EventStep], int]
"""How many chunks an event says."""


class RecordedFrame(NamedTuple):
    """Bytes that came at once, and when: seconds from the request's last byte."""

    at: float
    data: bytes


class _FrameSlice(NamedTuple):
    """A stretch of the bytes that is one event: where it ends, and the event, where framing writes it so."""

    end: int
    event: EventStep | None


_SSE: Final = re.compile(rb"(?:event: ([^\r\n]*)\n)?data: ([^\r\n]*)\n\n")
_SSE_CRLF: Final = re.compile(rb"(?:event: ([^\r\n]*)\r\n)?data: ([^\r\n]*)\r\n\r\n")
_BLANK: Final = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_COMMA: Final = re.compile(r"[\s,]*")
_JSON: Final = JSONDecoder()


def framing_of(content_type: str, body: bytes, *, streamed: bool) -> Framing:
    """How a recorded body is framed; `streamed`: its request asked for a stream."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/event-stream":
        return Framing.SSE_CRLF if b"\r\n\r\n" in body else Framing.SSE
    if kind in ("application/x-ndjson", "application/jsonl", "application/stream+json"):
        return Framing.NDJSON
    if kind.startswith("application/vnd.amazon.eventstream"):
        return Framing.SSE  # its frames are binary: none of them is taken apart
    if streamed and kind == "application/json" and body[:1] == b"[":
        return Framing.JSON_ARRAY
    return Framing.PLAIN


def replayed(
    head: ResponseHead,
    frames: Sequence[RecordedFrame],
    framing: Framing,
    said: Said,
    speed: float | None = 1.0,
) -> Plan:
    """The plan that says these frames. `speed`: how many times as fast as they came; None for all at once."""
    body = b"".join(frame.data for frame in frames)
    pieces = [] if framing is Framing.PLAIN else _numbered(_pieces(body, framing), said)
    waits = [] if speed is None else [(frame.at / speed, frame.data) for frame in frames]
    delay = waits[0][0] if waits else 0.0
    cut = list(_cut(body, waits or [(0.0, body)], pieces, delay))
    steps = [step for step, _ in cut]
    if framing is Framing.JSON_ARRAY and cut and cut[-1][1] == FORMS[framing].closing:
        del steps[-1]  # framing closes what it opened
    plan = Plan(head, tuple(steps), framing, delay)
    if sent_bytes(plan) == body:
        return plan
    bare = (step if isinstance(step, WaitStep) else RawStep(data, step.chunk_index) for step, data in cut)
    return Plan(head, tuple(bare), framing, delay)


def _numbered(pieces: Iterator[_FrameSlice], said: Said) -> list[_FrameSlice]:
    """The events with the number of the chunk that each says, or the last one said before it."""
    numbered: list[_FrameSlice] = []
    beat = 0
    for end, event in pieces:
        if event is None:
            numbered.append(_FrameSlice(end, None))
            continue
        says = said(event)
        beat += bool(says)
        kind: Kind = "say" if says else "finish" if beat else "open"
        if event.payload == b"[DONE]" or event.event == "message_stop":
            kind = "end"
        numbered.append(_FrameSlice(end, EventStep(event.payload, beat, kind, event.event)))
    return numbered


def _cut(
    body: bytes, frames: Sequence[tuple[float, bytes]], pieces: Sequence[_FrameSlice], delay: float
) -> Iterator[tuple[Step, bytes]]:
    """Steps with their bytes, cut where an event or a frame ends; a piece that a frame cuts in two is no event."""
    ends = [(piece.end, piece.event) for piece in pieces] or [(len(body), None)]
    at, number, beat, began = 0, 0, 0, True
    now = delay
    for due, data in frames:
        if due > now:
            yield WaitStep(due - now, beat, scripted=True), b""
            now = due
        stop = at + len(data)
        while at < stop:
            while number < len(ends) - 1 and ends[number][0] <= at:
                number, began = number + 1, True
            end, event = ends[number]
            last = stop if end <= at else min(stop, end)
            beat = beat if event is None else event.chunk_index
            whole = event is not None and began and last == end
            part = body[at:last]
            step: Step = (
                event if whole and event is not None else RawStep(part, beat, event is not None and began)
            )
            yield step, part
            at, began = last, last == end


def _pieces(body: bytes, framing: Framing) -> Iterator[_FrameSlice]:
    if framing is Framing.JSON_ARRAY:
        return _array(body)
    if framing is Framing.NDJSON:
        return (
            _FrameSlice(each.end(), EventStep(each[1], 0, "open"))
            for each in re.finditer(rb"([^\n]*)\n", body)
        )
    return _events(body, _SSE_CRLF if framing is Framing.SSE_CRLF else _SSE)


def _events(body: bytes, form: re.Pattern[bytes]) -> Iterator[_FrameSlice]:
    start = 0
    for blank in _BLANK.finditer(body):
        found = form.fullmatch(body, start, blank.end())
        event = None
        if found is not None:
            name = None if found[1] is None else found[1].decode("utf-8", "replace")
            event = EventStep(found[2], 0, "open", name)
        yield _FrameSlice(blank.end(), event)
        start = blank.end()
    if start < len(body):
        yield _FrameSlice(len(body), None)


def _array(body: bytes) -> Iterator[_FrameSlice]:
    """The items of an array; a byte is a character here, so that places agree."""
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
