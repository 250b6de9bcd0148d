"""A search of texts by words: the passages that have the most words of a query.

There is no model. The relevance of a passage is the share of the query's words that it has, from 0 to 1. A word
that few passages have counts more than one that many have. A plural and its singular are the same word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from heapq import nlargest
from math import log
from operator import attrgetter
from typing import Final, NamedTuple

from mockllm.core.word_stems import stem

_WITHOUT_SPACES: Final = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""The ranges of scripts that write no spaces, or long words: each character is a word."""
_WORD: Final = re.compile(f"[{_WITHOUT_SPACES}]|[^\\W{_WITHOUT_SPACES}]+")
MAX_WORD: Final = 100
"""The most characters of a word of a query; longer ones are not searched."""
MAX_PASSAGES: Final = 50_000
"""The most passages that a search reads; it ignores the others."""


class SearchedText(NamedTuple):
    """A text, and the length and the overlap of its passages in characters. `overlap` is at most half of `length`."""

    text: str
    length: int
    overlap: int


class Passage(NamedTuple):
    """A part of the document with this number."""

    document: int
    text: str
    relevance: float


class _PassagePlace(NamedTuple):
    """A passage without its text; `found` are the query's stems in it."""

    document: int
    start: int
    end: int
    found: AbstractSet[str]
    relevance: float = 0.0


def passage_bounds(document: SearchedText) -> Iterator[tuple[int, int]]:
    """Yield the begin and the end of each passage. A passage ends before a space where one is in its last quarter."""
    text, length, overlap = document
    start = 0
    while start + length < len(text):
        space = text.rfind(" ", start + length * 3 // 4, start + length)
        end = start + length if space < 0 else space
        yield start, end
        start = end - overlap
    yield start, len(text)


def query_stems(query: str) -> frozenset[str]:
    """Return the stems of a query's words."""
    return frozenset(stem(word) for word in _WORD.findall(query.lower()) if len(word) <= MAX_WORD)


def best_passages(documents: Sequence[SearchedText], queries: Sequence[str], count: int) -> list[Passage]:
    """Return the best passages, the best first; equal ones in the order of their documents. With several queries,
    the one that fits a passage best decides its relevance."""
    wanted = [stems for stems in map(query_stems, queries) if stems]
    places = _places(documents, frozenset().union(*wanted))
    weights = _weights(places, wanted)
    compared = (place._replace(relevance=_relevance(place.found, wanted, weights)) for place in places)
    return [
        Passage(place.document, documents[place.document].text[place.start : place.end], place.relevance)
        for place in nlargest(count, compared, key=attrgetter("relevance"))
    ]


def _places(documents: Sequence[SearchedText], wanted: frozenset[str]) -> list[_PassagePlace]:
    # the forms of each word that `stem` makes equal, so that no word of a document needs a call
    forms = {form: each for each in wanted for form in (each, f"{each}s") if stem(form) == each}
    found: list[_PassagePlace] = []
    for number, document in enumerate(documents):
        for start, end in passage_bounds(document):
            if len(found) == MAX_PASSAGES:
                return found
            words = forms.keys() & _WORD.findall(document.text[start:end].lower())
            found.append(_PassagePlace(number, start, end, {forms[word] for word in words}))
    return found


def _weights(places: Sequence[_PassagePlace], wanted: Sequence[frozenset[str]]) -> Mapping[str, float]:
    """Return how much each stem of the queries counts."""
    counts = Counter(each for place in places for each in place.found)
    return {each: log(1 + len(places) / max(1, counts[each])) for stems in wanted for each in stems}


def _relevance(
    found: AbstractSet[str], wanted: Sequence[frozenset[str]], weights: Mapping[str, float]
) -> float:
    if not found:
        return 0.0
    shares = (_sum(found & stems, weights) / _sum(stems, weights) for stems in wanted)
    return round(max(shares), 4)


def _sum(stems: AbstractSet[str], weights: Mapping[str, float]) -> float:
    """Return the sum of the weights, in an order that does not depend on the process."""
    return sum(weights[each] for each in sorted(stems))
