"""The targets of requests: path, query and host, and which paths are the control API's."""

from __future__ import annotations

from typing import Final

from mockllm.scenario.control_paths import RESERVED_SEGMENTS
from mockllm.server.aiohttp_internals import RawRequestMessage

LIVE_FEED_PATH: Final = "/ws"
"""The path of the control API's live feed."""
CONTROL: Final = RESERVED_SEGMENTS - {"health"}
"""The first segments of the control API's paths."""


def first_segment(path: str) -> str:
    """Return `a` of `/a/b`."""
    return path[1:].partition("/")[0]


def is_control_path(path: str) -> bool:
    """Return whether a path is the control API's. Below `/ws` it has the feed alone; Google's WebSockets have longer
    paths."""
    first = first_segment(path)
    return first in CONTROL and (first != LIVE_FEED_PATH[1:] or path == LIVE_FEED_PATH)


def read_target(message: RawRequestMessage) -> tuple[str, str] | None:
    """Return path and query of the request's target, percent-encoded as they came. The target has origin form or
    absolute form; return None for any other form."""
    text = message.path
    if not text.startswith("/"):
        url = message.url
        try:
            host = url.raw_host
        except ValueError:  # its port is not a port; the parser of aiohttp 3.13 does not check it
            host = None
        if not host or message.method == "CONNECT":
            return None
        text = url.raw_path_qs or "/"
    if not text.isascii():
        text = replace_surrogates(text)
    if "#" in text:
        text = text.partition("#")[0]
    path, _, query_string = text.partition("?")
    return path, query_string


def target_host(message: RawRequestMessage) -> str | None:
    """Return host and port of a target in absolute form, which replace the Host header (RFC 9112, section 3.2.2).
    Return None for origin form."""
    if message.path.startswith("/"):
        return None
    return message.path.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]


def replace_surrogates(text: str) -> str:
    """Return the text with U+FFFD for bytes that are not UTF-8, which aiohttp leaves as lone surrogates."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
