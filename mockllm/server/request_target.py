"""The target of a request, and its headers as text: aiohttp's parser leaves both as they came."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp.http_parser import RawRequestMessage


def read_target(message: RawRequestMessage) -> tuple[str, str] | None:
    """Return path and query of the request's target, percent-encoded as they came. The target has origin form or
    absolute form; return None for any other form."""
    text = message.path
    if not text.startswith("/"):
        url = message.url
        try:
            host = url.raw_host
        except ValueError:  # its port is no port; the parser of aiohttp 3.13 does not look
            host = None
        if not host or message.method == "CONNECT":
            return None
        text = url.raw_path_qs or "/"
    if not text.isascii():
        text = _printable(text)
    if "#" in text:
        text = text.partition("#")[0]
    path, _, query_string = text.partition("?")
    return path, query_string


def target_host(message: RawRequestMessage) -> str | None:
    """Return host and port of a target in absolute form, which take the place of the Host header (RFC 9112, section
    3.2.2); None for origin form."""
    if message.path.startswith("/"):
        return None
    return message.path.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]


def clean(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers without bytes that are no UTF-8: aiohttp leaves these as lone surrogates, which no JSON
    can hold."""
    if "".join(headers.values()).isascii():
        return headers
    first: dict[str, str] = {}
    for name, text in headers.items():
        first.setdefault(name.lower(), _printable(text))
    return first


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
