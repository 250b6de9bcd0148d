"""The target of a request, and its headers as text: what of its head is not yet as everybody wants it."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp.http_parser import RawRequestMessage


def read_target(message: RawRequestMessage) -> tuple[str, str] | None:
    """Path and query of the request's target, percent-encoded as they came, in origin form or absolute form;
    None for any other."""
    text = message.path
    if not text.startswith("/"):
        url = message.url
        if not url.absolute or message.method == "CONNECT":
            return None
        text = url.raw_path_qs or "/"
    if not text.isascii():
        text = _printable(text)
    if "#" in text:
        text = text.partition("#")[0]
    path, _, query_string = text.partition("?")
    return path, query_string


def clean(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers, without bytes that are no UTF-8 (aiohttp hands them on as lone surrogates, which no JSON
    can hold)."""
    if "".join(headers.values()).isascii():
        return headers
    first: dict[str, str] = {}
    for name, text in headers.items():
        first.setdefault(name.lower(), _printable(text))
    return first


def _printable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
