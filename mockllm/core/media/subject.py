"""The value that determines a generated picture or sound: a hash of its subject, such as a prompt."""

from __future__ import annotations

from hashlib import sha256
from typing import TypeAlias

Color: TypeAlias = tuple[int, int, int]
"""Red, green and blue, from 0 to 255."""


def digest(subject: str) -> bytes:
    """Return 32 bytes that the subject determines."""
    return sha256(subject.encode("utf-8", "surrogatepass")).digest()


def color_of(subject: str) -> Color:
    """Return the colour of a subject; each component is from 64 to 223."""
    red, green, blue = (64 + byte * 160 // 256 for byte in digest(subject)[:3])
    return red, green, blue


def luma_chroma(color: Color) -> Color:
    """Return a colour as Y, Cb and Cr of the full range (ITU-T T.871)."""
    red, green, blue = color
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    cb = 128 + 0.564 * (blue - y)
    cr = 128 + 0.713 * (red - y)
    return int(y), int(cb), int(cr)
