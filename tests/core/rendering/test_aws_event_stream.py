"""Frames of a binary event stream: written, read back, and damaged."""

from __future__ import annotations

from struct import pack
from zlib import crc32

import pytest

from mockllm.core.rendering.aws_event_stream import (
    filler,
    read_frames,
    unwrapped,
    write_bytes_event,
    write_event,
    write_frame,
)
from mockllm.core.rendering.plan import EventStep

STEP = EventStep(b'{"a":1}', 1, "chunk", "delta")
FRAME = write_event(STEP)


def test_frame_has_lengths_headers_payload_and_checksums() -> None:
    head = b"\x01n\x07\x00\x02vv"
    prelude = pack(">II", 16 + len(head) + 3, len(head))
    body = prelude + pack(">I", crc32(prelude)) + head + b"abc"
    assert write_frame({"n": "vv"}, b"abc") == body + pack(">I", crc32(body))


def test_event_has_its_name_and_type() -> None:
    (frame,) = read_frames(FRAME)
    assert frame.payload == STEP.payload
    assert frame.name == "delta"
    assert frame.headers == {
        ":event-type": "delta",
        ":content-type": "application/json",
        ":message-type": "event",
    }


@pytest.mark.parametrize("write", [write_event, write_bytes_event])
def test_error_is_an_exception_of_its_name(write: type) -> None:
    (frame,) = read_frames(write(EventStep(b"{}", 1, "error", "throttlingException")))
    assert frame.headers[":message-type"] == "exception"
    assert frame.name == "throttlingException"
    assert frame.payload == b"{}"


def test_bytes_event_has_its_payload_in_base64() -> None:
    (frame,) = read_frames(write_bytes_event(STEP))
    assert frame.name == "chunk"
    assert frame.payload == b'{"bytes":"eyJhIjoxfQ==","p":"abcdefghi"}'
    assert unwrapped(frame.payload) == STEP.payload


@pytest.mark.parametrize(
    "payload", [b"no json", b"[]", b"{}", b'{"bytes": 1}', b'{"bytes": "\xc3\xa9"}', b'{"bytes": "a"}']
)
def test_payload_without_base64_is_unwrapped_unchanged(payload: bytes) -> None:
    assert unwrapped(payload) == payload


DAMAGED: dict[str, bytes] = {
    "a cut prelude": FRAME[:10],
    "a cut payload": FRAME[:-5],
    "a wrong checksum of the prelude": FRAME[:8] + b"\0\0\0\0" + FRAME[12:],
    "a wrong checksum of the frame": FRAME[:-1] + bytes([FRAME[-1] ^ 1]),
    "headers longer than the frame": (prelude := pack(">II", 16, 99)) + pack(">I", crc32(prelude)) + b"1234",
    "nothing": b"",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_frame_ends_the_stream(name: str) -> None:
    assert [frame.payload for frame in read_frames(FRAME + DAMAGED[name])] == [STEP.payload]
    assert list(read_frames(DAMAGED[name])) == []


@pytest.mark.parametrize("head", [b"\x01n\x06\x00\x00\x00\x01", b"\x09n", b"\x01n\x07\x00"])
def test_header_without_a_text_ends_the_headers(head: bytes) -> None:
    known = b"\x01k\x07\x00\x01v"
    prelude = pack(">II", 16 + len(known + head), len(known + head))
    body = prelude + pack(">I", crc32(prelude)) + known + head
    (frame,) = read_frames(body + pack(">I", crc32(body)))
    assert frame.headers == {"k": "v"}
    assert frame.name is None


def test_filler_has_many_lengths() -> None:
    lengths = {len(filler(number)) for number in range(200)}
    assert (min(lengths), max(lengths)) == (2, 62)
