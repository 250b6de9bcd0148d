"""Redacts keys, tokens and cookies of requests and responses.

`core.redaction` has the table of their names. Values with these names are removed before anything is stored, and so
is the request's API key wherever else it occurs. Values that only look like a key are masked when they are shown: a
search in each body would cost more than the journal itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

from mockllm.core.json.codec import Json
from mockllm.core.redaction import (
    KEYS,
    REDACTED,
    is_secret,
    redact_bytes,
    redact_text,
    redacted,
    secret_field,
)

SHORTEST: Final = 8
"""A shorter key is not searched in bodies: it would match in words."""
_USER: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@")
_PAIR: Final = re.compile(r"([?&;])([^=&;#]*)=([^&;#]*)")


def headers(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return headers without their secrets; the first word of `Bearer abc` stays."""
    return tuple(
        [
            pair if not is_secret(pair[0]) and pair[1].isascii() else (pair[0], _shown(pair[0], pair[1]))
            for pair in pairs
        ]
    )


def _shown(name: str, value: str) -> str:
    """Return the shown form of a value that is a secret, or no ASCII."""
    if is_secret(name):
        scheme, space, _ = value.partition(" ")
        return f"{scheme} {REDACTED}" if space and scheme.isalpha() else REDACTED
    # What is no UTF-8 comes as lone surrogates, which no JSON can hold.
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def target(text: str) -> str:
    """Return a path with its query, or a URL, without the secrets in it."""
    if not text.startswith("/"):
        text = _USER.sub(rf"\1{REDACTED}@", text)
    return _PAIR.sub(_pair, text) if "?" in text else text


def _pair(found: re.Match[str]) -> str:
    mark, name, _ = found.groups()
    return f"{mark}{name}={REDACTED}" if is_secret(unquote_plus(name).strip()) else found[0]


def key_in(headers: Mapping[str, str], path: str) -> str | None:
    """Return a request's API key, from a header or from the query."""
    for name in KEYS:
        if (value := headers.get(name)) is not None:
            return value.rpartition(" ")[2] or None
    return dict(parse_qsl(path.partition("?")[2])).get("key") if "?" in path else None


def hashed(key: str | None) -> str | None:
    """Return a hash of a key: enough to distinguish two clients."""
    if not key:
        return None
    return blake2b(key.encode("utf-8", "replace"), digest_size=6).hexdigest()


def without(key: str | None, data: bytes) -> bytes:
    """Return a body without the request's key; its length is unchanged."""
    if key is None or len(key) < SHORTEST:
        return data
    mark = key.encode("utf-8", "surrogateescape")
    return data.replace(mark, b"*" * len(mark)) if mark in data else data


def body(value: Json) -> Json:
    """Return a JSON body as it is shown."""
    return redacted(value, secret_field)


def header(name: str, value: str) -> str:
    """Return a header's value as it is shown: a URL has parameters, and a key may be where none should be."""
    return redact_text(target(value) if name.lower() == "referer" else value)


def parts(sent: Sequence[bytes]) -> list[bytes]:
    """Return bytes as they are shown, in the same parts. A value that looks like a key is masked, also across
    parts."""
    whole = redact_bytes(b"".join(sent))
    shown, at = [], 0
    for part in sent:
        shown.append(whole[at : at + len(part)])
        at += len(part)
    return shown
