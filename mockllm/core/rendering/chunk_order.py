"""The order in which an encoder sends the chunks of a reply: the choices alternate, chunk by chunk.

Faults find their fault points in this order, and truncate a reply there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from mockllm.core.rendering.plan import Spoken
from mockllm.core.reply.reply import Choice, NativePart, Part, Reply


def chunk_texts_of(reply: Reply) -> tuple[Spoken, ...]:
    """Return the text of each chunk, with the chunk's part of the first choice. A native block has no text."""
    return tuple(
        (-1 if number or text is None else index, text or "") for number, index, text in _ordered(reply)
    )


def first_chunks(reply: Reply, count: int) -> Reply:
    """Return the reply with its first `count` chunks."""
    left = [0] * len(reply.choices)
    for (number, _, _), _ in zip(_ordered(reply), range(count), strict=False):
        left[number] += 1
    return replace(
        reply,
        choices=tuple(_first(choice, count) for choice, count in zip(reply.choices, left, strict=True)),
    )


def _ordered(reply: Reply) -> Iterator[tuple[int, int, str | None]]:
    """Return the choice, the part and the text of each chunk."""
    waiting = [(number, _chunks(choice)) for number, choice in enumerate(reply.choices)]
    while waiting:
        for entry in list(waiting):
            number, chunks = entry
            chunk = next(chunks, None)
            if chunk is None:
                waiting.remove(entry)
            else:
                yield number, *chunk


def _chunks(choice: Choice) -> Iterator[tuple[int, str | None]]:
    for index, part in enumerate(choice.parts):
        if isinstance(part, NativePart):
            yield index, None
        else:
            yield from ((index, chunk) for chunk in part.chunks if type(chunk) is str)


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
