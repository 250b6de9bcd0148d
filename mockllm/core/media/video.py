"""Generated videos: MP4 files (ISO/IEC 14496-12) with H.264 (ITU-T H.264, baseline) of one colour, without sound.

The first picture has the colour in its first macroblock; all others repeat their neighbour. Each further picture
repeats the one before, so that a video takes a few kilobytes.
"""

from __future__ import annotations

import re
from struct import pack
from typing import Final

from mockllm.core.media.bits import BitWriter
from mockllm.core.media.images import ImageSize
from mockllm.core.media.subject import color_of, luma_chroma

VIDEO_TYPE: Final = "video/mp4"
FRAMES: Final = 24
"""Pictures of a second."""
LONGEST: Final = 120.0
"""Seconds of the longest generated video."""
LEVEL: Final = 51
TIME_SCALE: Final = 1000
"""Units of the times of a whole file in a second."""
_MATRIX: Final = pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_AFTER_PCM: Final = "0010011000011"
"""A macroblock that repeats its neighbour where that is the one with samples, counted as 16 coefficients (9.2.1)."""
_REPEATED: Final = "00100111"
"""A macroblock that repeats its neighbour: 16x16 prediction by the mean, no coefficients."""


def make_video(size: ImageSize, seconds: float, subject: str) -> bytes:
    """Return a video of at most LONGEST seconds."""
    count = max(1, round(min(max(seconds, 0.0), LONGEST) * FRAMES))
    blocks = -(-size.width // 16) * -(-size.height // 16)
    samples = [_first_picture(size, subject), *(_next_picture(number, blocks) for number in range(1, count))]
    brand = _box(b"ftyp", b"isom" + pack(">I", 512) + b"isomiso2avc1mp41")
    data = b"".join(samples)
    start = len(brand) + 8
    return brand + _box(b"mdat", data) + _movie(size, [len(sample) for sample in samples], start)


def _unit(kind: int, bits: BitWriter) -> bytes:
    """Return a NAL unit, with escapes in place of start codes (section 7.4.1)."""
    bits.put("1")
    return bytes([kind]) + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", bits.to_bytes())


def _sample(unit: bytes) -> bytes:
    return pack(">I", len(unit)) + unit


def _sequence(size: ImageSize) -> bytes:
    bits = BitWriter()
    for value in (66, 0xC0, LEVEL):
        bits.number(value, 8)
    for value in (0, 0, 2, 1):  # its id, 4 bits of frame numbers, the order of output, one reference
        bits.exp_golomb(value)
    bits.put("0")
    bits.exp_golomb(-(-size.width // 16) - 1)
    bits.exp_golomb(-(-size.height // 16) - 1)
    bits.put("11")
    right, bottom = -size.width % 16 // 2, -size.height % 16 // 2
    bits.put("1" if right or bottom else "0")
    for value in (0, right, 0, bottom) if right or bottom else ():
        bits.exp_golomb(value)
    bits.put("0")
    return _unit(0x67, bits)


def _picture_set() -> bytes:
    bits = BitWriter()
    bits.put("1100111000111100")
    return _unit(0x68, bits)


def _first_picture(size: ImageSize, subject: str) -> bytes:
    bits = BitWriter()
    for value in (0, 7, 0):
        bits.exp_golomb(value)
    bits.put("00001001010")
    bits.exp_golomb(25)
    header = len(bits.text)
    bits.put("0" * (-header % 8))
    y, cb, cr = luma_chroma(color_of(subject))
    for value, times in ((y, 256), (cb, 64), (cr, 64)):
        bits.put(f"{value:08b}", times)
    columns, rows = -(-size.width // 16), -(-size.height // 16)
    for row in range(min(rows, 2)):
        bits.put(_AFTER_PCM if row or columns > 1 else "")
        bits.put(_REPEATED, columns - (2 if not row else 1) if columns > 1 else 0)
    bits.put(_REPEATED, columns * max(0, rows - 2))
    return _sample(_unit(0x65, bits))


def _next_picture(number: int, blocks: int) -> bytes:
    bits = BitWriter()
    for value in (0, 5, 0):
        bits.exp_golomb(value)
    bits.number(number % 16, 4)
    bits.put("0001010")
    bits.exp_golomb(blocks)
    return _sample(_unit(0x41, bits))


def _box(kind: bytes, *contents: bytes) -> bytes:
    data = b"".join(contents)
    return pack(">I", len(data) + 8) + kind + data


def _full(kind: bytes, *contents: bytes, flags: int = 0) -> bytes:
    return _box(kind, pack(">I", flags), *contents)


def _movie(size: ImageSize, lengths: list[int], start: int) -> bytes:
    """Return the box that describes the pictures, whose data begins at `start` of the file."""
    count = len(lengths)
    lasts = count * TIME_SCALE // FRAMES
    header = pack(">IIIIIHH8x", 0, 0, TIME_SCALE, lasts, 0x10000, 0x100, 0)
    width, height = size.width << 16, size.height << 16
    track = pack(">IIIII8xHHHH", 0, 0, 1, 0, lasts, 0, 0, 0, 0) + _MATRIX + pack(">II", width, height)
    media = _box(
        b"mdia",
        _full(b"mdhd", pack(">IIIIHH", 0, 0, FRAMES, count, 0x55C4, 0)),
        _full(b"hdlr", pack(">I4s12x", 0, b"vide"), b"mockllm\x00"),
        _box(
            b"minf",
            _full(b"vmhd", bytes(8), flags=1),
            _box(b"dinf", _full(b"dref", pack(">I", 1), _full(b"url ", flags=1))),
            _samples(size, lengths, start),
        ),
    )
    return _box(
        b"moov",
        _full(b"mvhd", header, _MATRIX, bytes(24), pack(">I", 2)),
        _box(b"trak", _full(b"tkhd", track, flags=3), media),
    )


def _samples(size: ImageSize, lengths: list[int], start: int) -> bytes:
    """Return the table of the pictures."""
    sequence, picture = _sequence(size), _picture_set()
    config = bytes([1, *sequence[1:4], 0xFF, 0xE1]) + pack(">H", len(sequence)) + sequence
    config += b"\x01" + pack(">H", len(picture)) + picture
    resolution = 72 << 16
    entry = _box(
        b"avc1",
        pack(">6xH16xHHIIIH32xHh", 1, size.width, size.height, resolution, resolution, 0, 1, 24, -1),
        _box(b"avcC", config),
    )
    count = len(lengths)
    return _box(
        b"stbl",
        _full(b"stsd", pack(">I", 1), entry),
        _full(b"stts", pack(">III", 1, count, 1)),
        _full(b"stss", pack(">II", 1, 1)),
        _full(b"stsc", pack(">IIII", 1, 1, count, 1)),
        _full(b"stsz", pack(">II", 0, count), pack(f">{count}I", *lengths)),
        _full(b"stco", pack(">II", 1, start)),
    )
