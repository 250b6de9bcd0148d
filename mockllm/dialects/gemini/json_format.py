"""JSON as Google's servers write it: bodies indented, a stream's chunks on a line with a space behind colons.

Both write angle brackets as escapes. Source: recorded bytes of both endpoints.
"""

from __future__ import annotations

from json import JSONEncoder
from typing import Final

from mockllm.core.json.codec import Json, json_value, pretty

_ENCODE: Final = JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ": "), default=json_value
).encode


def line(value: Json) -> bytes:
    """On one line: what server-sent events carry."""
    return _escaped(_ENCODE(value).encode())


def page(value: Json) -> bytes:
    """Indented by two: whole bodies, errors, and the items of an array."""
    return _escaped(pretty(value))


def _escaped(written: bytes) -> bytes:
    return written.replace(b"<", b"\\u003c").replace(b">", b"\\u003e")
