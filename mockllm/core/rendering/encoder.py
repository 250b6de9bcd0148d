"""From a Reply to a stream's steps: one driver for all dialects, hooks in each.

The driver walks the pieces in the order in which they are said (the choices take turns, piece by piece),
numbers the beats, and stamps each event with its kind and beat. A dialect's Encoder only says what its
wire says at each of these moments.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import EventStep, Kind, RawStep, Step, WaitStep
from mockllm.core.reply.reply import Choice, ContentChunk, NativePart, Part, Pause, Reply, Verbatim

Event: TypeAlias = tuple[bytes, str | None]
"""An unframed payload and the name of its event, where the protocol names events."""


class EncoderPosition(Struct, frozen=True):
    """Where the driver stands: which choice, and which of its parts, both counted from 0."""

    choice: int
    index: int
    part: Part


class Encoder:
    """What a dialect says at each moment. Every hook gives the events to send, in order.

    `reply` is what the dialect says of the answer being encoded, its usage already counted.
    """

    def __init__(self, reply: Reply) -> None:
        self.reply = reply

    def start(self) -> Iterable[Event]:
        """Before anything: a first event of the whole answer."""
        return ()

    def begin(self, choice: int) -> Iterable[Event]:
        """A choice begins: its role."""
        return ()

    def open(self, at: EncoderPosition) -> Iterable[Event]:
        """A part begins."""
        return ()

    def say(self, at: EncoderPosition, piece: str) -> Iterable[Event]:
        """One piece of a part. A Native part has none of these: its `open` sends it whole."""
        raise NotImplementedError  # pragma: no cover - abstract

    def close(self, at: EncoderPosition) -> Iterable[Event]:
        """A part has ended."""
        return ()

    def end(self, choice: int) -> Iterable[Event]:
        """A choice has ended: its finish reason."""
        return ()

    def finish(self) -> Iterable[tuple[Kind, Event]]:
        """After everything: usage and terminator, each with its kind."""
        return ()

    def fail(self, failure: Failure) -> Iterable[Event]:
        """An error inside the stream: nothing is closed or finished after it."""
        return ()


def encode(encoder: Encoder) -> Iterator[Step]:
    """The steps of the encoder's reply, in order; slices of it may be taken while it is being sent."""
    reply = encoder.reply
    beat = 0

    def events(kind: Kind, made: Iterable[Event]) -> Iterator[EventStep]:
        for payload, event in made:
            yield EventStep(payload, beat, kind, event)

    yield from events("open", encoder.start())
    waiting = [_choice(encoder, number, choice) for number, choice in enumerate(reply.choices)]
    if reply.broken is not None:
        waiting = [_broken_off(moments) for moments in waiting]
    elif reply.unfinished:
        waiting = [(moment for moment in moments if moment[0] != "finish") for moments in waiting]
    while waiting:
        for moments in list(waiting):
            for kind, made in moments:
                if isinstance(made, Pause):
                    yield WaitStep(made.seconds, beat, scripted=True)
                elif isinstance(made, Verbatim):
                    yield RawStep(made.data, beat)
                else:
                    beat += kind == "say"
                    yield from events(kind, made)
                    if kind == "say":
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
    """One beat: its text, the part that it is of (None for a block of one dialect's own), and the scripted waits
    that stand before it (None where none is written)."""

    text: str
    pause: float | None = None
    part: Part | None = None


def chunk_schedule(reply: Reply) -> tuple[list[ChunkEntry], float]:
    """What an encoder would say, beat by beat, and the scripted waits after the last: for pace, which needs no
    wire format."""
    said: list[ChunkEntry] = []
    pause: float | None = None
    waiting = [_pieces(choice) for choice in reply.choices]
    while waiting:
        for pieces in list(waiting):
            for piece, part in pieces:
                if type(piece) is str:
                    said.append(ChunkEntry(piece, pause, part))
                    pause = None
                    break
                if type(piece) is Pause:
                    pause = (pause or 0.0) + piece.seconds
            else:
                waiting.remove(pieces)
    return said, pause or 0.0


def _pieces(choice: Choice) -> Iterator[tuple[ContentChunk, Part | None]]:
    for part in choice.parts:
        if isinstance(part, NativePart):
            yield "", None
        else:
            yield from ((piece, part) for piece in part.chunks)


Moment: TypeAlias = tuple[Kind, Iterable[Event] | Pause | Verbatim]


def _choice(encoder: Encoder, number: int, choice: Choice) -> Iterator[Moment]:
    yield "open", encoder.begin(number)
    for index, part in enumerate(choice.parts):
        at = EncoderPosition(number, index, part)
        if isinstance(part, NativePart):
            yield "say", encoder.open(at)
            continue
        yield "open", encoder.open(at)
        for piece in part.chunks:
            yield ("say", encoder.say(at, piece)) if type(piece) is str else ("open", piece)  # type: ignore[misc]
        yield "close", encoder.close(at)
    yield "finish", encoder.end(number)


def _broken_off(moments: Iterator[Moment]) -> Iterator[Moment]:
    """A choice that breaks off: what it said, but neither the close of its last part nor its finish."""
    held: list[Moment] = []
    for moment in moments:
        if moment[0] in ("close", "finish"):
            held.append(moment)
        else:
            yield from held
            held.clear()
            yield moment
