"""The frames that a WebSocket's server sends."""

from __future__ import annotations

import pytest

from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead
from mockllm.core.rendering.websocket_frames import (
    CLOSE,
    TEXT,
    WebSocketFrame,
    close_frame,
    payload_span,
    read_frames,
    text_frame,
)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_text_frame_is_read_back(size: int) -> None:
    payload = b"x" * size
    assert list(read_frames(text_frame(payload) * 2)) == [WebSocketFrame(TEXT, payload)] * 2


def test_text_frame_begins_with_its_length() -> None:
    assert text_frame(b"hi") == b"\x81\x02hi"
    assert text_frame(b"x" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert text_frame(b"x" * 65536)[:10] == b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"


@pytest.mark.parametrize(
    "data", [b"", b"\x81", b"\x81\x7e\x00", text_frame(b"abc")[:-1], b"GET / HTTP", b"\x81\x82abcdef"]
)
def test_incomplete_or_foreign_bytes_are_no_frame(data: bytes) -> None:
    assert list(read_frames(data)) == []


@pytest.mark.parametrize(("size", "header"), [(3, 2), (126, 4), (70_000, 10)])
def test_payload_span_is_known_with_the_whole_header(size: int, header: int) -> None:
    data = b"before" + text_frame(b"x" * size)
    spans = [payload_span(data[:end], 6) for end in range(6, len(data) + 1)]
    assert spans == [None] * header + [(6 + header, len(data))] * (size + 1)


def test_close_frame_has_code_and_reason_within_its_bound() -> None:
    assert close_frame(1011, "no") == b"\x88\x04\x03\xf3no"
    (frame,) = read_frames(close_frame(1000, "ä" * 100))
    assert (frame.opcode, len(frame.payload)) == (CLOSE, 124)


def test_messages_of_a_plan_are_its_texts() -> None:
    steps = (EventStep(b"{}", 0, "open"), RawStep(close_frame(1000), 0), EventStep(b"[]", 1, "end"))
    assert list(events(Plan(ResponseHead(200, ()), steps, Framing.WEBSOCKET))) == [
        (b"{}", None),
        (b"[]", None),
    ]
