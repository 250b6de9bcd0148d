"""Secrets of which a line shows only the beginning or the end: `display.brief` cuts long values at an ellipsis.

A cut secret is found by the ellipsis next to it. Its characters are searched as they are, without escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from mockllm.core.display import MAX_LENGTH

MIN_PART: Final = 8
"""The fewest bytes of a part that is found."""
MAX_CUTS: Final = 10_000
"""Bytes with more ellipses are not searched: each takes up to 20 microseconds."""
_CUT: Final = re.compile(rb" ?(?:\xe2\x80\xa6|\\+u2026) ?")
_REACH: Final = 4 * MAX_LENGTH
"""The most bytes on either side of an ellipsis: `brief` shows at most so many characters, each of up to 4 bytes."""


def may_have_cuts(data: bytes) -> bool:
    """Return whether data has an ellipsis."""
    return b"\xe2\x80\xa6" in data or b"u2026" in data


def cut_places(data: bytes, secrets: Iterable[bytes]) -> list[tuple[int, int]] | None:
    """Return the places of parts of secrets beside an ellipsis, in order. None if a search takes long."""
    ends = [(secret[:_REACH], secret[-_REACH:][::-1]) for secret in secrets if len(secret) > MIN_PART]
    if not ends:
        return []
    if data.count(b"\xe2\x80\xa6") + data.count(b"u2026") > MAX_CUTS:
        return None
    places: set[tuple[int, int]] = set()
    for cut in _CUT.finditer(data):
        before = data[max(0, cut.start() - _REACH) : cut.start()]
        after_reversed = data[cut.end() : cut.end() + _REACH][::-1]
        for beginning, end_reversed in ends:
            if length := _shown_length(beginning, before):
                places.add((cut.start() - length, cut.start()))
            if length := _shown_length(end_reversed, after_reversed):
                places.add((cut.end(), cut.end() + length))
    return sorted(places)


def _shown_length(beginning: bytes, data: bytes) -> int:
    """Return how many bytes of a beginning are at the end of data; 0 for fewer than `MIN_PART`."""
    anchor = beginning[:MIN_PART]
    at = data.find(anchor)
    while at >= 0:
        if beginning.startswith(data[at:]):
            return len(data) - at
        at = data.find(anchor, at + 1)
    return 0
