"""Parses framed bytes into events, as a client does: the inverse of `core.rendering.framing`.

An event ends with an empty line. An event that is cut off before that line does not count. Source: WHATWG HTML
section 9.2 (server-sent events).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Final

from mockllm.core.rendering import websocket_frames
from mockllm.core.rendering.aws_event_stream import read_frames, unwrapped
from mockllm.core.rendering.encoder import Event
from mockllm.core.rendering.framing import framed
from mockllm.core.rendering.plan import Framing, Plan
from mockllm.core.rendering.websocket_frames import BINARY, TEXT

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_BETWEEN: Final = re.compile(r"[\s\[,]*")
_JSON: Final = JSONDecoder()


def _plain(data: bytes) -> Iterator[Event]:
    yield data, None


def _sse(data: bytes) -> Iterator[Event]:
    name: str | None = None
    data_lines: list[bytes] = []
    for line in _LINE_END.split(data)[:-1]:  # bytes after the last line end are no line
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode("utf-8", "replace")
        elif field == b"data":
            data_lines.append(value)
        elif not line:
            if data_lines:
                yield b"\n".join(data_lines), name
            name, data_lines = None, []


def _ndjson(data: bytes) -> Iterator[Event]:
    return ((line, None) for line in data.split(b"\n")[:-1] if line)


def _json_array(data: bytes) -> Iterator[Event]:
    """Return the items of the array that are complete."""
    text = data.decode("utf-8", "replace")
    at = 0
    while True:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        try:
            _, end = _JSON.raw_decode(text, at)
        except JSONDecodeError:
            return
        yield text[at:end].encode(), None
        at = end


def _aws_event_stream(data: bytes) -> Iterator[Event]:
    return ((frame.payload, frame.name) for frame in read_frames(data))


def _aws_event_stream_bytes(data: bytes) -> Iterator[Event]:
    return ((unwrapped(frame.payload), frame.name) for frame in read_frames(data))


def _websocket(data: bytes) -> Iterator[Event]:
    return (
        (frame.payload, None)
        for frame in websocket_frames.read_frames(data)
        if frame.opcode in (TEXT, BINARY)
    )


_READERS: Final[dict[Framing, Callable[[bytes], Iterator[Event]]]] = {
    Framing.PLAIN: _plain,
    Framing.SSE: _sse,
    Framing.SSE_CRLF: _sse,
    Framing.SSE_DENSE: _sse,
    Framing.SSE_DENSE_CRLF: _sse,
    Framing.NDJSON: _ndjson,
    Framing.JSON_ARRAY: _json_array,
    Framing.AWS_EVENT_STREAM: _aws_event_stream,
    Framing.AWS_EVENT_STREAM_BYTES: _aws_event_stream_bytes,
    Framing.WEBSOCKET: _websocket,
    Framing.WEBSOCKET_BINARY: _websocket,
    Framing.BYTES: _plain,
}


def sent_bytes(plan: Plan) -> bytes:
    """Return all bytes of the body."""
    return b"".join(item for item in framed(plan) if type(item) is bytes)


def events(plan: Plan) -> Iterator[Event]:
    """Return the events that a client reads from the body; the body itself if the response is non-streaming."""
    return _READERS[plan.framing](sent_bytes(plan))
