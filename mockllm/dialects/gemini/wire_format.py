"""The headers and the JSON of Google's responses.

Bodies are indented; a stream's chunk is one line with a space after colons. Both escape angle brackets, as recorded
bytes of both endpoints do. The headers that Google's gateway adds to every response (framing and sniffing rules,
timing) are omitted.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json, pretty, spaced, without_angles
from mockllm.core.rendering.plan import Headers

JSON: Final[Headers] = (("content-type", "application/json; charset=UTF-8"),)
STREAM: Final[Headers] = (("content-type", "text/event-stream"), ("content-disposition", "attachment"))
EVENTS: Final[Headers] = (("content-type", "text/event-stream"),)
"""The headers of an error for a request for server-sent events: the body is not an event, but has their content
type."""
TIER: Final[Headers] = (("x-gemini-service-tier", "standard"),)
"""The additional headers of Gemini's non-streaming responses."""


def one_line(value: Json) -> bytes:
    """Return the value on one line, as server-sent events contain it."""
    return without_angles(spaced(value))


def indented(value: Json) -> bytes:
    """Return the value indented by two: bodies, errors, and the items of an array."""
    return without_angles(pretty(value))
