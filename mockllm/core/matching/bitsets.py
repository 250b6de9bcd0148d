"""Sets of rows as Python integers, one bit a row: an AND of ten thousand rows costs about 0.2 µs.

The first row has the highest bit, because an integer's highest bit is at hand and its lowest is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

Rows: TypeAlias = int | tuple[int, ...]
"""A set as it is kept: few rows as the numbers of their bits, many as a mask."""

_FEW: Final = 8
_SINGLY: Final = 8
"""So many bits are taken one by one before the rest is written out: the first is mostly enough."""


def mask_of(rows: Sequence[int], size: int) -> int:
    """The mask of rows below `size`, made in one go: OR-ing bit by bit would be quadratic."""
    if not rows:
        return 0
    written = bytearray((size + 7) // 8)
    for row in rows:
        written[row >> 3] |= 1 << (row & 7)
    return int.from_bytes(written, "little")


def packed(rows: Sequence[int], size: int) -> Rows:
    return tuple(rows) if len(rows) <= _FEW else mask_of(rows, size)


def unpacked(rows: Rows) -> int:
    if isinstance(rows, int):
        return rows
    mask = 0
    for row in rows:
        mask |= 1 << row
    return mask


def positions(mask: int) -> Iterator[int]:
    """The bits that are set, the highest first."""
    for _ in range(_SINGLY):
        if not mask:
            return
        highest = mask.bit_length() - 1
        yield highest
        mask ^= 1 << highest
    if mask:
        written = bin(mask)[2:]
        last = len(written) - 1
        at = 0
        while at >= 0:
            yield last - at
            at = written.find("1", at + 1)


class BitCounter:
    """A number for each row, counted for all rows at once: plane N holds bit N of every number."""

    def __init__(self) -> None:
        self._planes: list[int] = []

    def add(self, mask: int) -> None:
        """One more for each row of the mask."""
        for number, plane in enumerate(self._planes):
            self._planes[number] = plane ^ mask
            mask &= plane
            if not mask:
                return
        if mask:
            self._planes.append(mask)

    def lowest(self, among: int) -> int:
        """Those of the rows with the least number."""
        for plane in reversed(self._planes):
            among = among & ~plane or among
        return among

    def highest(self, among: int) -> int:
        """Those of the rows with the greatest number."""
        for plane in reversed(self._planes):
            among = among & plane or among
        return among
