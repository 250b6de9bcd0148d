"""Heads that differ only in the values of some headers, such as the id of the request or of its trace.

Clients and gateways send such headers with each request, so no head comes twice. Two such heads in turn show which
headers these are. Then a head is found by its other bytes, and only the values are read from it. To parse the head,
and to find its route, would take three times as long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Generic, TypeVar

from multidict import MultiMapping

from mockllm.engine.override_headers import OWN_PREFIX

MAX_NAMES: Final = 8
"""The most headers whose values are known to vary; each takes a search in every new head."""
MAX_VARYING_HEADS: Final = 1024
"""The heads are dropped when this number is reached."""
_TOKEN: Final = re.compile(rb"[0-9A-Za-z_-]+")
_READ_WITH_HEAD: Final = frozenset((
    b"connection", b"content-encoding", b"content-length", b"expect", b"host", b"http2-settings", b"keep-alive",
    b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"x-forwarded-proto",
))  # fmt: skip
"""The parser or the route depends on the values of these headers."""
_OWN_PREFIX: Final = OWN_PREFIX.encode()
"""The beginning of the headers that the reader of requests reads."""
_SEPARATOR: Final = b"\r\n"

VaryingValues = Sequence[tuple[str, str]]
"""Names of headers, as the client writes them, and their values in this head."""


Head = TypeVar("Head")
"""A parsed head."""


class VaryingHeads(Generic[Head]):
    """The heads that came with other values of the headers that vary."""

    def __init__(self, max_header: float) -> None:
        """`max_header`: the most bytes of a header."""
        self._names: Sequence[tuple[bytes, str]] = ()
        """The bytes before a value, and the name."""
        self._heads: dict[bytes, Head] = {}
        """By their bytes without these values."""
        self._last: Sequence[bytes] = ()
        """The lines of the last head that was not found, without these values."""
        self._max_header = max_header

    def clear(self) -> None:
        """Drop all heads, and what is known of the headers."""
        self._names, self._last = (), ()
        self._heads.clear()

    def find(self, head: bytes) -> tuple[Head, VaryingValues] | None:
        """Return a head that differs only in values, and the values of this one. `head`: its bytes without the length
        of the body. Return None, too, where the parser may refuse or change a value."""
        values, rest = self._split(head)
        known = self._heads.get(rest) if values else None
        if known is None:
            return None
        texts = []
        for name, value in values:
            text = value.decode("latin-1")
            if not (text.isascii() and text.isprintable()) or text.strip(" ") != text:
                return None
            if len(name) + len(text) > self._max_header:
                return None
            texts.append((name, text))
        return known, texts

    def add(self, head: bytes, parsed: Head, headers: MultiMapping[str]) -> None:
        """Add a head that was not found and may be cached, if it has a header that varies. Learn which headers
        vary. `headers` are those of the parsed head."""
        values, rest = self._split(head)
        if not self._learn(rest.split(_SEPARATOR)) and values and _are_plain(values, headers):
            if len(self._heads) >= MAX_VARYING_HEADS:
                self._heads.clear()
            self._heads[rest] = parsed

    def _split(self, head: bytes) -> tuple[Sequence[tuple[str, bytes]], bytes]:
        """Return the values of the headers that vary, and the bytes without these."""
        values = []
        for before, name in self._names:
            start = head.find(before) + len(before)
            if start >= len(before):
                end = head.find(b"\r", start)
                start += head[start : start + 1] == b" "
                values.append((name, head[start:end]))
                head = head[:start] + head[end:]
        return values, head

    def _learn(self, lines: Sequence[bytes]) -> bool:
        """Return whether the last head differs only in values of headers, which are from now on known to vary."""
        last, self._last = self._last, lines
        if len(last) != len(lines) or last[0] != lines[0]:
            return False
        names = []
        for old, new in zip(last, lines, strict=True):
            if old != new:
                name, colon, _ = new.partition(b":")
                if not colon or not old.startswith(name + colon) or not _may_vary(name):
                    return False
                names.append((_SEPARATOR + name + colon, name.decode()))
        # a name that comes twice in a head has no single value
        lower = [name.lower() for _, name in (*self._names, *names)]
        if not names or len(set(lower)) < len(lower) or len(names) > MAX_NAMES:
            return False
        if len(lower) > MAX_NAMES:
            self._names = ()  # forget the earlier names; the new ones follow
        self._names, self._last = (*self._names, *names), ()
        self._heads.clear()
        return True


def _may_vary(name: bytes) -> bool:
    lower = name.lower()
    is_read = lower in _READ_WITH_HEAD or lower.startswith(_OWN_PREFIX)
    return _TOKEN.fullmatch(name) is not None and not is_read


def _are_plain(values: Sequence[tuple[str, bytes]], headers: MultiMapping[str]) -> bool:
    """Return whether the parser has read each of these headers once, with exactly this value."""
    return all(headers.getall(name) == [value.decode("latin-1")] for name, value in values)
