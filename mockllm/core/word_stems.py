"""Words by which a name and a text are compared: stems, the words of an identifier, and words for arithmetic."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from mockllm.core.text_cache import text_cache

_IDENTIFIER: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|\d+")
_MAX_NAME: Final = 100
"""The most characters of a name that are read."""

_OPERATIONS: Final = (
    (("add", "addition", "sum", "plus"), ("plus", "add", "sum", "added")),
    (("subtract", "subtraction", "minus", "difference"), ("minus", "subtract", "difference", "subtracted")),
    (("multiply", "multiplication", "product", "times"), ("times", "multiplied", "multiply", "product")),
    (("divide", "division", "quotient"), ("divided", "divide", "quotient")),
)


@lru_cache(4096)
def stem(word: str) -> str:
    """Return a word in lower case without the ending of the plural. Results are cached: callers bound the length."""
    word = word.lower()
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    stem(name): tuple(map(stem, synonyms)) for names, synonyms in _OPERATIONS for name in names
}
"""Stems that mean an arithmetic operation, by the stem of its name."""


@text_cache(1024, _MAX_NAME)
def name_stems(name: str) -> tuple[str, ...]:
    """Return the stems of an identifier's words, in order: `customerName` and `customer_name` are alike."""
    return tuple(stem(word) for word in _IDENTIFIER.findall(name[:_MAX_NAME]))
