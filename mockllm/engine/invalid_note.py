"""The note on a request that its validation refuses.

Most providers do not say why a body is no JSON, and OpenAI's message about one is long. The note says it, with
the place.
"""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import MISSING, JSONDecodeError, loads
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import Dialect
from mockllm.engine.rule_header import reason

_FORMS: Final = ("multipart/form-data", "application/x-www-form-urlencoded")
_BEGINS_JSON: Final = (b"{", b"[", b"\xef\xbb\xbf")


def invalid_note(failure: Failure, dialect: Dialect, request: Request) -> str:
    """Return the note: why the body is no JSON where it should be, else the failure's message."""
    if request.body is MISSING and not _is_form(request) and dialect.check_readable(request) == failure:
        if not request.raw:
            return "invalid: the request has no body"
        unreadable = unreadable_reason(request.raw)
        if unreadable is not None:
            return f"invalid: the body is not JSON, {unreadable}"
    return f"invalid: {reason(failure)}"


def _is_form(request: Request) -> bool:
    """Return whether a body has the fields of a form. curl calls any body such a form, also one that begins as
    JSON."""
    kind = request.headers.get("content-type", "").lower()
    return kind.startswith(_FORMS) and not request.raw.lstrip().startswith(_BEGINS_JSON)


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
