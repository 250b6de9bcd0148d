"""The secrets of one exchange: credentials of its request, and cookies or keys of its response.

`core.redaction` recognises keys by their form; this module finds secrets by their position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, quote

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.redaction import secret_name
from mockllm.recordings.interaction import Pairs, RecordedRequest

MIN_LENGTH: Final = 8
"""Least length of a secret: shorter texts are words that occur in many places."""
CERTAIN: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-goog-api-key"}
)
"""Headers whose value is always a secret."""
_RANDOM: Final = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[^\s]{16,}")
"""Text that looks random: the field name `key` alone does not indicate a secret."""


def secrets_of(request: RecordedRequest, response_headers: Pairs) -> frozenset[str]:
    """Return the texts that no file may contain: keys and cookies in headers, the query and the body's fields, as
    they are and in the encodings of URLs and JSON."""
    texts = [
        *(secret for pair in (*request.headers, *response_headers) for secret in _in_header(*pair)),
        *(value for name, value in parse_qsl(request.query_string) if secret_name(name)),
        *_in_body(request.body),
    ]
    plain = {text.strip() for text in texts}
    encoded = {form for text in plain for form in (text, quote(text, safe=""), text.replace("/", "\\/"))}
    return frozenset(text for text in encoded if len(text) >= MIN_LENGTH)


def _in_header(name: str, value: str) -> Iterator[str]:
    """Yield a header's value, the credentials without their scheme, and the value of each cookie."""
    if not secret_name(name) or (name.lower() not in CERTAIN and not _RANDOM.fullmatch(value)):
        return
    yield value
    if name.lower() in ("cookie", "set-cookie"):
        first = ";" if name.lower() == "cookie" else "\n"  # Set-Cookie has attributes after its value
        for cookie in value.split(first):
            yield cookie.partition("=")[2].partition(";")[0]
    else:
        yield value.partition(" ")[2]


def _in_body(raw: bytes) -> Iterator[str]:
    try:
        yield from named_secrets(loads(raw))
    except JSONDecodeError:
        return


def named_secrets(value: Json) -> Iterator[str]:
    """Yield random-looking texts in fields with the name of a secret."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str) and secret_name(name) and _RANDOM.fullmatch(inner):
                yield inner
            else:
                yield from named_secrets(inner)
    elif isinstance(value, list):
        for item in value:
            yield from named_secrets(item)
