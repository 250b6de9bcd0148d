"""Generated images by format."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from mockllm.core.media.jpeg import make_jpeg
from mockllm.core.media.png import make_png
from mockllm.core.media.webp import make_webp

IMAGE_TYPES: Final = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
"""The formats of generated images, with their media types."""
LARGEST: Final = 4096
"""The largest width and height in pixels; larger sizes are made that large."""
_SIZE: Final = re.compile(r"(\d{1,5})x(\d{1,5})", re.ASCII)


class ImageSize(NamedTuple):
    """Pixels."""

    width: int
    height: int


def size_of(text: str) -> ImageSize | None:
    """Return the size in a text such as `1024x1536`, at least one pixel; None where it is none."""
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    width, height = (max(1, min(LARGEST, int(number))) for number in match.groups())
    return ImageSize(width, height)


def make_image(format: str, size: ImageSize, subject: str, *, transparent: bool = False) -> bytes:
    """Return an image of the subject. An unknown format is a PNG; a JPEG is never transparent."""
    if format == "jpeg":
        return make_jpeg(size.width, size.height, subject)
    if format == "webp":
        return make_webp(size.width, size.height, subject, transparent=transparent)
    return make_png(size.width, size.height, subject, transparent=transparent)
