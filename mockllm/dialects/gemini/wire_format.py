"""The headers and the JSON of Google's responses.

Bodies are indented; a stream's chunk is one line with a space after colons. Both escape angle brackets, as recorded
bytes of both endpoints do. The headers that Google's gateway adds to every response (framing and sniffing rules,
timing) are omitted.
"""

from __future__ import annotations

from json import JSONEncoder
from typing import Final

from mockllm.core.json.codec import Json, json_value, pretty
from mockllm.core.rendering.plan import Headers

JSON: Final[Headers] = (("content-type", "application/json; charset=UTF-8"),)
STREAM: Final[Headers] = (("content-type", "text/event-stream"), ("content-disposition", "attachment"))
EVENTS: Final[Headers] = (("content-type", "text/event-stream"),)
"""The headers of an error for a request for server-sent events: the body is not an event, but has their content
type."""
TIER: Final[Headers] = (("x-gemini-service-tier", "standard"),)
"""The additional headers of Gemini's non-streaming responses."""
_ENCODE: Final = JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ": "), default=json_value
).encode


def one_line(value: Json) -> bytes:
    """Return the value on one line, as server-sent events contain it."""
    return _escaped(_ENCODE(value).encode())


def indented(value: Json) -> bytes:
    """Return the value indented by two: bodies, errors, and the items of an array."""
    return _escaped(pretty(value))


def _escaped(encoded: bytes) -> bytes:
    return encoded.replace(b"<", b"\\u003c").replace(b">", b"\\u003e")
