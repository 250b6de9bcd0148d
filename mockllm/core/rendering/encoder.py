"""From a Reply to the steps of a stream: one driver for all dialects, hooks in each.

The driver walks the chunks in their order (the choices alternate, chunk by chunk), numbers the chunks, and sets the
kind and the chunk index of each event. A dialect's Encoder returns the events of each moment. Faults find their fault
points in the same order, and truncate a reply there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import ChunkText, EventStep, Kind, RawStep, Step, WaitStep
from mockllm.core.reply.reply import Choice, ContentChunk, NativePart, Part, Pause, Reply, Verbatim

Event: TypeAlias = tuple[bytes, str | None]
"""An unframed payload and the name of its event, where the protocol names events."""


class EncoderPosition(Struct, frozen=True):
    """The driver's position: the choice, and the part of the choice, both counted from 0."""

    choice: int
    index: int
    part: Part


class Encoder:
    """The events of a dialect at each moment. Every hook returns events in the order in which they are sent.
    `reply` is the supported reply, with its usage."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    def start(self) -> Iterable[Event]:
        """Return the first events of the stream."""
        return ()

    def begin(self, choice: int) -> Iterable[Event]:
        """Return the events that begin a choice: its role."""
        return ()

    def open(self, at: EncoderPosition) -> Iterable[Event]:
        """Return the events that begin a part."""
        return ()

    def chunk_events(self, at: EncoderPosition, text: str) -> Iterable[Event]:
        """Return the events of one chunk of a part. A NativePart has no chunks: its `open` returns all of it."""
        raise NotImplementedError  # pragma: no cover - abstract

    def close(self, at: EncoderPosition) -> Iterable[Event]:
        """Return the events that end a part."""
        return ()

    def end(self, choice: int) -> Iterable[Event]:
        """Return the events that end a choice: its finish reason."""
        return ()

    def finish(self) -> Iterable[tuple[Kind, Event]]:
        """Return the last events: usage and terminator, each with its kind."""
        return ()

    def fail(self, failure: Failure) -> Iterable[Event]:
        """Return the events of an error inside the stream. No part or choice is ended behind them."""
        return ()


def encode(encoder: Encoder) -> Iterator[Step]:
    """Return the steps of the encoder's reply, in order, one by one, so that sending may begin early."""
    reply = encoder.reply
    chunk_index = 0

    def events(kind: Kind, payloads: Iterable[Event]) -> Iterator[EventStep]:
        for payload, event in payloads:
            yield EventStep(payload, chunk_index, kind, event)

    yield from events("open", encoder.start())
    waiting = [_choice(encoder, number, choice) for number, choice in enumerate(reply.choices)]
    if reply.broken is not None:
        waiting = [_broken_off(moments) for moments in waiting]
    elif reply.unfinished:
        waiting = [(moment for moment in moments if moment[0] != "finish") for moments in waiting]
    while waiting:
        for moments in list(waiting):
            for kind, content in moments:
                if isinstance(content, Pause):
                    yield WaitStep(content.seconds, chunk_index, scripted=True)
                elif isinstance(content, Verbatim):
                    yield RawStep(content.data, chunk_index)
                else:
                    chunk_index += kind == "chunk"
                    yield from events(kind, content)
                    if kind == "chunk":
                        break
            else:
                waiting.remove(moments)
    if reply.broken is not None:
        yield from events("error", encoder.fail(reply.broken))
        return
    for kind, event in encoder.finish():
        if kind != "finish" or reply.ends:
            yield from events(kind, (event,))


class ChunkEntry(Struct, frozen=True):
    """One chunk: its text, its part (None for a native block of a dialect), and the scripted waits before the chunk
    (None where the script has none)."""

    text: str
    pause: float | None = None
    part: Part | None = None


def chunk_schedule(reply: Reply) -> tuple[list[ChunkEntry], float]:
    """Return the chunks that an encoder sends, and the scripted waits after the last: for pacing, which needs no
    wire format."""
    entries: list[ChunkEntry] = []
    pause: float | None = None
    for _, _, part, chunk in _in_order(reply):
        if type(chunk) is str:
            entries.append(ChunkEntry(chunk, pause, None if isinstance(part, NativePart) else part))
            pause = None
        elif type(chunk) is Pause:
            pause = (pause or 0.0) + chunk.seconds
    return entries, pause or 0.0


def has_pauses(reply: Reply) -> bool:
    """Return whether there are scripted waits between the chunks of a reply."""
    return any(
        Pause in set(map(type, part.chunks))
        for choice in reply.choices
        for part in choice.parts
        if not isinstance(part, NativePart)
    )


def chunk_texts_of(reply: Reply) -> tuple[ChunkText, ...]:
    """Return the text of each chunk, with the chunk's part of the first choice. A native block has no text."""
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


def _in_order(reply: Reply) -> Iterator[tuple[int, int, Part, ContentChunk]]:
    """Yield choice, part and chunk of a reply: the choices alternate, chunk by chunk. A native block is an empty
    chunk."""
    waiting = [(number, _chunks(choice)) for number, choice in enumerate(reply.choices)]
    while waiting:
        for entry in list(waiting):
            for index, part, chunk in entry[1]:
                yield entry[0], index, part, chunk
                if type(chunk) is str:
                    break
            else:
                waiting.remove(entry)


def _chunks(choice: Choice) -> Iterator[tuple[int, Part, ContentChunk]]:
    for index, part in enumerate(choice.parts):
        for chunk in ("",) if isinstance(part, NativePart) else part.chunks:
            yield index, part, chunk


def _first(choice: Choice, count: int) -> Choice:
    """Return the choice with its first `count` chunks, and nothing behind them."""
    parts: list[Part] = []
    for part in choice.parts:
        if not count:
            break
        if isinstance(part, NativePart):
            parts.append(part)
            count -= 1
            continue
        chunks: list[Any] = []
        for chunk in part.chunks:
            if not count:
                break
            chunks.append(chunk)
            count -= type(chunk) is str
        parts.append(replace(part, chunks=tuple(chunks)))
    return replace(choice, parts=tuple(parts))


Moment: TypeAlias = tuple[Kind, Iterable[Event] | Pause | Verbatim]
"""Events of one kind, or a scripted wait or raw bytes between two chunks."""


def _choice(encoder: Encoder, number: int, choice: Choice) -> Iterator[Moment]:
    yield "open", encoder.begin(number)
    for index, part in enumerate(choice.parts):
        at = EncoderPosition(number, index, part)
        if isinstance(part, NativePart):
            yield "chunk", encoder.open(at)
            continue
        yield "open", encoder.open(at)
        for chunk in part.chunks:
            yield ("chunk", encoder.chunk_events(at, chunk)) if type(chunk) is str else ("open", chunk)  # type: ignore[misc]
        yield "close", encoder.close(at)
    yield "finish", encoder.end(number)


def _broken_off(moments: Iterator[Moment]) -> Iterator[Moment]:
    """Return the moments of a choice that an error ends: neither the close of its last part nor its finish."""
    ends: list[Moment] = []
    for moment in moments:
        if moment[0] in ("close", "finish"):
            ends.append(moment)
        else:
            yield from ends
            ends.clear()
            yield moment
