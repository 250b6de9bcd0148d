"""Texts cut into chunks, and filler texts of a certain size. Chunks always join to the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import chain, repeat
from random import Random
from typing import Final

from mockllm.core.quantities.parse import ChunkSize
from mockllm.core.randomness import below
from mockllm.core.tokens import split

LOREM: Final = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut "
    "labore et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris "
    "nisi ut aliquip ex ea commodo consequat. Duis aute irure dolor in reprehenderit in voluptate velit "
    "esse cillum dolore eu fugiat nulla pariatur. Excepteur sint occaecat cupidatat non proident, sunt "
    "in culpa qui officia deserunt mollit anim id est laborum."
)
"""The usual filler text."""

DEFAULT_CHUNK_SIZE: Final = ChunkSize(1, "tokens")
"""The chunk size without a pace: one token, as the providers stream."""

_WORD: Final = re.compile(r"\s*\S+(?:\s+\Z)?|\s+")
_SENTENCE_END: Final = re.compile(r"""(?<![.!?])[.!?]++["'”’)\]]*+(?=\s)|[。！？]+[”’」』）]*""")
"""A run of points that ends no sentence is read once: a search begins at none but its first."""


def split_into_chunks(text: str, size: ChunkSize) -> tuple[str, ...]:
    """Return the chunks of a text, each of this size and the last one with the rest; none for an empty text.
    White space belongs to the word or sentence after it, as in tokens."""
    if size.unit == "characters":
        return tuple(text[start : start + size.count] for start in range(0, len(text), size.count))
    units = _SPLITTERS[size.unit](text)
    if size.count == 1:
        return tuple(units)
    return tuple("".join(units[start : start + size.count]) for start in range(0, len(units), size.count))


def _sentences(text: str) -> list[str]:
    """Split after each end of a sentence that white space follows (in Chinese and Japanese anything)."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    if ends and not text[ends[-1] :].strip():
        ends.pop()  # white space at the end belongs to the last sentence
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True) if start < end]


_SPLITTERS: Final[Mapping[str, Callable[[str], list[str]]]] = {
    "tokens": split,
    "words": _WORD.findall,
    "sentences": _sentences,
}


def filler_tokens(count: int, of: str | None = None) -> tuple[str, ...]:
    """Return exactly `count` tokens of `of` (default lorem ipsum), repeated with a space between. `Hello`, `
    world`, ` Hello` …"""
    text = of or LOREM
    first = split(text)
    again = first if text[0].isspace() or text[-1].isspace() else split(" " + text)
    tokens = chain(first, chain.from_iterable(repeat(again)))
    return tuple(token for _, token in zip(range(count), tokens, strict=False))


def filler_sentences(count: int, random: Random) -> str:
    """Return `count` sentences of 5 to 14 words of lorem ipsum."""
    return " ".join([filler_sentence(random) for _ in range(count)])


_VOCABULARY: Final = tuple(sorted({word.strip(",.").lower() for word in LOREM.split()}))

_WORD_COUNT: Final = float(len(_VOCABULARY))


def filler_sentence(random: Random) -> str:
    """Return one such sentence."""
    count, draw = 5 + below(random, 10), random.random
    words = [_VOCABULARY[int(draw() * _WORD_COUNT)] for _ in range(count)]  # as `choices`, in half the time
    return " ".join(words).capitalize() + "."
