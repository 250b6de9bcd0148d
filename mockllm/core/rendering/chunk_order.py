"""Whose turn it is: the order in which a reply's pieces are said, choices taking turns, as the encoder walks it.

For faults, which find their places in what is said, and cut it there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from mockllm.core.rendering.plan import Spoken
from mockllm.core.reply.reply import Choice, NativePart, Part, Reply


def chunk_texts_of(reply: Reply) -> tuple[Spoken, ...]:
    """What is said, beat by beat, each with the part of the first choice that it is of. A block of a dialect's
    own is no text."""
    return tuple(
        (-1 if number or piece is None else index, piece or "") for number, index, piece in _turns(reply)
    )


def first_chunks(reply: Reply, count: int) -> Reply:
    """The reply as far as its first so many beats say it."""
    left = [0] * len(reply.choices)
    for (number, _, _), _ in zip(_turns(reply), range(count), strict=False):
        left[number] += 1
    return replace(
        reply,
        choices=tuple(_first(choice, beats) for choice, beats in zip(reply.choices, left, strict=True)),
    )


def _turns(reply: Reply) -> Iterator[tuple[int, int, str | None]]:
    """The choice, the part and the text of each beat."""
    waiting = [(number, _beats(choice)) for number, choice in enumerate(reply.choices)]
    while waiting:
        for each in list(waiting):
            number, beats = each
            beat = next(beats, None)
            if beat is None:
                waiting.remove(each)
            else:
                yield number, *beat


def _beats(choice: Choice) -> Iterator[tuple[int, str | None]]:
    for index, part in enumerate(choice.parts):
        if isinstance(part, NativePart):
            yield index, None
        else:
            yield from ((index, piece) for piece in part.chunks if type(piece) is str)


def _first(choice: Choice, beats: int) -> Choice:
    """The choice up to so many beats; what stands behind the last of them is not said."""
    parts: list[Part] = []
    for part in choice.parts:
        if not beats:
            break
        if isinstance(part, NativePart):
            parts.append(part)
            beats -= 1
            continue
        kept: list[Any] = []
        for piece in part.chunks:
            if not beats:
                break
            kept.append(piece)
            beats -= type(piece) is str
        parts.append(replace(part, chunks=tuple(kept)))
    return replace(choice, parts=tuple(parts))
