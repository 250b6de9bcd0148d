"""The redaction of secrets in all that the process sends or writes to a disk: keys, cookies, signatures.

A `Redactor` masks the secrets of one request wherever they occur, whatever their form, and what looks like a key.

Secrets are recognized by the names of headers, query parameters and fields (`secret_names.py`). A key may be
anywhere, and is recognized by its form, too (`key_forms.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Final
from urllib.parse import parse_qsl, quote, unquote_plus

from msgspec import Struct

from mockllm.core.display import shortened
from mockllm.core.header_secrets import in_header, without_surrogates
from mockllm.core.json.codec import Json
from mockllm.core.key_forms import MAX_SEARCHED, REDACTED, SHORTEST, redact_bytes, redact_text
from mockllm.core.named_secrets import named_secrets
from mockllm.core.secret_masker import SecretMasker, asterisks
from mockllm.core.secret_names import (
    HEADERS,
    KEYS,
    URLS,
    is_secret,
    may_hold_secret,
    secret_field,
    secret_name,
)
from mockllm.core.url_secrets import in_target, without_credentials


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


MAX_ESCAPED: Final = 12
"""The characters of an escape, such as `\\\\\\\\u0061` in JSON that is in texts of JSON twice."""
_ASTERISKS: Final = re.compile(rb"\*+")
_LONE: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Lone surrogates that are no bytes."""
_PARTS: Final = re.compile(r"([/?&=#;:])")
MAX_SECRETS: Final = 32
"""Most texts that are searched: a client may send thousands of cookies, and each search takes time."""


class Redactor(Struct, frozen=True, dict=True):
    """Masks what no reader may see: `secrets`, as `secrets_of` returns them, and what looks like a key."""

    secrets: Sequence[str] = ()

    def __repr__(self) -> str:
        """Return a text for a traceback, which may be logged."""
        return f"Redactor({len(self.secrets)} secrets)"

    def with_secrets(self, secrets: Iterable[str]) -> Redactor:
        """Return a redactor that masks these secrets, too. The longest are first: one may be the beginning of
        another."""
        return Redactor(tuple(sorted({*self.secrets, *secrets}, key=len, reverse=True)))

    @cached_property
    def _escaped(self) -> SecretMasker:
        return SecretMasker(self.secrets)

    def text(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, REDACTED)
        if self.secrets and ("\\" in text or "%" in text or "…" in text):
            data = text.encode("utf-8", "surrogatepass")
            masked = self._escaped.replaced_in_escapes(data, lambda _: REDACTED.encode())
            if masked is None:
                return REDACTED
            text = text if masked is data else masked.decode("utf-8", "surrogatepass")
        return redact_text(text)

    def beginning(self, text: str, max_length: int) -> str:
        """Return a text shortened to so many characters. Not much more than these is searched, but enough for each
        secret that begins there: the end of a long text may take a second."""
        if len(text) <= MAX_SEARCHED:
            return shortened(self.text(text), max_length)
        reach = max_length + max(MAX_SEARCHED, MAX_ESCAPED * len(max(self.secrets, default="", key=len)))
        if len(text) <= 2 * reach:
            return shortened(self.text(text), max_length)
        head = text[: 2 * reach]
        errors = "surrogatepass" if _LONE.search(head) else "surrogateescape"
        data, end = head.encode("utf-8", errors), len(head[:reach].encode("utf-8", errors))
        parts, at = [], 0
        for mask in _ASTERISKS.finditer(self.data(data)):
            begin, after = mask.span()
            if begin >= end:
                break
            if data[begin:after] != mask[0]:
                parts += [data[at:begin], REDACTED.encode()]
                at = after
        shown = b"".join([*parts, data[at:end]]).decode("utf-8", errors)
        return f"{shown[: max_length - 1]}…"

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

    def json(self, value: Json, names_secret: Callable[[str], bool] = secret_field) -> Json:
        """Return the JSON of a request's body. `names_secret`: which names of its members are those of secrets."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.json(item) for item in value]
        if isinstance(value, dict):
            return {
                self.text(key): REDACTED
                if isinstance(item, str) and item and names_secret(key)
                else self.json(item, is_secret if key.endswith(HEADERS) else secret_field)
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
        return self.target(value) if name.lower() in URLS else self.text(value)

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
        if may_hold_secret(name) or (personal and secret_name(name)):
            texts += in_header(name.lower(), value)
    if "?" in target or "@" in target:
        texts += in_target(target)
    if body is not None:
        texts += named_secrets(body)
    if not texts:
        return ()
    return written_forms(text.strip() for text in texts if len(text.strip()) >= SHORTEST)[:MAX_SECRETS]


def written_forms(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts as they are and in the encodings of URLs and JSON, the longest first. A text that is no UTF-8 is
    also written with U+FFFD."""
    forms: set[str] = set()
    for text in texts:
        for written in (text,) if text.isascii() else (text, without_surrogates(text)):
            forms |= {written, quote(written, safe="", errors="surrogateescape"), written.replace("/", "\\/")}
    return tuple(sorted(forms, key=len, reverse=True))


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
