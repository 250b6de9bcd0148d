"""The frames of a binary event stream (`application/vnd.amazon.eventstream`): headers, a payload and two checksums.

A frame is its length, the length of its headers and their CRC-32, then the headers, the payload, and the CRC-32 of
all bytes before. Source: Smithy, "Amazon Event Stream Specification".
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterator, Mapping
from struct import Struct as Layout
from typing import Final
from zlib import crc32

from msgspec import Struct

from mockllm.core.json.codec import JSONDecodeError, dumps, loads
from mockllm.core.rendering.plan import EventStep

_PRELUDE: Final = Layout(">III")
"""The length of the frame, that of its headers, and the checksum of both."""
PRELUDE_CHECKSUM: Final = 8
"""The offset of the checksum of the two lengths."""
_LENGTH: Final = Layout(">H")
_CRC: Final = Layout(">I")
_STRING: Final = 7
"""The type of a header with a text; further types do not occur in the streams of models."""
_FILLER: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class EventFrame(Struct, frozen=True):
    """A complete frame with correct checksums. `end`: the offset after it."""

    headers: Mapping[str, str]
    payload: bytes
    end: int

    @property
    def name(self) -> str | None:
        """The name of the event, or of the exception."""
        return self.headers.get(":event-type", self.headers.get(":exception-type"))


def filler(number: int) -> str:
    """Return the member `p` of a payload: a text of varying length, which hides the length of the content."""
    return _FILLER[: 2 + number % (len(_FILLER) - 1)]


def write_frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return a frame."""
    parts: list[bytes] = []
    for name, value in headers.items():
        text = value.encode()
        parts += (bytes([len(name)]), name.encode(), bytes([_STRING]), _LENGTH.pack(len(text)), text)
    head = b"".join(parts)
    lengths = _PRELUDE.pack(len(head) + len(payload) + 16, len(head), 0)[:PRELUDE_CHECKSUM]
    frame = lengths + _CRC.pack(crc32(lengths)) + head + payload
    return frame + _CRC.pack(crc32(frame))


def write_event(step: EventStep) -> bytes:
    """Return the frame of an event. An error is an exception, of which the step's event is the name."""
    kind = "exception" if step.kind == "error" else "event"
    return write_frame(
        {
            f":{kind}-type": step.event or "chunk",
            ":content-type": "application/json",
            ":message-type": kind,
        },
        step.payload,
    )


def write_bytes_event(step: EventStep) -> bytes:
    """Return the frame of an event whose payload is in the member `bytes` of JSON, in base64."""
    if step.kind == "error":
        return write_event(step)
    wrapped = dumps({"bytes": b64encode(step.payload).decode(), "p": filler(len(step.payload))})
    return write_event(EventStep(wrapped, step.chunk_number, step.kind, "chunk"))


def read_frames(data: bytes) -> Iterator[EventFrame]:
    """Yield the frames up to the first one that is incomplete or has a wrong checksum: clients read no further."""
    at = 0
    while at + _PRELUDE.size + _CRC.size <= len(data):
        length, head_length, check = _PRELUDE.unpack_from(data, at)
        end, body = at + length, at + _PRELUDE.size
        wrong = crc32(data[at : at + PRELUDE_CHECKSUM]) != check or body + head_length + _CRC.size > end
        if wrong or end > len(data) or crc32(data[at : end - 4]) != _CRC.unpack_from(data, end - 4)[0]:
            return
        yield EventFrame(
            _read_headers(data[body : body + head_length]), data[body + head_length : end - 4], end
        )
        at = end


def _read_headers(data: bytes) -> dict[str, str]:
    """Return the headers up to the first one that has no text."""
    headers: dict[str, str] = {}
    at = 0
    while at < len(data):
        behind = at + 1 + data[at]
        if data[behind : behind + 1] != bytes([_STRING]) or behind + 3 > len(data):
            break
        start = behind + 3
        end = start + _LENGTH.unpack_from(data, behind + 1)[0]
        headers[data[at + 1 : behind].decode("utf-8", "replace")] = data[start:end].decode("utf-8", "replace")
        at = end
    return headers


def unwrapped(payload: bytes) -> bytes:
    """Return the bytes in the member `bytes` of a payload; the payload itself where it has no such member."""
    try:
        inner = loads(payload)["bytes"]
        return b64decode(inner, validate=True)
    except (JSONDecodeError, KeyError, TypeError, Error, ValueError):
        return payload
