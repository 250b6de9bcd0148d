"""Secrets of which bytes have some or all characters in the escapes of JSON (`\\u0061`, `\\/`) or of URLs (`%61`).

Where JSON is inside a text of JSON, an escape has several backslashes. All of them belong to the escape. Each step
reads the bytes once, whatever they and the secrets are: a client chooses both.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import unquote_to_bytes

from mockllm.core.cut_secrets import cut_places, may_have_cuts

MAX_ESCAPES: Final = 100_000
"""Bytes with more escapes are not searched: each takes a third of a microsecond or more."""
_BOUNDARY: Final = 4
"""The characters at the beginning of a secret that may be taken for the rest of an escape: `100%be…`, `u00be…`."""
_JSON: Final = re.compile(
    rb"\\+(?:u([dD][89abAB][0-9a-fA-F]{2})\\+u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))?"
)
_WHITESPACE: Final = re.compile(rb"(?<!\\)\\++[bfnrt]")
_URL: Final = re.compile(rb"%([0-9a-fA-F]{2})")
_SHORT_ESCAPES: Final = re.compile(
    r"[^ !#-.0-\[\]-~]"
)  # not a class up to \U0010ffff: it takes 5 ms to compile
"""The characters for which JSON has an escape beside `\\u00…`, such as `\\/`. Any other one is only in that, or in an
escape of URLs."""

ByteRange: TypeAlias = tuple[int, int]
"""The beginning and the end of a part of bytes."""


class SecretMasker:
    """Searches bytes for secrets, as they are and in escapes."""

    def __init__(self, secrets: Collection[str]) -> None:
        self._secrets = secrets
        self._decoded = {secret: _decoded(secret) for secret in secrets if not _is_url_form(secret, secrets)}
        self._have_short_escapes = any(map(_SHORT_ESCAPES.search, secrets))

    def contained(self, data: bytes) -> list[str]:
        """Return the secrets that bytes contain; also those for which a search takes long."""
        found, is_cut = self._found_in_escapes(data), may_have_cuts(data)
        return [
            secret
            for secret in self._secrets
            if (encoded := _bytes_of(secret)) in data
            or secret in found
            or (is_cut and cut_places(data, [encoded]) != [])
        ]

    def masked(self, data: bytes) -> bytes | None:
        """Return bytes of the same length with asterisks for the secrets; None if a search takes long."""
        for secret in self._secrets:
            encoded = _bytes_of(secret)
            data = data.replace(encoded, asterisks(encoded)) if encoded in data else data
        return self.replaced_in_escapes(data, asterisks)

    def replaced_in_escapes(self, data: bytes, mask: Callable[[bytes], bytes]) -> bytes | None:
        """Return bytes with masks for the secrets that they contain in escapes, or cut at an ellipsis; None if a
        search takes long."""
        found = self._found_in_escapes(data)
        cut = cut_places(data, map(_bytes_of, self._secrets)) if may_have_cuts(data) else []
        if cut is None or None in found.values():
            return None
        if not (found or cut):
            return data
        parts, at = [], 0
        for begin, end in sorted({*cut, *(span for spans in found.values() for span in spans or ())}):
            if end > at:  # two secrets may overlap
                parts += [data[at:begin], mask(data[max(at, begin) : end])]
                at = end
        return b"".join([*parts, data[at:]])

    def _found_in_escapes(self, data: bytes) -> dict[str, list[ByteRange] | None]:
        """Return the secrets that are in escapes, with their places. These are None for a secret whose search takes
        long."""
        if not self._secrets or not (b"\\" in data or b"%" in data):
            return {}
        if not (self._have_short_escapes or b"u00" in data or _URL.search(data)):
            return {}  # most bodies: no escape in them can be a character of a secret
        if data.count(b"u00") + data.count(b"%") > MAX_ESCAPES:
            return dict.fromkeys(self._decoded)
        roughly = _without_escapes(data)
        sought = {secret: name for secret, name in self._decoded.items() if _may_contain(roughly, name)}
        if not sought:
            return {}
        decodings = _decodings(data)
        if decodings is None:
            return dict.fromkeys(sought)
        found: dict[str, list[ByteRange] | None] = {}
        for secret, name in sought.items():
            spans = [span for layers in decodings for span in _places(name, layers)]
            if spans:
                found[secret] = spans
        return found


def asterisks(secret: bytes) -> bytes:
    """Return the mask of bytes, which has their length."""
    return b"*" * len(secret)


def _decoded(secret: str) -> bytes:
    """Return a secret as it is in decoded bytes, which have no backslashes."""
    return _bytes_of(secret).replace(b"\\", b"")


def _is_url_form(secret: str, secrets: Collection[str]) -> bool:
    """Return whether a secret is another one in the encoding of URLs: the search finds that one."""
    decoded = (
        unquote_to_bytes(_bytes_of(secret)).decode("utf-8", "surrogateescape") if "%" in secret else secret
    )
    return decoded != secret and decoded in secrets


def _may_contain(roughly: str, sought: bytes) -> bool:
    """Return whether decoded bytes may contain a secret. `roughly`: the bytes without anything like an escape."""
    is_usual = sought.isascii() and b"%" not in sought and b"u0" not in sought
    return bool(sought) and (not is_usual or sought[_BOUNDARY:].decode() in roughly)


def _without_escapes(data: bytes) -> str:
    """Return bytes as Latin-1 with the characters of ASCII in place of all that may be their escapes, and without
    backslashes. A codec does this in a tenth of the time of `_decodings`. It drops the digits of broken escapes."""
    data = data.translate(None, b"\\")
    if b"u00" not in data and b"%" not in data:
        return data.decode("latin-1")
    marked = data.replace(b"u00", b"\\u00").replace(b"%", b"\\u00")
    return marked.decode("raw_unicode_escape", "ignore").replace("\\", "")


def without_json_escapes(data: bytes) -> bytes:
    """Return bytes with the characters that escapes of JSON mean; a space for those of whitespace."""
    return _JSON.sub(_json_value, _WHITESPACE.sub(b" ", data))


def _decodings(data: bytes) -> Sequence[Sequence[_Layer]] | None:
    """Return the layers of two decodings: of the escapes of JSON; and of these, those of URLs, and those of JSON in
    URLs. The second is left out where it changes nothing. None for more escapes than `MAX_ESCAPES`."""
    layers: list[_Layer] = []
    for pattern, value in ((_JSON, _json_value), (_URL, _url_value), (_JSON, _json_value)):
        layer = _layer(data, pattern, value)
        if layer is None:
            return None
        layers.append(layer)
        data = layer.data
    return (layers[:1], layers) if layers[1].spans or layers[2].spans else (layers[:1],)


class _Layer(NamedTuple):
    """Bytes without the escapes of one form. The escapes have `positions` and `lengths` in these bytes, and `spans`
    in the bytes before."""

    data: bytes
    positions: list[int]
    lengths: list[int]
    spans: list[ByteRange]

    def span_before(self, begin: int, end: int) -> ByteRange:
        """Return the place of a part of these bytes in the bytes before. It has whole escapes, with all
        backslashes."""
        return self._place(begin, 0), self._place(end - 1, 1)

    def _place(self, at: int, side: int) -> int:
        number = bisect_right(self.positions, at) - 1
        if number < 0:
            return at + side
        after, span = at - self.positions[number] - self.lengths[number], self.spans[number]
        if after < 0 or (after == 0 and side == 0 and not self.lengths[number]):
            return span[side]
        return span[1] + after + side


def _layer(
    data: bytes, pattern: re.Pattern[bytes], value: Callable[[re.Match[bytes]], bytes]
) -> _Layer | None:
    """Return bytes without the escapes that a pattern finds; None for more than `MAX_ESCAPES`."""
    parts: list[bytes] = []
    layer = _Layer(b"", [], [], [])
    at = position = 0
    for escape in pattern.finditer(data):
        if len(layer.spans) == MAX_ESCAPES:
            return None
        begin, end = span = escape.span()
        character = value(escape)
        parts += (data[at:begin], character)
        position += begin - at
        layer.positions.append(position)
        layer.lengths.append(len(character))
        layer.spans.append(span)
        position += len(character)
        at = end
    return layer._replace(data=b"".join([*parts, data[at:]]))


def _json_value(escape: re.Match[bytes]) -> bytes:
    """Return the character of an escape; nothing for backslashes before another character."""
    high, low, single = escape.groups()
    if single is not None:
        return chr(int(single, 16)).encode("utf-8", "surrogatepass")
    return b"" if high is None else bytes.fromhex((high + low).decode()).decode("utf-16-be").encode()


def _url_value(escape: re.Match[bytes]) -> bytes:
    return bytes.fromhex(escape[1].decode())


def _places(sought: bytes, layers: Sequence[_Layer]) -> Iterator[ByteRange]:
    """Yield the places of a secret in the bytes before the first layer."""
    data = layers[-1].data
    at = data.find(sought)
    while at >= 0:
        span = (at, at + len(sought))
        for layer in reversed(layers):
            span = layer.span_before(*span)
        yield span
        at = data.find(sought, at + len(sought))


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
