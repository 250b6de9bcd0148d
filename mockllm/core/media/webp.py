"""WebP images (RFC 9649, lossless) of one colour: each code has a single symbol, so that a pixel takes no bits."""

from __future__ import annotations

from struct import pack

from mockllm.core.media.subject import color_of


def make_webp(width: int, height: int, subject: str, *, transparent: bool = False) -> bytes:
    """Return an image of the subject's colour, at most 16,384 pixels wide and high."""
    red, green, blue = color_of(subject)
    fields = [(width - 1, 14), (height - 1, 14), (int(transparent), 1), (0, 3), (0, 1), (0, 1), (0, 1)]
    for symbol in (green, red, blue, 0 if transparent else 255):
        fields += [(1, 1), (0, 1), (1, 1), (symbol, 8)]
    fields += [(1, 1), (0, 1), (0, 1), (0, 1)]  # the distances, which no pixel has
    value = place = 0
    for number, width_bits in fields:
        value |= number << place
        place += width_bits
    data = b"\x2f" + value.to_bytes(-(-place // 8), "little")
    data += b"\x00" * (len(data) % 2)
    return b"RIFF" + pack("<I", 12 + len(data)) + b"WEBPVP8L" + pack("<I", 1 + -(-place // 8)) + data
