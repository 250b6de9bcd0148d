"""A search of texts by words: the passages that have the most words of a query.

There is no model. The relevance of a passage is the share of the query's words that it has, from 0 to 1. A word
that few passages have counts more than one that many have. A plural and its singular are the same word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from heapq import nlargest
from itertools import chain, islice
from math import log
from operator import attrgetter
from typing import Final, NamedTuple

from mockllm.core.word_stems import stem

_WITHOUT_SPACES: Final = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
"""The ranges of scripts that write no spaces, or long words: each character is a word."""
MAX_WORD: Final = 100
"""The most characters of a word of a query; longer ones are not searched."""
MAX_WORDS: Final = 128
"""The most words of all queries that are searched: the first ones."""
MAX_PASSAGES: Final = 50_000
"""The most passages that a search reads; it ignores the others."""
MAX_CHARACTERS: Final = 8 * 1024 * 1024
"""The most characters of all passages that a search reads, in about a second."""


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


class _WeighedQuery(NamedTuple):
    """The stems of a query, each with its weight, and the sum of the weights."""

    stems: Sequence[tuple[str, float]]
    total: float


@cache  # compiling takes milliseconds, which the first request of another call would wait
def _word() -> re.Pattern[str]:
    return re.compile(f"[{_WITHOUT_SPACES}]|[^\\W{_WITHOUT_SPACES}]+")


def passage_bounds(document: SearchedText) -> Iterator[tuple[int, int]]:
    """Yield the beginning and the end of each passage. A passage ends before a space where one is in its last
    quarter."""
    text, length, overlap = document
    start = 0
    while start + length < len(text):
        space = text.rfind(" ", start + length * 3 // 4, start + length)
        end = start + length if space < 0 else space
        yield start, end
        start = end - overlap
    yield start, len(text)


def query_stems(query: str, count: int) -> list[str]:
    """Return the stems of the first `count` words of a query, each once."""
    words = (match[0] for match in islice(_word().finditer(query.lower()), count))
    return sorted({stem(word) for word in words if len(word) <= MAX_WORD})


def best_passages(documents: Sequence[SearchedText], queries: Sequence[str], count: int) -> list[Passage]:
    """Return the best passages, the best first; equal ones in the order of their documents. With several queries,
    the one that fits a passage best decides its relevance."""
    wanted = _wanted(queries)
    places = _places(documents, frozenset(chain.from_iterable(wanted)))
    weighed = _weighed(places, wanted)
    compared = (place._replace(relevance=_relevance(place.found, weighed)) for place in places)
    return [
        Passage(place.document, documents[place.document].text[place.start : place.end], place.relevance)
        for place in nlargest(count, compared, key=attrgetter("relevance"))
    ]


def _wanted(queries: Sequence[str]) -> Sequence[Sequence[str]]:
    """Return the stems of each query that has some, at most `MAX_WORDS` in all."""
    found, left = list[list[str]](), MAX_WORDS
    for query in queries:
        stems = query_stems(query, left)
        left -= len(stems)
        if stems:
            found.append(stems)
    return found


def _places(documents: Sequence[SearchedText], wanted: frozenset[str]) -> list[_PassagePlace]:
    # the forms of each word that `stem` makes equal, so that no word of a document needs a call
    forms = {form: each for each in wanted for form in (each, f"{each}s") if stem(form) == each}
    found: list[_PassagePlace] = []
    characters, words_of = 0, _word().findall
    for number, document in enumerate(documents):
        for start, end in passage_bounds(document):
            characters += end - start
            if len(found) == MAX_PASSAGES or characters > MAX_CHARACTERS:
                return found
            words = forms.keys() & words_of(document.text[start:end].lower())
            found.append(_PassagePlace(number, start, end, {forms[word] for word in words}))
    return found


def _weighed(places: Sequence[_PassagePlace], wanted: Sequence[Sequence[str]]) -> Sequence[_WeighedQuery]:
    """Return how much each stem of the queries counts."""
    counts = Counter(each for place in places for each in place.found)
    found = []
    for stems in wanted:
        weights = [log(1 + len(places) / max(1, counts[each])) for each in stems]
        found.append(_WeighedQuery(tuple(zip(stems, weights, strict=True)), sum(weights)))
    return found


def _relevance(found: AbstractSet[str], weighed: Sequence[_WeighedQuery]) -> float:
    if not found:
        return 0.0
    sums = (sum([weight for each, weight in query.stems if each in found]) / query.total for query in weighed)
    return round(max(sums), 4)
