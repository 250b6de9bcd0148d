"""The frames that a WebSocket's server sends: texts, bytes and the close frame. They are final and not masked.

Source: RFC 6455, sections 5.2 and 5.5.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
MAX_REASON: Final = 123
"""Bytes of the reason in a close frame: a control frame has at most 125, two of which are the code."""


def text_frame(payload: bytes) -> bytes:
    """Return a text as one frame."""
    return frame(TEXT, payload)


def binary_frame(payload: bytes) -> bytes:
    """Return bytes as one frame."""
    return frame(BINARY, payload)


def close_frame(code: int, reason: str = "") -> bytes:
    """Return the frame that ends a WebSocket with a code. A longer reason is cut."""
    text = reason.encode()[:MAX_REASON].decode("utf-8", "ignore").encode()
    return frame(CLOSE, code.to_bytes(2, "big") + text)


def frame(opcode: int, payload: bytes) -> bytes:
    """Return a payload as one frame."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 1 << 16:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


def payload_span(data: bytes, at: int) -> tuple[int, int] | None:
    """Return where the payload of the frame at this offset begins and ends; its end may be beyond these bytes. Return
    None where the bytes end inside of the frame's header."""
    start = at + 2
    if start > len(data):
        return None
    size = data[at + 1]
    if size < 126:
        return start, start + size
    length_at, start = start, start + (2 if size == 126 else 8)
    return None if start > len(data) else (start, start + int.from_bytes(data[length_at:start], "big"))


class WebSocketFrame(NamedTuple):
    """A complete frame."""

    opcode: int
    payload: bytes


def read_frames(data: bytes) -> Iterator[WebSocketFrame]:
    """Yield the complete frames that `frame` wrote, up to bytes that are none."""
    at = 0
    while at + 2 <= len(data) and data[at] & 0xF0 == 0x80 and data[at + 1] < 128:
        span = payload_span(data, at)
        if span is None or span[1] > len(data):
            return
        yield WebSocketFrame(data[at] & 15, data[span[0] : span[1]])
        at = span[1]
