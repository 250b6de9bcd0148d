"""What of a request and of an answer is never stored: keys, tokens and cookies.

Apart from the journal, which stores the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Final
from urllib.parse import parse_qsl, unquote_plus

REDACTED: Final = "(redacted)"
HEADERS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "x-amz-security-token",
        "x-mockllm-admin-token",
        "cookie",
        "set-cookie",
    }
)
"""The headers whose value is a secret."""
KEYS: Final = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
"""The headers that carry an API key."""
PARAMETERS: Final = frozenset({"key", "api_key", "api-key", "apikey", "access_token", "token"})
"""The parameters of a query whose value is one."""
_PAIR: Final = re.compile(r"([?&;])([^=&;#]*)=([^&;#]*)")


def headers(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Headers without their secrets; of `Bearer abc` the first word stays."""
    return tuple(
        [
            pair
            if pair[0].lower() not in HEADERS and pair[1].isascii()
            else (pair[0], _told(pair[0], pair[1]))
            for pair in pairs
        ]
    )


def _told(name: str, value: str) -> str:
    """What is told of a value that is a secret, or no ASCII."""
    if name.lower() in HEADERS:
        scheme, space, _ = value.partition(" ")
        return f"{scheme} {REDACTED}" if space and scheme.isalpha() else REDACTED
    # What is no UTF-8 comes as lone surrogates, which no JSON can hold.
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def target(text: str) -> str:
    """A path with its query, without the secrets in it."""
    return _PAIR.sub(_pair, text) if "?" in text else text


def _pair(found: re.Match[str]) -> str:
    mark, name, _ = found.groups()
    return f"{mark}{name}={REDACTED}" if unquote_plus(name).strip().lower() in PARAMETERS else found[0]


def key_of(headers: Mapping[str, str], path: str) -> str | None:
    """The hash of a request's API key, wherever it carries it: enough to tell two clients apart."""
    key: str | None = None
    for name in KEYS:
        if (value := headers.get(name)) is not None:
            key = value.rpartition(" ")[2]
            break
    else:
        if "?" in path:
            key = dict(parse_qsl(path.partition("?")[2])).get("key")
    return blake2b(key.encode("utf-8", "replace"), digest_size=6).hexdigest() if key else None
