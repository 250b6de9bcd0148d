"""What classifiers read of the texts of a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

MAX_READ: Final = 65_536
"""Characters that are read of the texts of one request, unless there are many. Patterns search these in 25 ms."""
ALWAYS_READ: Final = 128
"""Characters that are read of each text, however many there are."""


def are_long(texts: Sequence[str]) -> bool:
    """Return whether classifying the texts takes longer than other requests may wait."""
    return sum(map(len, texts)) > MAX_READ


def read_texts(texts: Sequence[str]) -> list[str]:
    """Return what is read of each text: all of the short ones. If all are too long together, the long ones share the
    rest; each has its beginning and end."""
    left = max(MAX_READ, ALWAYS_READ * len(texts))
    for place, length in enumerate(sorted(map(len, texts))):
        share = left // (len(texts) - place)
        if length > share:
            half = share // 2
            return [text if len(text) <= share else f"{text[:half]}\n{text[-half:]}" for text in texts]
        left -= length
    return list(texts)
