"""Sets of rows as Python integers, one bit a row: an AND of ten thousand rows costs about 0.2 µs.

The first row has the highest bit, because an integer's highest bit is faster to find than its lowest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

Rows: TypeAlias = int | tuple[int, ...]
"""A stored set: few rows as the numbers of their bits, many as a mask."""

_MAX_TUPLE: Final = 8
_SINGLE_BITS: Final = 8
"""The number of bits that are found one by one before the mask is converted to text: the first one mostly
suffices."""


def mask_of(rows: Sequence[int], size: int) -> int:
    """Return the mask of rows below `size`. OR-ing bit by bit would be quadratic."""
    if not rows:
        return 0
    data = bytearray((size + 7) // 8)
    for row in rows:
        data[row >> 3] |= 1 << (row & 7)
    return int.from_bytes(data, "little")


def packed(rows: Sequence[int], size: int) -> Rows:
    """Return the rows in the smaller stored form."""
    return tuple(rows) if len(rows) <= _MAX_TUPLE else mask_of(rows, size)


def unpacked(rows: Rows) -> int:
    """Return the mask of a stored set."""
    if isinstance(rows, int):
        return rows
    mask = 0
    for row in rows:
        mask |= 1 << row
    return mask


def positions(mask: int) -> Iterator[int]:
    """Yield the bits that are set, the highest first."""
    for _ in range(_SINGLE_BITS):
        if not mask:
            return
        highest = mask.bit_length() - 1
        yield highest
        mask ^= 1 << highest
    if mask:
        digits = bin(mask)[2:]
        last = len(digits) - 1
        at = 0
        while at >= 0:
            yield last - at
            at = digits.find("1", at + 1)


class BitCounter:
    """A count for each row, added for all rows at once: plane N has bit N of every count."""

    def __init__(self) -> None:
        self._planes: list[int] = []

    def add(self, mask: int) -> None:
        """Add 1 to the count of each row of the mask."""
        for number, plane in enumerate(self._planes):
            self._planes[number] = plane ^ mask
            mask &= plane
            if not mask:
                return
        if mask:
            self._planes.append(mask)

    def lowest(self, among: int) -> int:
        """Return the rows with the lowest count."""
        for plane in reversed(self._planes):
            among = among & ~plane or among
        return among

    def highest(self, among: int) -> int:
        """Return the rows with the highest count."""
        for plane in reversed(self._planes):
            among = among & plane or among
        return among
