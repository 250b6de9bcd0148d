"""The real providers behind a recorder: base URLs, forwarded headers, and the HTTP client.

The recorder streams the response to the client and stores it.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from secrets import token_hex
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec import Struct, field
from multidict import CIMultiDict

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.recordings.interaction import DROPPED_HEADERS, OTHER
from mockllm.server.protocols import ProxyFailed
from mockllm.server.server_limits import KIB

if TYPE_CHECKING:
    from types import SimpleNamespace

    from aiohttp import (
        ClientResponse,
        ClientSession,
        ClientWebSocketResponse,
        TCPConnector,
        TraceRequestRedirectParams,
    )

RECORDER_HEADER: Final = "x-mockllm-recorder"
"""Contains the id of each recorder that forwarded a request, to detect loops; in a response it reports a loop."""
READABLE: Final = frozenset({"gzip", "deflate", "identity", "x-gzip"})
"""Content encodings that the recorder can decompress; it requests no others from the provider."""
PROTOCOLS: Final = "sec-websocket-protocol"
CONNECT_TIMEOUT: Final = 30.0
"""Seconds for the connection to a provider."""
MAX_RESPONSE_HEADER: Final = 64 * KIB
"""Bytes of the longest header field of a provider's response. Those with cookies and policies may be long."""


class _Redirected(Exception):
    """A provider redirects the handshake of a WebSocket."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def failure_reason(error: Exception) -> str:
    """Return why a server did not respond. aiohttp's own text for a connection mentions TLS also without TLS. Its
    text for a malformed response has the URL, which may have a key, and a part of the response."""
    from aiohttp import ClientConnectorError, ClientResponseError, ClientSSLError, InvalidURL

    if isinstance(error, InvalidURL):
        return "the address is no URL"
    if isinstance(error, ClientResponseError):
        cause = error.message.partition(":")[0].strip()
        return f"its response is not HTTP ({cause})" if cause else "its response is not HTTP"
    if not isinstance(error, ClientConnectorError) or isinstance(error, ClientSSLError):
        return str(error) or type(error).__name__
    reason = error.os_error.strerror
    if error.os_error.errno is not None and error.os_error.errno > 0:  # negative: a name that is not found
        reason = os.strerror(error.os_error.errno)
    return f"cannot connect to {error.host}:{error.port}: {reason or error.os_error}"


def trusting_connector() -> TCPConnector:
    """Return a connector that trusts the CAs of this machine: aiohttp's own context was created at import time, and
    has none (`startup.ca_loading_skipped`). It has any number of connections: its callers bound them."""
    from aiohttp import TCPConnector

    return TCPConnector(ssl=ssl.create_default_context(), limit=0)


class Upstreams(Struct):
    """Base URLs by provider, and the HTTP client for them."""

    bases: Mapping[str, str]
    id: str = field(default_factory=lambda: token_hex(8))
    _session: ClientSession | None = None

    async def send(
        self, request: Request, headers: Mapping[str, str], to: str | None = None
    ) -> ClientResponse:
        """Send a request and return the provider's response before its body. `to` is another base URL. Raises
        ProxyFailed."""
        from aiohttp import ClientError
        from yarl import URL

        url = self.url(request, headers, to)
        try:
            response = await self._client().request(
                request.method,
                URL(url, encoded=True),
                headers=self.forwarded_headers(headers),
                data=request.raw or None,
                allow_redirects=False,
            )
        except (TimeoutError, ClientError, OSError, ValueError) as error:
            raise self._no_response_error(request, to, failure_reason(error)) from None
        if response.status == HTTPStatus.SWITCHING_PROTOCOLS:
            response.close()
            raise self._no_response_error(request, to, "it switches to another protocol")
        return response

    async def open_websocket(
        self, request: Request, headers: Mapping[str, str], to: str | None, max_size: int
    ) -> ClientWebSocketResponse:
        """Open a WebSocket at the provider, or at `to`; a message has at most `max_size` bytes. Raises ProxyFailed,
        with the provider's status if it refuses the handshake."""
        from aiohttp import ClientError, WSServerHandshakeError
        from yarl import URL

        url = self.url(request, headers, to)
        own = self.forwarded_headers(headers)
        protocols = [text.strip() for text in headers.get(PROTOCOLS, "").split(",") if text.strip()]
        try:
            return await self._client().ws_connect(
                URL(url, encoded=True), headers=own, protocols=protocols, max_msg_size=max_size
            )
        except (WSServerHandshakeError, _Redirected) as refused:
            message = (
                f"The upstream of {request.provider or OTHER} refuses the WebSocket with {refused.status}."
            )
            status = refused.status if refused.status >= 400 else 502
            raise ProxyFailed(Failure("bad_gateway", status, message)) from None
        except (TimeoutError, ClientError, OSError, ValueError) as error:
            raise self._no_response_error(request, to, failure_reason(error)) from None

    def _no_response_error(self, request: Request, to: str | None, reason: str) -> ProxyFailed:
        """Return the failure of a provider that does not respond."""
        server = to or f"The upstream of {request.provider or OTHER}"
        message = f"{server} does not respond: {reason}"
        return ProxyFailed(Failure("bad_gateway", message=message))

    def _client(self) -> ClientSession:
        """Return the HTTP client, which the first request creates. The connections of clients bound its own."""
        from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TraceConfig

        if self._session is None:
            tracing = TraceConfig()
            tracing.on_request_redirect.append(_refuse_redirect)
            self._session = ClientSession(
                connector=trusting_connector(),
                trace_configs=[tracing],
                max_line_size=MAX_RESPONSE_HEADER,
                max_field_size=MAX_RESPONSE_HEADER,
                auto_decompress=False,
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        return self._session

    async def close(self) -> None:
        """Close the connections to providers."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)  # closing continues in the loop's next iteration

    def base_url_of(self, request: Request) -> str | None:
        """Return the base URL for a request, or None."""
        return self._of_endpoint(request) or self.bases.get(request.provider or OTHER)

    def _of_endpoint(self, request: Request) -> str | None:
        """Return the address of an MCP server, if it has a separate one."""
        endpoint = request.server_endpoint
        return None if endpoint is None else self.bases.get(f"{request.provider}/{endpoint}")

    def url(self, request: Request, headers: Mapping[str, str], to: str | None = None) -> str:
        """Return the URL that a request is forwarded to. Raises ProxyFailed."""
        if self.id in headers.get(RECORDER_HEADER, ""):
            message = f"{to or f'The upstream of {request.provider or OTHER}'} leads back to this recorder."
            raise ProxyFailed(Failure("bad_request", message=message, headers=((RECORDER_HEADER, "loop"),)))
        base = to or self.base_url_of(request)
        if base is None:
            known = ", ".join(self.bases) or "none"
            message = (
                f"There is no upstream for {request.provider or 'this path'}; the upstreams are: {known}. "
                f"Use --upstream {request.provider or OTHER}=URL."
            )
            raise ProxyFailed(Failure("not_found", message=message))
        path = "" if to is None and self._of_endpoint(request) is not None else request.path
        return joined_url(base, path, request.query_string)

    def forwarded_headers(self, headers: Mapping[str, str]) -> CIMultiDict[str]:
        """Return the client's headers without those of its connection; repeated headers stay separate."""
        forwarded = CIMultiDict[str]()
        dropped = DROPPED_HEADERS | _DROPPED | connection_options(headers.items())
        for name, value in headers.items():
            low = name.lower()
            if low in dropped or low.startswith("x-mockllm-"):
                continue
            forwarded.add(name, _readable(value) if low == "accept-encoding" else value)
        forwarded.add(RECORDER_HEADER, ",".join(filter(None, (headers.get(RECORDER_HEADER), self.id))))
        forwarded.setdefault("Accept-Encoding", "identity")
        return forwarded


async def _refuse_redirect(
    session: ClientSession, context: SimpleNamespace, redirect: TraceRequestRedirectParams
) -> None:
    """Follow no redirect of a handshake: its server may be none that the user allows. aiohttp has no option for
    this."""
    redirect.response.close()
    raise _Redirected(redirect.response.status)


def connection_options(headers: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the names that `Connection` lists, in lower case. A header of such a name is for one connection (RFC
    9110, section 7.6.1)."""
    lists = [value for name, value in headers if name.lower() == "connection"]
    return frozenset(option.strip().lower() for option in ",".join(lists).split(","))


def joined_url(base: str, path: str, query: str) -> str:
    """Return the URL of a path at a base URL, whose own path may begin the path already."""
    own = urlsplit(base).path
    if own and (path == own or path.startswith(f"{own}/")):
        base = base.removesuffix(own)
    return f"{base}{path}" + (f"?{query}" if query else "")


_DROPPED: Final = frozenset({"host", "content-encoding", "expect"})
"""Request headers that are not forwarded: the body is forwarded decompressed."""


def _readable(accepted: str) -> str:
    names = [name.strip() for name in accepted.split(",")]
    return (
        ", ".join(name for name in names if name.partition(";")[0].strip().lower() in READABLE) or "identity"
    )
