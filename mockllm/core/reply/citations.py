"""The parts of a text that its citations support: as positions in the text, or as one text for each citation.

Separate from the reply, because only some protocols have citations.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from msgspec.structs import replace

from mockllm.core.reply.reply import Citation, ContentElement, Text, joined_text


def full_text(text: Text) -> str:
    """Return the text of a non-streaming response."""
    return text.whole if text.whole is not None else joined_text(text.chunks)


def span(citation: Citation, text: str) -> tuple[int, int]:
    """Return start and end of the characters that a citation supports, within the text."""
    end = len(text) if citation.end is None else min(citation.end, len(text))
    return min(citation.start, end), end


def place_of_words(words: str, text: str, url: str, earlier: Iterable[Citation]) -> tuple[int, int] | None:
    """Return start and end of the words that a citation of a page supports; None where the text lacks them. Where
    earlier citations of the page have the same words, they are the next such words, if there are any."""
    same = [each.end for each in earlier if each.url == url and text[each.start : each.end] == words]
    start = text.find(words, max((end for end in same if end is not None), default=0))
    if start < 0:
        start = text.find(words)
    return None if start < 0 else (start, start + len(words))


def sources(citations: Iterable[Citation]) -> tuple[Citation, ...]:
    """Return the first citation of each URL."""
    by_url: dict[str, Citation] = {}
    for citation in citations:
        by_url.setdefault(citation.url, citation)
    return tuple(by_url.values())


def clipped(citations: tuple[Citation, ...], length: int) -> tuple[Citation, ...]:
    """Return the citations of the first `length` characters."""
    return tuple(citation for citation in citations if citation.start < length)


def segments(text: Text) -> tuple[Text, ...]:
    """Return a text cut where its citations change, so that each citation supports its whole segment. A text that
    differs in a non-streaming response (`whole`) is not cut."""
    joined = joined_text(text.chunks)
    length = len(joined)
    if text.whole not in (None, joined) or all(
        not citation.start and citation.end is None for citation in text.citations
    ):
        return (replace(text, citations=tuple(map(_whole, text.citations))),)
    spans = [(span(citation, joined), citation) for citation in text.citations]
    bounds = sorted({0, length, *(bound for places, _ in spans for bound in places)})
    result = []
    for start, end in itertools.pairwise(bounds):
        own = tuple(_whole(citation) for (first, last), citation in spans if first <= start and end <= last)
        result.append(Text(_between(text.chunks, start, end, length), citations=own))
    return tuple(result)


def _whole(citation: Citation) -> Citation:
    return replace(citation, start=0, end=None)


def _between(
    chunks: tuple[ContentElement, ...], start: int, end: int, length: int
) -> tuple[ContentElement, ...]:
    """Return the chunks from one character to another. Pauses and bytes stay before the text that follows them."""
    result: list[ContentElement] = []
    place = 0
    for chunk in chunks:
        if type(chunk) is not str:
            if start <= place < end or place == end == length:
                result.append(chunk)
            continue
        part = chunk[max(start - place, 0) : max(end - place, 0)]
        place += len(chunk)
        if part:
            result.append(part)
    return tuple(result)
