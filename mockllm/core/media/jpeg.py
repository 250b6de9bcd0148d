"""JPEG images (ITU-T T.81, baseline) of one colour. Each block has only its mean, so an image takes few bytes."""

from __future__ import annotations

from struct import pack
from typing import Final

from mockllm.core.media.bits import BitWriter
from mockllm.core.media.subject import color_of, luma_chroma

STEP: Final = 8
"""The quantization of all coefficients: the mean of a block is the difference of its samples from 128."""
CATEGORY_LENGTH: Final = 5
"""Bits of the code of each category of differences but 0, whose code is one bit."""


def make_jpeg(width: int, height: int, subject: str) -> bytes:
    """Return an image of the subject's colour."""
    segments = (
        _segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"),
        _segment(0xDB, b"\x00" + bytes([STEP]) * 64),
        _segment(0xC0, pack(">BHHB", 8, height, width, 3) + b"\x01\x22\x00\x02\x11\x00\x03\x11\x00"),
        _segment(0xC4, b"\x00" + bytes([1, 0, 0, 0, 11]) + bytes(11) + bytes(range(12))),
        _segment(0xC4, b"\x10" + bytes([1]) + bytes(15) + b"\x00"),
        _segment(0xDA, b"\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00"),
    )
    units = -(-width // 16) * -(-height // 16)
    return b"\xff\xd8" + b"".join(segments) + _scan(units, subject) + b"\xff\xd9"


def _segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + pack(">H", len(data) + 2) + data


def _scan(units: int, subject: str) -> bytes:
    """Return the coded data: the means in the first unit, and units without differences."""
    y, cb, cr = luma_chroma(color_of(subject))
    bits = BitWriter()
    for mean in (y, None, None, None, cb, cr):
        _put_difference(bits, 0 if mean is None else mean - 128)
        bits.put("0")  # the end of the block
    bits.put("00" * 6, units - 1)
    return bits.to_bytes("1").replace(b"\xff", b"\xff\x00")


def _put_difference(bits: BitWriter, value: int) -> None:
    category = abs(value).bit_length()
    if not category:
        bits.put("0")
        return
    bits.number(0b10000 + category - 1, CATEGORY_LENGTH)
    bits.number(value if value > 0 else value + (1 << category) - 1, category)
