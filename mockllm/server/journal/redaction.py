"""What of a request and of an answer is never stored, or never told: keys, tokens and cookies.

What is one stands in one table (`core.redaction`). By their names they go before anything is stored, and so does the
request's own key wherever else it stands. What only looks like one is masked when it is told: to look for it in
each body would cost more than the journal itself.
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
"""A shorter key is not looked for: it would be found in words."""
_USER: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@")
_PAIR: Final = re.compile(r"([?&;])([^=&;#]*)=([^&;#]*)")


def headers(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Headers without their secrets; of `Bearer abc` the first word stays."""
    return tuple(
        [
            pair if not is_secret(pair[0]) and pair[1].isascii() else (pair[0], _told(pair[0], pair[1]))
            for pair in pairs
        ]
    )


def _told(name: str, value: str) -> str:
    """What is told of a value that is a secret, or no ASCII."""
    if is_secret(name):
        scheme, space, _ = value.partition(" ")
        return f"{scheme} {REDACTED}" if space and scheme.isalpha() else REDACTED
    # What is no UTF-8 comes as lone surrogates, which no JSON can hold.
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def target(text: str) -> str:
    """A path with its query, or a URL, without the secrets in it."""
    if not text.startswith("/"):
        text = _USER.sub(rf"\1{REDACTED}@", text)
    return _PAIR.sub(_pair, text) if "?" in text else text


def _pair(found: re.Match[str]) -> str:
    mark, name, _ = found.groups()
    return f"{mark}{name}={REDACTED}" if is_secret(unquote_plus(name).strip()) else found[0]


def key_in(headers: Mapping[str, str], path: str) -> str | None:
    """A request's API key, wherever it carries it."""
    for name in KEYS:
        if (value := headers.get(name)) is not None:
            return value.rpartition(" ")[2] or None
    return dict(parse_qsl(path.partition("?")[2])).get("key") if "?" in path else None


def hashed(key: str | None) -> str | None:
    """Of a key what is enough to tell two clients apart."""
    if not key:
        return None
    return blake2b(key.encode("utf-8", "replace"), digest_size=6).hexdigest()


def key_of(headers: Mapping[str, str], path: str) -> str | None:
    """The hash of a request's API key, wherever it carries it."""
    return hashed(key_in(headers, path))


def without(key: str | None, data: bytes) -> bytes:
    """A body without the request's own key; as long as it was."""
    if key is None or len(key) < SHORTEST:
        return data
    mark = key.encode("utf-8", "surrogateescape")
    return data.replace(mark, b"*" * len(mark)) if mark in data else data


# --- what is told ----------------------------------------------------------------------------------


def body(value: Json) -> Json:
    """A JSON body as it is told."""
    return redacted(value, secret_field)


def header(name: str, value: str) -> str:
    """A header's value as it is told: an address has parameters, and a key may stand where none should."""
    return redact_text(target(value) if name.lower() == "referer" else value)


def parts(found: Sequence[bytes]) -> list[bytes]:
    """Bytes as they are told, in the same parts: what looks like a key is masked, across them too."""
    whole = redact_bytes(b"".join(found))
    told, at = [], 0
    for each in found:
        told.append(whole[at : at + len(each)])
        at += len(each)
    return told
