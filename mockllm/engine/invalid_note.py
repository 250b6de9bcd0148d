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

_FORMS: Final = ("multipart/form-data", "application/x-www-form-urlencoded")
_BEGINS_JSON: Final = (b"{", b"[", b"\xef\xbb\xbf")
_ONE_FIELD: Final = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n'


def invalid_note(failure: Failure, dialect: Dialect, request: Request) -> str:
    """Return the note: why the body is no JSON where it should be, else the failure's message."""
    if request.body is MISSING and dialect.check_readable(request) == failure:
        if not request.raw:
            return "invalid: the request has no body"
        why = _form_reason(failure, dialect, request) if _is_form(request) else unreadable_reason(request.raw)
        if why is not None:
            return f"invalid: the body is {why}"
    return f"invalid: {failure.short_message}"


def _is_form(request: Request) -> bool:
    """Return whether a body has the fields of a form. curl calls any body such a form, also one that begins as
    JSON."""
    kind = request.headers.get("content-type", "").lower()
    return kind.startswith(_FORMS) and not request.raw.lstrip().startswith(_BEGINS_JSON)


def _form_reason(failure: Failure, dialect: Dialect, request: Request) -> str | None:
    """Return what to send in place of a form; None where the call reads no JSON, as the upload of a file."""

    def failure_of(kind: str, raw: bytes) -> Failure | None:
        headers = {"content-type": kind}
        return dialect.check_readable(
            dialect.request_class(method=request.method, path=request.path, headers=headers, raw=raw)
        )

    if failure_of("application/json", b"{}") == failure:
        return None
    if failure_of("multipart/form-data; boundary=x", _ONE_FIELD) is None:
        return "neither JSON nor multipart/form-data"
    return "a form; send JSON (content-type: application/json)"


_NO_NUMBER: Final = re.compile("NaN|Infinity")


def unreadable_reason(raw: bytes) -> str | None:
    """Return `not JSON, line 1 column 9: trailing comma is not allowed`; None for JSON. Columns count
    characters from 1."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        return f"not JSON, line {line} column {column}: the byte 0x{raw[error.start]:02x} is not UTF-8"
    try:
        loads(raw)
    except JSONDecodeError as error:
        word = _NO_NUMBER.match(error.doc, error.pos)
        why = error.msg if word is None else f"{word[0]} is not a JSON value"
        return f"not JSON, line {error.lineno} column {error.colno}: {why}"
    return None
