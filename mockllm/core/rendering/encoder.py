"""From a Reply to the steps of a stream: one loop (`_all_steps`) for all dialects, hooks in each.

The loop reads the chunks in their order; the choices alternate, chunk by chunk. It numbers the chunks, and
sets the kind and the chunk number of each event. A dialect's Encoder returns the events at each hook; those that end
the stream come with their kinds. Faults find their fault points in the same order, and truncate a reply there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps_temporary_text
from mockllm.core.rendering.plan import ChunkText, EventKind, EventStep, RawStep, Step, WaitStep
from mockllm.core.reply.reply import Choice, ContentElement, NativePart, Part, Pause, Reply, Verbatim

T = TypeVar("T")

Event: TypeAlias = tuple[bytes, str | None]
"""An unframed payload and the name of its event, where the protocol names events."""


class ChunkAffixes(Struct, frozen=True):
    """The bytes before and after the JSON text of each chunk of a part in its event, and the name of that event."""

    prefix: bytes
    suffix: bytes
    event_name: str | None = None

    def event_for(self, chunk: str) -> Event:
        """Return the event of one chunk."""
        return self.prefix + dumps_temporary_text(chunk) + self.suffix, self.event_name


class EncoderPosition(Struct, frozen=True):
    """The position of the loop: the number of the choice and that of its part, both counted from 0, and the part."""

    choice: int
    part_index: int
    part: Part


class Encoder:
    """The events of a dialect. A stream has choices, and a choice has parts. Every hook returns events in the order
    in which they are sent. `reply` is the supported reply, with its usage. Some encoders call
    `supported_reply` again, for callers that have not: the second call changes nothing."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    def start_stream(self) -> Iterable[Event]:
        """Return the first events of the stream."""
        return ()

    def start_choice(self, choice: int) -> Iterable[Event]:
        """Return the events that begin a choice: its role. `choice` is its number."""
        return ()

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        """Return the events that begin a part; of a NativePart all of its events."""
        return ()

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        """Return the events of one chunk of a part. A NativePart has none."""
        raise NotImplementedError  # pragma: no cover - abstract

    def chunk_affixes(self, at: EncoderPosition) -> ChunkAffixes | None:
        """Return the prefix and suffix of the chunks in the events that `chunk_events` returns for a part. Each
        chunk has one event, and these differ in the chunk's text only. Return None where they differ in more."""
        return None

    def end_part(self, at: EncoderPosition) -> Iterable[Event]:
        """Return the events that end a part."""
        return ()

    def end_choice(self, choice: int) -> Iterable[Event]:
        """Return the events that end a choice: its finish reason. `choice` is its number."""
        return ()

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        """Return the last events, each with its kind: usage, terminator, and the finish where the protocol sends it
        once for a stream. `encode` leaves out a finish where the reply lacks `has_finish_reason`."""
        return ()

    def error_events(self, failure: Failure) -> Iterable[Event]:
        """Return the events of an error inside the stream. No part or choice is ended after them."""
        return ()


def encode(encoder: Encoder) -> Iterator[Step]:
    """Return the steps of the encoder's reply, in order, one by one."""
    failure = encoder.reply.failure
    if failure is None or failure.events_before_error is None:
        return _all_steps(encoder)
    return _failed_opening(encoder, failure, failure.events_before_error)


def _failed_opening(encoder: Encoder, failure: Failure, count: int) -> Iterator[Step]:
    """Return the first `count` steps, which come before all content, and the error. An encoder makes its events one
    by one. So a sequence number in the payload of the error follows those of the steps."""
    for step in islice(_all_steps(encoder), count):
        if type(step) is EventStep and step.kind in ("chunk", "error"):
            break
        yield step
    for payload, event_name in encoder.error_events(failure):
        yield EventStep(payload, 0, "error", event_name)


def _all_steps(encoder: Encoder) -> Iterator[Step]:
    reply = encoder.reply
    chunk_number = 0

    def events(kind: EventKind, payloads: Iterable[Event]) -> Iterator[EventStep]:
        for payload, event_name in payloads:
            yield EventStep(payload, chunk_number, kind, event_name)

    yield from events("open", encoder.start_stream())
    choices = [_choice(encoder, number, choice) for number, choice in enumerate(reply.choices)]
    if reply.failure is not None:
        choices = [_broken_off(items) for items in choices]
    elif reply.unfinished:
        choices = [(item for item in items if item[0] != "finish") for items in choices]
    for kind, content in _alternating(choices, lambda item: item[0] == "chunk"):
        if isinstance(content, Pause):
            yield WaitStep(content.seconds, chunk_number, explicit=True)
        elif isinstance(content, Verbatim):
            yield RawStep(content.data, chunk_number)
        elif isinstance(content, _ChunksWithAffixes):
            yield from content.steps(chunk_number)
            chunk_number += len(content.chunks)
        elif kind is not None and kind != "chunk":
            yield from events(kind, content)
        else:
            chunk_number += 1
            for payload, name in content:  # as `events` does: a stream has hundreds of chunks
                yield EventStep(payload, chunk_number, "chunk", name)
    if reply.failure is not None:
        yield from events("error", encoder.error_events(reply.failure))
        return
    for kind, event in encoder.end_stream():
        if kind != "finish" or reply.has_finish_reason:
            yield from events(kind, (event,))


class TimedChunk(Struct, frozen=True):
    """One chunk of a reply, as pacing needs it: its text and its part. The part is None for a native part of a
    dialect. `pause` has the seconds of the explicit waits before the chunk; None where there are none."""

    text: str
    pause: float | None = None
    part: Part | None = None


def timed_chunks(reply: Reply) -> tuple[list[TimedChunk], float]:
    """Return the chunks that an encoder sends, and the explicit waits after the last: for pacing, which needs no
    wire format."""
    entries: list[TimedChunk] = []
    pause: float | None = None
    for _, _, part, chunk in _in_order(reply):
        if type(chunk) is str:
            entries.append(TimedChunk(chunk, pause, None if isinstance(part, NativePart) else part))
            pause = None
        elif type(chunk) is Pause:
            pause = (pause or 0.0) + chunk.seconds
    return entries, pause or 0.0


def has_pauses(reply: Reply) -> bool:
    """Return whether there are explicit waits between the chunks of a reply."""
    return any(
        Pause in set(map(type, part.chunks))
        for choice in reply.choices
        for part in choice.parts
        if not isinstance(part, NativePart)
    )


def chunk_texts_of(reply: Reply) -> tuple[ChunkText, ...]:
    """Return the text of each chunk, with the chunk's part of the first choice. A native part has no text."""
    return tuple(
        (-1 if number or isinstance(part, NativePart) else index, chunk)
        for number, index, part, chunk in _in_order(reply)
        if type(chunk) is str
    )


def first_chunks(reply: Reply, count: int) -> Reply:
    """Return the reply with its first `count` chunks."""
    left = [0] * len(reply.choices)
    for number in islice((number for number, _, _, chunk in _in_order(reply) if type(chunk) is str), count):
        left[number] += 1
    return replace(reply, choices=tuple(map(_first, reply.choices, left)))


def _in_order(reply: Reply) -> Iterator[tuple[int, int, Part, ContentElement]]:
    """Yield the numbers of choice and part, the part and a chunk, in the order of `encode`. A native part is an
    empty chunk."""
    choices = [_chunks(number, choice) for number, choice in enumerate(reply.choices)]
    return _alternating(choices, lambda entry: type(entry[3]) is str)


def _chunks(number: int, choice: Choice) -> Iterator[tuple[int, int, Part, ContentElement]]:
    for index, part in enumerate(choice.parts):
        for chunk in ("",) if isinstance(part, NativePart) else part.chunks:
            yield number, index, part, chunk


def _alternating(choices: Sequence[Iterator[T]], is_chunk: Callable[[T], bool]) -> Iterator[T]:
    """Yield the items of all choices: of each in turn, up to its next chunk."""
    return choices[0] if len(choices) == 1 else _in_turn(list(choices), is_chunk)


def _in_turn(left: list[Iterator[T]], is_chunk: Callable[[T], bool]) -> Iterator[T]:
    while left:
        for items in list(left):
            for item in items:
                yield item
                if is_chunk(item):
                    break
            else:
                left.remove(items)


def _first(choice: Choice, count: int) -> Choice:
    """Return the choice with its first `count` chunks, and nothing after them."""
    parts: list[Part] = []
    for part in choice.parts:
        if not count:
            break
        if isinstance(part, NativePart):
            parts.append(part)
            count -= 1
            continue
        chunks: list[ContentElement] = []
        for chunk in part.chunks:
            if not count:
                break
            chunks.append(chunk)
            count -= type(chunk) is str
        parts.append(replace(part, chunks=tuple(chunks)))
    return replace(choice, parts=tuple(parts))


class _ChunksWithAffixes(Struct, frozen=True):
    """All chunks of a part whose events differ only in the text of the chunk: a stream has hundreds of them."""

    affixes: ChunkAffixes
    chunks: Sequence[str]

    def steps(self, chunk_number: int) -> list[EventStep]:
        """Return the events; `chunk_number` is that of the last chunk before them."""
        affixes = self.affixes
        prefix, suffix, name = affixes.prefix, affixes.suffix, affixes.event_name
        return [
            EventStep(prefix + dumps_temporary_text(chunk) + suffix, number, "chunk", name)
            for number, chunk in enumerate(self.chunks, chunk_number + 1)
        ]


EncodedItem: TypeAlias = tuple[EventKind | None, Iterable[Event] | Pause | Verbatim | _ChunksWithAffixes]
"""Events of one kind, all chunks of a part, or an explicit wait or raw bytes between two chunks. A wait and raw bytes
have no kind."""


def _choice(encoder: Encoder, number: int, choice: Choice) -> Iterator[EncodedItem]:
    alone = len(encoder.reply.choices) == 1  # else the choices alternate
    yield "open", encoder.start_choice(number)
    for index, part in enumerate(choice.parts):
        at = EncoderPosition(number, index, part)
        if isinstance(part, NativePart):
            yield "chunk", encoder.start_part(at)
            continue
        yield "open", encoder.start_part(at)
        affixes = encoder.chunk_affixes(at) if alone and set(map(type, part.chunks)) == {str} else None
        if affixes is not None:
            yield "chunk", _ChunksWithAffixes(affixes, part.chunks)  # type: ignore[arg-type]  # all are texts
            yield "close", encoder.end_part(at)
            continue
        for chunk in part.chunks:
            yield ("chunk", encoder.chunk_events(at, chunk)) if type(chunk) is str else (None, chunk)  # type: ignore[misc]
        yield "close", encoder.end_part(at)
    yield "finish", encoder.end_choice(number)


def _broken_off(items: Iterator[EncodedItem]) -> Iterator[EncodedItem]:
    """Return the items of a choice that an error ends: neither the close of its last part nor its finish."""
    ends: list[EncodedItem] = []
    for item in items:
        if item[0] in ("close", "finish"):
            ends.append(item)
        else:
            yield from ends
            ends.clear()
            yield item
