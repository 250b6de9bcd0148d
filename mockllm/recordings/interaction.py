"""A recorded interaction: a request with its path on this server, and its response, from any recording tool."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from mockllm.core.rendering.plan import SWITCHING_PROTOCOLS, Headers
from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.core.rendering.recorded_websocket import RecordedMessage
from mockllm.core.request.header_lines import combine_lines
from mockllm.dialects.listing import LISTED_PROVIDERS
from mockllm.dialects.router import RouteMatch, find_route
from mockllm.scenario.control_paths import RESERVED_SEGMENTS

DROPPED_HEADERS: Final = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-mockllm-hash",
        "x-mockllm-rule",
    }
)
"""Headers of one connection, and headers that this server adds."""
HINT_HEADERS: Final = frozenset(name for provider in LISTED_PROVIDERS for name in provider.example_headers)
"""Headers without a secret that distinguish providers with a common path."""
OTHER: Final = "other"
"""The upstream of requests to unknown providers."""


class RecordedRequest(Struct, frozen=True):
    """A request. `path` includes the prefix of its provider, as on this server."""

    method: str
    path: str
    query_string: str = ""
    headers: Headers = ()
    body: bytes = b""


class RecordedResponse(Struct, frozen=True):
    """A response. Its frames are the bytes of its body in the order of arrival. `messages` are those of the WebSocket
    that it opens."""

    status: int
    headers: Headers
    frames: tuple[RecordedFrame, ...]
    messages: tuple[RecordedMessage, ...] | None = None

    @property
    def is_valid(self) -> bool:
        """Whether a scenario may have this status."""
        return 200 <= self.status <= 599 or (self.status == SWITCHING_PROTOCOLS and self.messages is not None)

    @property
    def body(self) -> bytes:
        return b"".join(frame.data for frame in self.frames)


class Interaction(Struct, frozen=True):
    """A request with its response. `where` is its position in the imported file. `notes` report what could not be
    imported, each with its position."""

    request: RecordedRequest
    response: RecordedResponse
    where: str = ""
    session: str | None = None
    notes: tuple[str, ...] = ()


_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")
_PORT: Final = re.compile(r":\d*\Z")
_NO_TEXT: Final = re.compile("[\ud800-\udfff]")


def valid_headers(pairs: Iterable[tuple[str, str]]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return headers that are valid in a file and in HTTP, and the invalid names (RFC 9110, section 5.6.2).

    Line ends and control characters become blanks, and bytes outside of UTF-8 become U+FFFD.
    """
    valid, invalid = [], []
    for name, value in pairs:
        if _TOKEN.fullmatch(name):
            valid.append((name, _CONTROL.sub(" ", _NO_TEXT.sub("\ufffd", value)).strip()))
        else:
            invalid.append(name)
    return valid, invalid


def local_path(host: str | None, path: str, method: str, headers: Headers) -> str:
    """Return the path on this server for a request to a host, which may have a port and a user."""
    known = (host or "").lower().rpartition("@")[2]
    name = _PORT.sub("", known)

    def is_one_of(hosts: Iterable[str]) -> bool:
        return any(f".{each}".endswith(f".{end}") for each in (known, name) for end in hosts)

    for provider in LISTED_PROVIDERS:
        if is_one_of(provider.hosts):
            return f"/{provider.name}{path}"
        if is_one_of(provider.unprefixed_hosts) and _is_of_another(provider.name, path, method, headers):
            return f"/{provider.name}{path}"
    return f"/{name}{path}" if name and own_path(path) else path


def _is_of_another(provider: str, path: str, method: str, headers: Headers) -> bool:
    """Return whether a path without a prefix is another provider's, with these headers or without their keys: an
    example has no keys."""
    sent = combine_lines(headers)
    kept = {name: value for name, value in sent.items() if name in HINT_HEADERS}
    if all(find_route(method, path, each).provider in (None, provider) for each in (sent, kept)):
        return False
    return type(find_route(method, f"/{provider}{path}", sent)) is RouteMatch


def own_path(path: str) -> bool:
    """Return whether this server reserves a path. Such a path of another host gets the host's name as prefix."""
    return path.strip("/").partition("/")[0] in RESERVED_SEGMENTS
