"""The note on a request that its validation refuses.

Most providers do not say why a body is no JSON, and OpenAI's message about one is long. The note says it.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import MISSING
from mockllm.core.json.unreadable import unreadable_reason
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
