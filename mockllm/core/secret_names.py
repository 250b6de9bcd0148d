"""The names of headers, query parameters and fields whose values are secrets."""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.text_cache import text_cache

KEYS: Final = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
"""The headers of API keys, in lower case."""
SECRETS: Final = frozenset((
    *KEYS,
    "proxy-authorization", "cookie", "set-cookie", "x-auth-token", "x-amz-security-token", "x-amz-signature",
    "x-goog-iam-authorization-token", "x-mockllm-admin-token",
))  # fmt: skip
"""Secret headers; `is_secret` recognizes further names."""
PERSONAL: Final = frozenset((
    "openai-organization", "openai-project", "anthropic-organization-id", "x-forwarded-for", "x-real-ip",
    "cf-connecting-ip", "x-goog-user-project",
))  # fmt: skip
"""Headers that identify the client: visible while a server runs, but removed from files."""
HARMLESS: Final = frozenset({"idempotency-key", "x-idempotency-key", "sec-websocket-key"})
"""Headers that are not secret, despite their names."""
WEBSOCKET_PROTOCOLS: Final = "sec-websocket-protocol"
HEADERS: Final = ("headers", "Headers")
"""The ends of the names of JSON fields that contain headers: `extra_headers`, `httpHeaders`."""
URLS: Final = frozenset({"referer", "location"})
"""Headers whose value is a URL, in lower case."""
ANNOUNCING: Final = frozenset({WEBSOCKET_PROTOCOLS, *URLS})
"""Headers whose values may contain the name of a secret before the secret, in lower case."""
_NAME: Final = re.compile(
    r"(?i)(^|[-_.])(api[-_]?key|access[-_]?key|key|token|secret|password|passwd|signature|sig|credential"
    r"|auth|authorization|cookie|session[-_]?token|x-amz-[a-z-]+)$"
)
MAX_NAME: Final = 200
"""The characters at the end of a name that are searched: the search takes the square of their number."""
_FIELD: Final = re.compile(
    r"(?i)(^|[-_.])(api[-_]?key|(access|refresh)[-_]?(key|token)|(client[-_]?)?secret|password|passwd|authorization|credential)$"
)
"""Secret fields of a body, where `key` and `token` have too many other meanings."""
_CERTAIN: Final = re.compile(
    r"(?i)(^|[-_.])(api[-_]?key|(access|refresh)[-_]?(key|token)|client[-_]?secret|password|passwd)$"
)
"""Fields whose texts are secrets, although they may not look random. The others are a `credential` of some kind."""


@text_cache(1024)  # the same few names come with each request
def is_secret(name: str) -> bool:
    """Return whether a header or parameter of this name usually is a secret."""
    low = name.lower()
    return low in SECRETS or (low not in HARMLESS and _NAME.search(name[-MAX_NAME:]) is not None)


@text_cache(1024)
def is_certain_field(name: str) -> bool:
    """Return whether a field's text is a secret whatever it looks like, as a password is."""
    return _CERTAIN.search(name[-MAX_NAME:]) is not None


@text_cache(1024)
def may_hold_secret(name: str) -> bool:
    """Return whether a header of this name is a secret, or may contain one that a name in its value announces."""
    return is_secret(name) or name.lower() in ANNOUNCING


@text_cache(1024)
def secret_name(name: str) -> bool:
    """Return whether a value of this name must not be in a file."""
    low, end = name.lower(), name[-MAX_NAME:]
    return low in PERSONAL or low in SECRETS or (_NAME.search(end) or _FIELD.search(end)) is not None


@text_cache(1024)
def secret_field(name: str) -> bool:
    """Return whether a field of a body certainly is a secret."""
    return _FIELD.search(name[-MAX_NAME:]) is not None
