"""The head of a request, from the header fields of HTTP/2 to the lines of HTTP/1.1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

CONTENT_LENGTH: Final = b"content-length"
UNSAFE: Final = frozenset(b"\0\t\n\r ")
"""Bytes that would end the target or the method before their end."""


class RequestLines(NamedTuple):
    """A head without its empty line. `length`: the bytes of the body, if the head has them."""

    head: bytes
    method: bytes
    length: int | None


def request_lines(fields: Iterable[tuple[bytes, bytes]]) -> RequestLines | None:
    """Return the head of a request; None if its method or its target is none. `h2` has checked that the fields are
    as RFC 9113, section 8.3, demands, and that the length is a number."""
    pseudo: dict[bytes, bytes] = {}
    lines: list[bytes] = []
    cookies: list[bytes] = []
    host = b""
    length: int | None = None
    for name, value in fields:
        if name.startswith(b":"):
            pseudo[name] = value
        elif name == b"host":
            host = value
        elif name == b"cookie":  # one field of HTTP/1.1 (section 8.2.3)
            cookies.append(value)
        else:
            length = int(value) if name == CONTENT_LENGTH else length
            lines.append(b"%b: %b\r\n" % (name, value))
    host = pseudo.get(b":authority", b"") or host
    method = pseudo[b":method"]
    target = pseudo.get(b":path", b"") or host  # CONNECT has no path
    if not method or not target or not UNSAFE.isdisjoint(method + target):
        return None
    if cookies:
        lines.append(b"cookie: %b\r\n" % b"; ".join(cookies))
    start = b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (method, target, host)
    return RequestLines(start + b"".join(lines), method, length)
