"""The size of a reply: its chunks and characters, before a dialect encodes it."""

from __future__ import annotations

from typing import NamedTuple

from mockllm.core.json.codec import dumps
from mockllm.core.reply.reply import Call, Media, NativePart, Part, Reply, Text


class ReplySize(NamedTuple):
    """How much a reply has. A part without chunks counts as one chunk."""

    chunks: int
    characters: int


def reply_size(reply: Reply) -> ReplySize:
    """Return the size of a reply."""
    sizes = [_part_size(part) for choice in reply.choices for part in choice.parts]
    return ReplySize(sum(size.chunks for size in sizes), sum(size.characters for size in sizes))


def _part_size(part: Part) -> ReplySize:
    if type(part) is NativePart:
        return ReplySize(1, len(dumps(part.block)))
    assert not isinstance(part, NativePart)
    characters = 0
    for chunk in part.chunks:
        characters += len(chunk) if type(chunk) is str else len(getattr(chunk, "data", b""))
    if type(part) is Text:
        characters += len(part.whole or "")
    elif type(part) is Call:
        characters += len(part.name)
    elif type(part) is Media:
        characters += len(part.data)
    return ReplySize(max(1, len(part.chunks)), characters)
