"""The secrets of headers: keys, credentials and cookies, and headers without them."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from typing import Final

from mockllm.core.key_forms import REDACTED, looks_random
from mockllm.core.secret_names import SECRETS, URLS, WEBSOCKET_PROTOCOLS, is_secret, may_hold_secret
from mockllm.core.url_secrets import in_target

_STANDARD: Final = str.maketrans("-_", "+/")
"""From the letters of base64 in URLs to those of MIME, which RFC 7617 uses."""
_PARAMETERS: Final = re.compile(r"[\s,;\"]+")


def in_header(name: str, value: str) -> Iterator[str]:
    """Yield a header's value, the credentials without their scheme, and the value of each cookie."""
    if name == WEBSOCKET_PROTOCOLS:
        yield from (secret for protocol in value.split(",") if (secret := _in_protocol(protocol.strip())))
        return
    if name in URLS:
        yield from in_target(value)
        return
    if name not in SECRETS and not looks_random(value):
        return
    if name in ("cookie", "set-cookie"):
        yield value
        for cookie in value.split(
            ";" if name == "cookie" else "\n"
        ):  # Set-Cookie has attributes after its value
            yield cookie.partition("=")[2].partition(";")[0]
        return
    scheme, _, credentials = value.partition(" ")
    yield credentials.strip() or value
    if scheme.lower() == "basic":
        for user_and_password in _basic_texts(credentials.strip().rstrip("=").translate(_STANDARD)):
            yield user_and_password
            yield user_and_password.partition(":")[2]
        return
    for parameter in _PARAMETERS.split(credentials) if "=" in credentials else ():
        name, _, text = parameter.partition("=")
        if is_secret(name):
            yield text


def _in_protocol(protocol: str) -> str:
    """Return the secret of a WebSocket's protocol: `api-key.abc` has one after its name. Browsers send no other
    header. The secret is empty where there is none."""
    parts = protocol.split(".")
    name = next((number for number, part in enumerate(parts) if is_secret(part)), len(parts))
    return ".".join(parts[name + 1 :])


def _basic_texts(encoded: str) -> Iterable[str]:
    """Return user and password of Basic credentials, from base64 without its padding. Of those that are no UTF-8, one
    text has the letters of Latin-1, and another one the bytes as they are."""
    try:
        raw = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:  # also for other letters than those of ASCII
        return ()
    try:
        return (raw.decode(),)
    except UnicodeDecodeError:
        return (raw.decode("latin-1"), raw.decode("utf-8", "surrogateescape"))


def shown_headers(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return headers without the values of secret names; the first word of `Bearer abc` stays."""
    return tuple(
        [
            pair
            if not may_hold_secret(pair[0]) and pair[1].isascii()
            else (pair[0], _shown(pair[0], pair[1]))
            for pair in pairs
        ]
    )


def _shown(name: str, value: str) -> str:
    """Return the shown form of a value that is a secret, or no ASCII."""
    if is_secret(name):
        scheme, space, _ = value.partition(" ")
        return f"{scheme} {REDACTED}" if space and scheme.isalpha() else REDACTED
    if name.lower() == WEBSOCKET_PROTOCOLS:
        value = ",".join(map(_shown_protocol, value.split(",")))
    return without_surrogates(value)


def _shown_protocol(protocol: str) -> str:
    secret = _in_protocol(protocol.strip())
    return f"{protocol.rstrip().removesuffix(secret)}{REDACTED}" if secret else protocol


def without_surrogates(text: str) -> str:
    """Return a text with U+FFFD for bytes that are no UTF-8. They come as lone surrogates, which no JSON can hold."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
