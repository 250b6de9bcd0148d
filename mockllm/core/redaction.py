"""The redaction of secrets in all that the process sends or writes to a disk: keys, cookies, signatures.

A `Redactor` masks the secrets of one request wherever they occur, whatever their form, and what looks like a key.

Secrets are recognized by the names of headers, query parameters and fields, and by the form of a value
(`key_forms.py`): a key may be anywhere.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Final
from urllib.parse import parse_qsl, quote, unquote_plus

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.key_forms import REDACTED, redact_bytes, redact_text
from mockllm.core.secret_masker import SecretMasker, asterisks
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


@text_cache(1024)  # the same few names come with each request
def is_secret(name: str) -> bool:
    """Return whether a header or parameter of this name usually is a secret."""
    low = name.lower()
    return low in SECRETS or (low not in HARMLESS and _NAME.search(name[-MAX_NAME:]) is not None)


def secret_name(name: str) -> bool:
    """Return whether a value of this name must not be in a file."""
    return name.lower() in PERSONAL or name.lower() in SECRETS or _NAME.search(name[-MAX_NAME:]) is not None


def redacted(value: Json, secret: Callable[[str], bool] = secret_name) -> Json:
    """Return JSON without secrets: texts of a secret name, and what looks like a key anywhere. Numbers stay:
    `max_tokens` and `token` counts are not secret."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, list):
        return [redacted(item, secret) for item in value]
    if isinstance(value, dict):
        return {
            redact_text(key): REDACTED
            if isinstance(member, str) and member and secret(key)
            else redacted(member, secret)
            for key, member in value.items()
        }
    return value


def secret_field(name: str) -> bool:
    """Return whether a field of a body certainly is a secret."""
    return _FIELD.search(name) is not None


# --- the secrets of one request ----------------------------------------------------------------------


SHORTEST: Final = 8
"""Characters: a shorter secret is not searched elsewhere, since it would be found in words."""
SHORTEST_RANDOM: Final = 16
"""Characters: a shorter text does not look random."""
_RANDOM: Final = re.compile(rf"(?=.*\d)(?=.*[A-Za-z])[^\s]{{{SHORTEST_RANDOM},}}")
"""Text that looks random: a name such as `x-page-token` alone does not indicate a secret."""
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
_PARTS: Final = re.compile(r"([/?&=#;:])")
_PARAMETERS: Final = re.compile(r"[\s,;\"]+")
MAX_SECRETS: Final = 32
"""Most texts that are searched: a client may send thousands of cookies, and each search takes time."""


class Redactor(Struct, frozen=True, dict=True):
    """Masks what no reader may see: `secrets`, as `secrets_of` returns them, and what looks like a key."""

    secrets: Sequence[str] = ()

    def __repr__(self) -> str:
        """Return a text for a traceback, which may be logged."""
        return f"Redactor({len(self.secrets)} secrets)"

    @cached_property
    def _escaped(self) -> SecretMasker:
        return SecretMasker(self.secrets)

    def text(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, REDACTED)
        if self.secrets and ("\\" in text or "%" in text):
            data = text.encode("utf-8", "surrogatepass")
            masked = self._escaped.replaced_in_escapes(data, lambda _: REDACTED.encode())
            if masked is None:
                return REDACTED
            text = text if masked is data else masked.decode("utf-8", "surrogatepass")
        return redact_text(text)

    def data(self, data: bytes) -> bytes:
        """Return bytes of the same length, with asterisks; all of them where a search for the secrets takes long."""
        masked = self._escaped.masked(data)
        return asterisks(data) if masked is None else redact_bytes(masked)

    def parts(self, parts: Sequence[bytes]) -> list[bytes]:
        """Return bytes in the same parts. A secret may cross their borders."""
        whole, shown, at = self.data(b"".join(parts)), [], 0
        for part in parts:
            shown.append(whole[at : at + len(part)])
            at += len(part)
        return shown

    def json(self, value: Json) -> Json:
        """Return the JSON of a request's body."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return {
                self.text(key): REDACTED
                if isinstance(item, str) and item and secret_field(key)
                else self.json(item)
                for key, item in value.items()
            }
        return value

    def target(self, text: str) -> str:
        """Return a path with its query, or a URL."""
        text = without_credentials(text)
        if "%" in text:
            text = "".join([part if "%" not in part else self._encoded(part) for part in _PARTS.split(text)])
        return self.text(text)

    def _encoded(self, part: str) -> str:
        decoded = unquote_plus(part)
        return part if self.text(decoded) == decoded else REDACTED

    def header(self, name: str, value: str) -> str:
        """Return the value of a header that is not a secret by its name."""
        return self.target(value) if name.lower() in ("referer", "location") else self.text(value)

    def session(self, id: str) -> str:
        """Return the id of a session; for one that is a key another id, which is the same each time."""
        return id if self.text(id) == id else f"{REDACTED}-{key_hash(id)}"


def secrets_of(
    headers: Iterable[tuple[str, str]], target: str = "", body: Json = None, *, personal: bool = False
) -> tuple[str, ...]:
    """Return the secrets of a request as they are and in the encodings of URLs and JSON, the longest first.

    They are in its headers, the query or the user of its target, and the fields of its body. `personal`: also what
    identifies a client.
    """
    texts: list[str] = []
    for name, value in headers:
        if is_secret(name) or (personal and secret_name(name)):
            texts += _in_header(name.lower(), value)
    if "?" in target or "@" in target:
        texts += _in_target(target)
    if body is not None:
        texts += named_secrets(body)
    return written_forms(text.strip() for text in texts if len(text.strip()) >= SHORTEST)[:MAX_SECRETS]


def written_forms(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts as they are and in the encodings of URLs and JSON, the longest first. A text that is no UTF-8 is
    also written with U+FFFD."""
    forms: set[str] = set()
    for text in texts:
        for written in (text,) if text.isascii() else (text, without_surrogates(text)):
            forms |= {written, quote(written, safe="", errors="surrogateescape"), written.replace("/", "\\/")}
    return tuple(sorted(forms, key=len, reverse=True))


def _in_header(name: str, value: str) -> Iterator[str]:
    """Yield a header's value, the credentials without their scheme, and the value of each cookie."""
    if name not in SECRETS and _RANDOM.fullmatch(value) is None:
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
        try:
            user_and_password = b64decode(credentials, validate=True).decode()
        except (Base64Error, UnicodeDecodeError):
            return
        yield user_and_password
        yield user_and_password.partition(":")[2]
    for parameter in _PARAMETERS.split(credentials) if "=" in credentials else ():
        name, _, text = parameter.partition("=")
        if is_secret(name):
            yield text


def _in_target(target: str) -> Iterator[str]:
    """Yield the secrets of a query and of a URL's user, as they came and decoded."""
    for _, name, value in PARAMETER.findall(target):
        if is_secret(unquote_plus(name).strip()):
            yield value
            yield unquote_plus(value)
    if (user := _USER.match(target)) is not None:
        yield user[2]
        yield unquote_plus(user[2].partition(":")[2])


def named_secrets(value: Json, names_secret: Callable[[str], bool] = secret_name) -> Iterator[str]:
    """Yield random-looking texts in fields of a JSON value that have the name of a secret."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            for name, inner in value.items():
                if type(inner) is not str:
                    waiting.append(inner)
                elif len(inner) >= SHORTEST_RANDOM and names_secret(name) and _RANDOM.fullmatch(inner):
                    yield inner
        elif type(value) is list:
            waiting += value


def looks_random(text: str) -> bool:
    """Return whether a text looks random, as keys do."""
    return _RANDOM.fullmatch(text) is not None


def may_show_random(texts: Iterable[str]) -> bool:
    """Return whether any of these texts contains a text that looks random, as `named_secrets` yields."""
    return any(
        len(word) >= SHORTEST_RANDOM and _RANDOM.fullmatch(word) for text in texts for word in text.split()
    )


def shown_headers(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return headers without the values of secret names; the first word of `Bearer abc` stays."""
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
    return without_surrogates(value)


def without_surrogates(text: str) -> str:
    """Return a text with U+FFFD for bytes that are no UTF-8. They come as lone surrogates, which no JSON can hold."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def without_credentials(text: str) -> str:
    """Return a path with its query, or a URL, without the user and the query parameters of a secret name."""
    if not text.startswith("/"):
        text = _USER.sub(rf"\1{REDACTED}@", text)
    return PARAMETER.sub(_pair, text) if "?" in text else text


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


def _pair(found: re.Match[str]) -> str:
    mark, name, _ = found.groups()
    return f"{mark}{name}={REDACTED}" if is_secret(unquote_plus(name).strip()) else found[0]


def key_hash(key: str) -> str:
    """Return a hash of a key: enough to distinguish two clients."""
    return blake2b(key.encode("utf-8", "replace"), digest_size=6).hexdigest()


def optional_key_hash(key: str | None) -> str | None:
    """Return the hash of a key; None without a key."""
    return key_hash(key) if key else None


def client_key_hash(headers: Mapping[str, str], target: str) -> str | None:
    """Return the hash of a request's API key, from a header or from the query; None without a key. What
    another header has is read by `Request.api_key`."""
    for name in KEYS:
        if (value := headers.get(name)) is not None:
            return optional_key_hash(value.rpartition(" ")[2])
    return optional_key_hash(dict(parse_qsl(target.partition("?")[2])).get("key") if "?" in target else None)
