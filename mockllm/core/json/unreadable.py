"""Why bytes are no JSON, in words for a person, with the place."""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.json.codec import JSONDecodeError, loads

_NO_NUMBER: Final = re.compile("NaN|Infinity")


def unreadable_reason(raw: bytes) -> str | None:
    """Return `line 1 column 9: trailing comma is not allowed`; None for JSON. Columns count characters from 1."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return f"line {line} column {column}: the byte 0x{raw[error.start]:02x} is not UTF-8"
    try:
        loads(raw)
    except JSONDecodeError as error:
        word = _NO_NUMBER.match(error.doc, error.pos)
        why = error.msg if word is None else f"{word[0]} is not a JSON value"
        return f"line {error.lineno} column {error.colno}: {why}"
    return None
