"""Which of a text a source stands behind: where protocols say sources by their place, and where each is a text of
its own.

Apart from the reply, because only some protocols ask.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from msgspec.structs import replace

from mockllm.core.reply.reply import Citation, ContentChunk, Text, joined_text


def full_text(text: Text) -> str:
    """What a whole answer says."""
    return text.whole if text.whole is not None else joined_text(text.chunks)


def span(citation: Citation, text: str) -> tuple[int, int]:
    """The characters of the text that a source stands behind, as far as the text goes."""
    end = len(text) if citation.end is None else min(citation.end, len(text))
    return min(citation.start, end), end


def sources(citations: Iterable[Citation]) -> tuple[Citation, ...]:
    """Each address once, as it is first named."""
    found: dict[str, Citation] = {}
    for citation in citations:
        found.setdefault(citation.url, citation)
    return tuple(found.values())


def clipped(citations: tuple[Citation, ...], length: int) -> tuple[Citation, ...]:
    """What is left of sources where a text is cut to so many characters."""
    return tuple(citation for citation in citations if citation.start < length)


def segments(text: Text) -> tuple[Text, ...]:
    """A text cut where its sources change: each segment's stand behind all of it. A text that is said otherwise
    whole is not cut."""
    length = len(joined_text(text.chunks))
    if text.whole is not None or all(
        not citation.start and citation.end is None for citation in text.citations
    ):
        return (replace(text, citations=tuple(map(_whole, text.citations))),)
    spans = [(span(citation, joined_text(text.chunks)), citation) for citation in text.citations]
    bounds = sorted({0, length, *(bound for places, _ in spans for bound in places)})
    made = []
    for start, end in itertools.pairwise(bounds):
        own = tuple(_whole(citation) for (first, last), citation in spans if first <= start and end <= last)
        made.append(Text(_between(text.chunks, start, end, length), citations=own))
    return tuple(made)


def _whole(citation: Citation) -> Citation:
    return replace(citation, start=0, end=None)


def _between(pieces: tuple[ContentChunk, ...], start: int, end: int, length: int) -> tuple[ContentChunk, ...]:
    """The pieces from one character to another; what stands between two stays before the one that follows."""
    kept: list[ContentChunk] = []
    place = 0
    for piece in pieces:
        if type(piece) is not str:
            if start <= place < end or place == end == length:
                kept.append(piece)
            continue
        part = piece[max(start - place, 0) : max(end - place, 0)]
        place += len(piece)
        if part:
            kept.append(part)
    return tuple(kept)
