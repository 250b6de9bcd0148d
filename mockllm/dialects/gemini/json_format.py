"""JSON as Google's servers write it: bodies are indented; a stream's chunk is one line with a space after
colons.

Both escape angle brackets. Source: recorded bytes of both endpoints.
"""

from __future__ import annotations

from json import JSONEncoder
from typing import Final

from mockllm.core.json.codec import Json, json_value, pretty

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
