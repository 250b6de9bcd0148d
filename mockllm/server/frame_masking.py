"""Refuses the frames of a WebSocket's client that does not mask them (RFC 6455, section 5.1): aiohttp reads them."""

from __future__ import annotations

from typing import Final, Protocol

WRONG_FRAME: Final = b"\xf0\x80"
"""The head of a frame that aiohttp refuses with 1002: its reserved bits are set."""


class FrameReader(Protocol):
    """Reads frames. `feed_data` returns whether they are refused, and bytes that are not read."""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]: ...

    def feed_eof(self) -> None: ...


class MaskedFrames:
    """Passes frames on to a reader; in place of a first one without a mask, one that is wrong. A client without masks
    has none in its first frame: later ones are not checked, since each check would take as long as the frame."""

    __slots__ = ("_head", "_reader")

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        self._head: bytes | None = b""
        """What has come of the first two bytes; None after them."""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        if self._head is not None:
            data = self._head + data
            if len(data) < 2:
                self._head = data
                return False, b""
            self._head = None
            data = data if data[1] & 0x80 else WRONG_FRAME
        return self._reader.feed_data(data)

    def feed_eof(self) -> None:
        self._reader.feed_eof()
