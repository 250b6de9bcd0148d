"""PNG images (W3C PNG, third edition): a pattern of two colours, with one bit for each pixel.

The data is compressed here and not by zlib, whose output differs between its versions: the same image has the same
bytes on every machine. Only the first row of each band is written; the others repeat it (RFC 1951, section 3.2.6).
"""

from __future__ import annotations

from binascii import crc32
from struct import pack
from typing import Final
from zlib import adler32

from mockllm.core.media.subject import Color, color_of, digest

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
CELLS: Final = 8
"""Columns and rows of the pattern; its right half mirrors the left one."""
LIGHT: Final[Color] = (240, 240, 236)
LONGEST_MATCH: Final = 258
PLAIN_MATCH: Final = 10
"""The length up to which a match has no extra bits."""


def make_png(width: int, height: int, subject: str, *, transparent: bool = False) -> bytes:
    """Return an image; a transparent one has no background."""
    header = pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
    chunks = [_chunk(b"IHDR", header), _chunk(b"PLTE", bytes((*LIGHT, *color_of(subject))))]
    if transparent:
        chunks.append(_chunk(b"tRNS", b"\x00\xff"))
    chunks += [_chunk(b"IDAT", _compressed(_bands(width, height, subject))), _chunk(b"IEND", b"")]
    return SIGNATURE + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data))


def _bands(width: int, height: int, subject: str) -> list[tuple[bytes, int]]:
    """Return the rows of the image: a row with its filter byte, and how often it is repeated."""
    cells = digest(subject)[3 : 3 + CELLS]
    edges = [place * width // CELLS for place in range(CELLS + 1)]
    bands = []
    for number, cell in enumerate(cells):
        count = (number + 1) * height // CELLS - number * height // CELLS
        bits = "".join(
            str(cell >> min(place, CELLS - 1 - place) & 1) * (edges[place + 1] - edges[place])
            for place in range(CELLS)
        )
        bits += "0" * (-width % 8)
        if count:
            bands.append((b"\x00" + int(bits, 2).to_bytes(len(bits) // 8, "big"), count))
    return bands


class _FixedCodes:
    """A deflate stream of one block with the fixed codes (RFC 1951, section 3.2.6)."""

    def __init__(self) -> None:
        self._bits: list[str] = ["1", "10"]  # the last block; its type, least significant bit first

    def literal(self, byte: int) -> None:
        self._bits.append(f"{0x30 + byte:08b}" if byte < 144 else f"{0x190 + byte - 144:09b}")

    def match(self, length: int, distance: int) -> None:
        """Repeat `length` bytes from `distance` bytes before: 3 to 10 bytes, or 258."""
        self._bits.append("11000101" if length == LONGEST_MATCH else f"{length - 2:07b}")
        extra = max(0, (distance - 1).bit_length() - 2)
        code = 2 * extra + ((distance - 1) >> extra)
        self._bits.append(f"{code:05b}")
        if extra:
            self._bits.append(f"{(distance - 1) & ((1 << extra) - 1):0{extra}b}"[::-1])

    def to_bytes(self) -> bytes:
        text = "".join(self._bits) + "0000000"  # the end of the block
        text += "0" * (-len(text) % 8)
        return int(text[::-1], 2).to_bytes(len(text) // 8, "little")


def _compressed(bands: list[tuple[bytes, int]]) -> bytes:
    """Return the rows as a zlib stream (RFC 1950)."""
    codes = _FixedCodes()
    checksum = 1
    for row, count in bands:
        for byte in row:
            codes.literal(byte)
        left = len(row) * (count - 1)
        for length in (LONGEST_MATCH, PLAIN_MATCH):
            for _ in range(left // length):
                codes.match(length, len(row))
            left %= length
        if left > 2:
            codes.match(left, len(row))
        else:
            for byte in row[-left:] if left else b"":
                codes.literal(byte)
        checksum = adler32(row * count, checksum)
    return b"\x78\x01" + codes.to_bytes() + pack(">I", checksum)
