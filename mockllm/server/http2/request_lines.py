"""The head of a request, from the header fields of HTTP/2 to the lines of HTTP/1.1.

This module makes the checks of RFC 9113, sections 8.2 and 8.3. Those of `h2` look at each character in Python, and
4 KiB of frames can refer to 7 MB of compressed fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

CONTENT_LENGTH: Final = b"content-length"
MAX_DIGITS: Final = 20
"""The most digits of a length: so many has the greatest that the parser of HTTP/1.1 accepts."""
UNSAFE: Final = frozenset(b"\0\t\n\r ")
"""Bytes that would end the target or the method before their end."""
REQUEST_FIELDS: Final = frozenset((b":method", b":scheme", b":path"))
CONNECT_FIELDS: Final = frozenset((b":method",))
"""What a request must have beside its host."""
PSEUDO_FIELDS: Final = REQUEST_FIELDS | {b":authority"}
CONNECTION_FIELDS: Final = frozenset((
    b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade",
))  # fmt: skip
"""Fields of one connection of HTTP/1.1, which a request of HTTP/2 must not have (section 8.2.2)."""
_is_name: Final = re.compile(rb"[!-9;-@\[-~]+").fullmatch
"""Neither capital letters nor colons (section 8.2.1)."""


class RequestLines(NamedTuple):
    """A head without its empty line. `length`: the bytes of the body, if the head has them."""

    head: bytes
    method: bytes
    length: int | None


def request_lines(fields: Iterable[tuple[bytes, bytes]]) -> RequestLines | None:
    """Return the head of a request; None if it is malformed."""
    pseudo: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    cookies: list[bytes] = []
    hosts: list[bytes] = []
    lengths: set[int] = set()
    for name, value in fields:
        if not _is_value(value):
            return None
        if name.startswith(b":"):
            if name in pseudo or name not in PSEUDO_FIELDS or lines or cookies or hosts:
                return None
            pseudo[name] = value
        elif not _is_field_name(name) or (name == b"te" and value.lower() != b"trailers"):
            return None
        elif name == b"host":
            hosts.append(value)
        elif name == b"cookie":  # one field of HTTP/1.1 (section 8.2.3)
            cookies.append(value)
        else:
            if name == CONTENT_LENGTH:
                if not value.isdigit() or len(value) > MAX_DIGITS:
                    return None
                lengths.add(int(value))
            lines.append(b"%b: %b\r\n" % (name, value))
    start = _start(pseudo, hosts)
    if start is None or len(lengths) > 1:
        return None
    if cookies:
        lines.append(b"cookie: %b\r\n" % b"; ".join(cookies))
    return RequestLines(start + b"".join(lines), pseudo[b":method"], next(iter(lengths), None))


def are_trailers(fields: Iterable[tuple[bytes, bytes]]) -> bool:
    """Return whether these fields may follow a body: none of them is a pseudo field (section 8.1)."""
    return all(_is_field_name(name) and _is_value(value) for name, value in fields)


def _is_field_name(name: bytes) -> bool:
    return _is_name(name) is not None and name not in CONNECTION_FIELDS


def _is_value(value: bytes) -> bool:
    return not (b"\n" in value or b"\r" in value or b"\0" in value) and value.strip(b" \t") == value


def _start(pseudo: dict[bytes, bytes], hosts: list[bytes]) -> bytes | None:
    """Return the first line and the host; None where section 8.3.1 or 8.5 forbids the fields."""
    method = pseudo.get(b":method", b"")
    host = pseudo.get(b":authority", hosts[0] if hosts else None)
    if host is None or len(hosts) > 1 or host not in (hosts or (host,)):
        return None
    target = host if method == b"CONNECT" else pseudo.get(b":path")
    demanded = CONNECT_FIELDS if method == b"CONNECT" else REQUEST_FIELDS
    if not method or not target or pseudo.keys() - {b":authority"} != demanded:
        return None
    if not UNSAFE.isdisjoint(method + target):
        return None
    return b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method, target, host)
