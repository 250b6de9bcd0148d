"""Texts cut to chunks, and texts made to measure. Pieces always join to the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import chain, repeat
from random import Random
from typing import Final

from mockllm.core.quantities.parse import ChunkSize
from mockllm.core.tokens import split

LOREM: Final = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut "
    "labore et dolore magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris "
    "nisi ut aliquip ex ea commodo consequat. Duis aute irure dolor in reprehenderit in voluptate velit "
    "esse cillum dolore eu fugiat nulla pariatur. Excepteur sint occaecat cupidatat non proident, sunt "
    "in culpa qui officia deserunt mollit anim id est laborum."
)
"""What typesetters have set for five hundred years where a text is wanted and none is there."""

_WORD: Final = re.compile(r"\s*\S+(?:\s+\Z)?|\s+")
_SENTENCE_END: Final = re.compile(r"""[.!?]+["'”’)\]]*(?=\s)|[。！？]+[”’」』）]*""")


def cut(text: str, size: ChunkSize) -> tuple[str, ...]:
    """The pieces of a text, each as long as `size` says and the last one what is left; none of an empty text.

    White space stands before the word or sentence that it leads to, as with tokens.
    """
    if size.unit == "characters":
        return tuple(text[start : start + size.count] for start in range(0, len(text), size.count))
    pieces = _SPLITTERS[size.unit](text)
    if size.count == 1:
        return tuple(pieces)
    return tuple("".join(pieces[start : start + size.count]) for start in range(0, len(pieces), size.count))


def _sentences(text: str) -> list[str]:
    """Up to where a sentence's end is followed by white space (in Chinese and Japanese by anything)."""
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    if ends and not text[ends[-1] :].strip():
        ends.pop()  # white space at the end belongs to the last sentence
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True) if start < end]


_SPLITTERS: Final[Mapping[str, Callable[[str], list[str]]]] = {
    "tokens": split,
    "words": _WORD.findall,
    "sentences": _sentences,
}


def made_tokens(count: int, of: str | None = None) -> tuple[str, ...]:
    """Exactly `count` token-like pieces of `of` (default lorem ipsum), said again and again with a space
    between: `Hello`, ` world`, ` Hello` …"""
    text = of or LOREM
    first = split(text)
    again = first if text[0].isspace() or text[-1].isspace() else split(" " + text)
    pieces = chain(first, chain.from_iterable(repeat(again)))
    return tuple(piece for _, piece in zip(range(count), pieces, strict=False))


def made_sentences(count: int, random: Random) -> str:
    """`count` sentences of 5 to 14 words out of lorem ipsum's."""
    return " ".join(_made_sentence(random) for _ in range(count))


_VOCABULARY: Final = tuple(sorted({word.strip(",.").lower() for word in LOREM.split()}))


def _made_sentence(random: Random) -> str:
    words = random.choices(_VOCABULARY, k=random.randint(5, 14))
    return " ".join(words).capitalize() + "."
