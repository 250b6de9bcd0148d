"""Users and passwords of URLs that have escapes of JSON, in JSON or in texts of it that are JSON, such as
arguments."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from mockllm.core.key_forms import URL_CREDENTIALS
from mockllm.core.redaction import Redactor, written_forms
from mockllm.core.secret_masker import without_json_escapes

MAX_CREDENTIALS: Final = 1_024
"""Most different credentials of one response: each search takes time."""
_CREDENTIALS: Final = re.compile(URL_CREDENTIALS.encode())
"""The user and the password of a URL."""


def without_escaped_credentials(data: bytes) -> bytes:
    """Return bytes of the same length with asterisks for the credentials of URLs. Those without escapes have
    asterisks already, since a `Redactor` finds them by their form."""
    if b"\\" not in data:
        return data
    found = (
        match[0].decode("utf-8", "surrogateescape")
        for match in _CREDENTIALS.finditer(without_json_escapes(data))
        if match[1].strip(b"*")
    )
    forms = written_forms(islice(dict.fromkeys(found), MAX_CREDENTIALS))
    return Redactor(forms).data(data) if forms else data
