"""Secrets of which a text has some or all characters in the escapes of JSON (`\\u0061`, `\\/`) or of URLs (`%61`).

Where JSON is inside a text of JSON, an escape has several backslashes. All of them belong to the escape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

MAX_ESCAPES: Final = 250_000
"""A body with more escapes is not searched: a client chooses their number, and each takes time."""
_BACKSLASHES: Final = rb"\\*+"
_WITH_ESCAPES: Final = rb"(?:\\|u005[cC]|%5[cC])*+"


def has_many_escapes(data: bytes) -> bool:
    """Return whether a search for secrets in escapes would take long."""
    return data.count(b"u00") + data.count(b"%") > MAX_ESCAPES


def contained_secrets(data: bytes, secrets: Iterable[str]) -> list[str]:
    """Return the secrets that bytes contain, as they are or in escapes; all of them where a search takes long."""
    if has_many_escapes(data):
        return list(secrets)
    plain = _without_escapes(data) if _has_escapes(data) else None
    return [
        secret
        for secret in secrets
        if _bytes_of(secret) in data
        or (plain is not None and _may_contain(plain, secret) and _pattern(secret).search(data))
    ]


def replace_escaped(data: bytes, secrets: Iterable[str], mask: Callable[[bytes], bytes]) -> bytes:
    """Return bytes with masks for the secrets that they contain in escapes."""
    if not _has_escapes(data):
        return data
    plain = _without_escapes(data)
    for secret in secrets:
        if _may_contain(plain, secret):
            data = _pattern(secret).sub(lambda found: mask(found[0]), data)
    return data


def _has_escapes(data: bytes) -> bool:
    return b"\\" in data or b"%" in data


def _may_contain(plain: str, secret: str) -> bool:
    """Return whether bytes may contain a secret. `plain`: the bytes without escapes."""
    return not secret.isascii() or _without_escapes(secret.encode()) in plain


def _without_escapes(data: bytes) -> str:
    """Return bytes as Latin-1 with the characters of ASCII in place of their escapes, and without any backslash. A
    codec does this, since a regex takes a fifth of a microsecond for each escape."""
    data = data.translate(None, b"\\")
    if b"u00" not in data and b"%" not in data:
        return data.decode("latin-1")
    return data.replace(b"u00", b"\\u00").replace(b"%", b"\\u00").decode("raw_unicode_escape", "ignore")


def _pattern(secret: str) -> re.Pattern[bytes]:
    """Return the pattern of a secret with each character as it is or in an escape. It begins at the first of several
    backslashes, so that it reads them once."""
    parts = [rb"(?<!\\)"]
    for place, character in enumerate(secret):
        if character != "\\":
            parts.append(_WITH_ESCAPES if place and secret[place - 1] == "\\" else _BACKSLASHES)
            parts.append(_forms(character))
    return re.compile(b"".join(parts))


def _forms(character: str) -> bytes:
    """Return the pattern of a character after its backslashes: as it is, and its escapes in JSON and in URLs."""
    raw = _bytes_of(character)
    units = character.encode("utf-16-be", "surrogatepass").hex()
    escaped = rb"\\*+".join([b"u" + _any_case(units[at : at + 4]) for at in range(0, len(units), 4)])
    encoded = b"".join([b"%" + _any_case(f"{byte:02x}") for byte in raw])
    return b"(?:%b|%b|%b)" % (re.escape(raw), escaped, encoded)


def _any_case(digits: str) -> bytes:
    return "".join([f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in digits]).encode()


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
