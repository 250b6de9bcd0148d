"""Reads JSON that may have any form: a value of the expected type, else None or an empty value. Nothing raises."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, loads

MAX_DIGITS: Final = 9
"""Of a number that a client writes as text: Python refuses to read one of more than 4,300 digits."""


def text_of(value: Json) -> str | None:
    """Return the text; None in place of anything else."""
    return value if type(value) is str else None


def count_of(value: Json) -> int | None:
    """Return an integer above 0; None for anything else, `true` included."""
    return value if type(value) is int and value > 0 else None


def truncated_count(value: Json) -> int | None:
    """Return the integer part of a number of at least 1; None for anything else."""
    return int(value) if (type(value) is int or type(value) is float) and value >= 1 else None


def whole_number(text: str | None, default: int) -> int:
    """Return the number that a text is, at most 9 digits; the default in place of anything else."""
    return int(text) if text is not None and text.isdecimal() and len(text) <= MAX_DIGITS else default


def object_of(value: Json) -> dict[str, Json]:
    """Return the object; an empty one in place of anything else."""
    return value if type(value) is dict else {}


def list_of(value: Json) -> list[Json]:
    """Return the list; an empty one in place of anything else."""
    return value if type(value) is list else []


def decoded(value: Json) -> bytes | None:
    """Return the bytes of a text in base64; None in place of anything else."""
    try:
        return b64decode(value, validate=True) if type(value) is str else None
    except ValueError:
        return None


def read_object(data: bytes) -> dict[str, Json]:
    """Parse an object; an empty one in place of anything else."""
    try:
        return object_of(loads(data))
    except JSONDecodeError:
        return {}


def objects(value: Json) -> Iterator[dict[str, Json]]:
    """Yield the objects of a list; nothing for anything else."""
    return (entry for entry in value if type(entry) is dict) if type(value) is list else iter(())


def texts(value: Json) -> Iterator[str]:
    """Yield the texts of a list; nothing for anything else."""
    return (entry for entry in value if type(entry) is str) if type(value) is list else iter(())


def arguments_json(text: str) -> Json:
    """Return a call's arguments as JSON. An empty text is no arguments; deliberately invalid JSON stays text."""
    if not text.strip():
        return {}
    try:
        return loads(text)
    except JSONDecodeError:
        return text
