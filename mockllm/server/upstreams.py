"""The real provider behind a recorder: where a request goes on to, what of it is sent on, and the asking itself.

Apart from the recorder, which hands the answer through and writes it down.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from secrets import token_hex
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from msgspec import Struct, field
from multidict import CIMultiDict

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.recordings.hosts import OTHER
from mockllm.recordings.interaction import LEFT_OUT
from mockllm.server.protocols import ProxyFailed

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

MARK: Final = "x-mockllm-recorder"
"""Names each recorder that a request has passed, so that it never passes one twice; and, on an answer, that it was
refused for that."""
READABLE: Final = frozenset({"gzip", "deflate", "identity", "x-gzip"})
"""Of what a client can unpack, what can be read here too: nothing else is asked of the provider."""
CONNECT: Final = 30.0
"""Seconds until a provider must have taken a connection."""


class Upstreams(Struct):
    """Base URLs by provider."""

    bases: Mapping[str, str]
    id: str = field(default_factory=lambda: token_hex(8))
    _session: ClientSession | None = None

    async def ask(
        self, request: Request, headers: Mapping[str, str], to: str | None = None
    ) -> ClientResponse:
        """The head of the provider's answer, its body still to be read. `to`: whose base URL is none of these.
        Raises NotPassed."""
        from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
        from yarl import URL

        url = self.url(request, headers, to)
        if self._session is None:
            self._session = ClientSession(
                # aiohttp's own context was made before anybody asked (cli.authorities)
                connector=TCPConnector(ssl=ssl.create_default_context()),
                auto_decompress=False,
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=None, sock_connect=CONNECT),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        try:
            return await self._session.request(
                request.method,
                URL(url, encoded=True),
                headers=self.onward(headers),
                data=request.raw or None,
                allow_redirects=False,
            )
        except (TimeoutError, ClientError, OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            message = f"{to or f'The upstream of {request.provider or OTHER}'} does not answer: {reason}"
            raise ProxyFailed(Failure("bad_gateway", message=message)) from None

    async def close(self) -> None:
        """Ends the connections to providers."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)  # for what closing has put off to the loop's next turn

    def of(self, request: Request) -> str | None:
        """The base URL that a request goes to, where there is one for it."""
        return self.bases.get(request.provider or OTHER)

    def url(self, request: Request, headers: Mapping[str, str], to: str | None = None) -> str:
        """Where this request goes on to. Raises NotPassed."""
        if self.id in headers.get(MARK, ""):
            message = f"{to or f'The upstream of {request.provider or OTHER}'} leads back to this recorder."
            raise ProxyFailed(Failure("bad_request", message=message, headers=((MARK, "loop"),)))
        base = to or self.of(request)
        if base is None:
            known = ", ".join(self.bases) or "none"
            message = (
                f"There is no upstream for {request.provider or 'this path'}; there is {known}. "
                f"Give --upstream {request.provider or OTHER}=URL."
            )
            raise ProxyFailed(Failure("not_found", message=message))
        own, path = urlsplit(base).path, request.path
        if own and path.startswith(f"{own}/"):
            base = base.removesuffix(own)
        return f"{base}{path}" + (f"?{request.query_string}" if request.query_string else "")

    def onward(self, headers: Mapping[str, str]) -> CIMultiDict[str]:
        """The client's headers, without those of its connection to us. Several of one name stay several."""
        onward = CIMultiDict[str]()
        for name, value in headers.items():
            low = name.lower()
            if low in LEFT_OUT or low in _OURS or low.startswith("x-mockllm-"):
                continue
            onward.add(name, _readable(value) if low == "accept-encoding" else value)
        onward.add(MARK, ",".join(filter(None, (headers.get(MARK), self.id))))
        onward.setdefault("Accept-Encoding", "identity")
        return onward


_OURS: Final = frozenset({"host", "content-encoding", "expect"})
"""Headers of a request that are not sent on: its body is, as it was unpacked."""


def _readable(accepted: str) -> str:
    names = [each.strip() for each in accepted.split(",")]
    return (
        ", ".join(each for each in names if each.partition(";")[0].strip().lower() in READABLE) or "identity"
    )
