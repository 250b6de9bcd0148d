"""The secrets of URLs: users, passwords and query parameters with the name of a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_plus

from mockllm.core.key_forms import REDACTED, redact_text
from mockllm.core.secret_names import is_secret

_USER: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)([^/?#]*)@")
_IPV6: Final = r"\[[\da-f:.]+(?:%[\w.~-]*)?\]"
_URL_USER: Final = re.compile(
    rf"(?i)\b([a-z][a-z0-9+.-]{{0,30}}://)((?:[^/?#\s:@\[]++|@|{_IPV6}|(?!{_IPV6})\[)*)"
    r"(:[^/?#\s]*|:(?!\d{0,5}(?:[/?#\s,;\"')]|$))[^\s]{0,300})?@"
)
"""A user and a password. What is neither a port nor a valid password is masked up to the last `@`. The colons
of a host in brackets begin no password."""
MAX_USER: Final = 30
"""Most characters of a user in a URL; a longer one is a token."""
PARAMETER: Final = re.compile(r"([?&;])([^?=&;#]*)=([^&;#]*)")
"""A parameter of a query: the mark before it, its name, its value."""


def in_target(target: str) -> Iterator[str]:
    """Yield the secrets of a query and of a URL's user, as they came and decoded."""
    for _, name, value in PARAMETER.findall(target):
        if is_secret(unquote_plus(name).strip()):
            yield value
            yield unquote_plus(value)
    if (user := _USER.match(target)) is not None:
        yield user[2]
        yield unquote_plus(user[2].partition(":")[2])


def without_credentials(text: str) -> str:
    """Return a path with its query, or a URL, without the user and the query parameters of a secret name."""
    if not text.startswith("/"):
        text = _USER.sub(rf"\1{REDACTED}@", text)
    return PARAMETER.sub(_pair, text) if "?" in text else text


def _pair(found: re.Match[str]) -> str:
    mark, name, _ = found.groups()
    return f"{mark}{name}={REDACTED}" if is_secret(unquote_plus(name).strip()) else found[0]


def without_passwords(text: str) -> str:
    """Return a text without the passwords in its URLs, and without users that are tokens."""
    return _URL_USER.sub(lambda found: _user(found, REDACTED), text)


def without_password(url: str) -> str:
    """Return a URL as it may be stored: without its password, and without a user that is a token."""
    return _URL_USER.sub(lambda found: _user(found, ""), url)


def _user(found: re.Match[str], mask: str) -> str:
    """Return scheme and user of a URL; the mask, if there is one, in place of what is secret."""
    scheme, user, password = found.groups()
    if len(user) > MAX_USER or redact_text(user) != user:
        user = mask
    elif password and mask:
        user = f"{user}:{mask}"
    return f"{scheme}{user}@" if user else scheme
