"""Sends requests to the live providers, with the user's own keys. A key is sent in its header, and nowhere else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from mockllm.core.rendering.recorded_plan import RecordedFrame
from mockllm.core.request.request import Request
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import BY_NAME, generating_dialect
from mockllm.recordings.interaction import RecordedResponse
from mockllm.server.protocols import ProxyFailed
from mockllm.server.upstreams import Upstreams
from mockllm.testing.environment import KEY

MAX_BODY: Final = 32 * 2**20
"""Bytes of a response that are read."""


class NoLiveResponse(Exception):
    """The provider did not respond completely; the message is one line."""


class LiveProviders(Struct):
    """The live providers by base URL. `variables` are the environment variables of their keys, by provider."""

    upstreams: Upstreams
    timeout: float
    variables: Mapping[str, str] = field(default_factory=dict)

    def serves(self, request: Request) -> bool:
        """Return whether there is an upstream for a request."""
        return self.upstreams.base_url_of(request) is not None

    def key_variable(self, provider: str) -> str | None:
        """Return the environment variable that has the provider's key; None where none is set."""
        known = BY_NAME[provider].key_variables if provider in BY_NAME else ()
        names = (self.variables[provider],) if provider in self.variables else known
        return next((name for name in names if os.environ.get(name, "").strip() not in ("", KEY)), None)

    async def ask(self, request: Request, headers: Mapping[str, str]) -> RecordedResponse:
        """Send a request and return the whole response. Raises NoLiveResponse."""
        wanted = {
            **_lower(headers),
            **self._key_headers(request.provider or ""),
            "accept-encoding": "identity",
        }
        try:
            async with asyncio.timeout(self.timeout):
                return await self._ask(request, wanted)
        except ProxyFailed as error:
            raise NoLiveResponse(str(error.failure.message)) from None
        except TimeoutError:
            raise NoLiveResponse(f"the provider did not finish within {self.timeout:g}s") from None

    async def _ask(self, request: Request, headers: Mapping[str, str]) -> RecordedResponse:
        from aiohttp import ClientError

        response = await self.upstreams.send(request, headers)
        try:
            async with response:
                body = await response.content.read(MAX_BODY)
                while len(body) < MAX_BODY and (more := await response.content.read(MAX_BODY - len(body))):
                    body += more
        except ClientError as error:
            raise NoLiveResponse(f"the response broke off: {type(error).__name__}") from None
        return RecordedResponse(response.status, tuple(response.headers.items()), (RecordedFrame(0.0, body),))

    def _key_headers(self, provider: str) -> dict[str, str]:
        """Return the headers that a provider's SDK sends with the user's key. Raises NoLiveResponse."""
        variable, dialect = self.key_variable(provider), generating_dialect(provider)
        if variable is None or dialect is None:
            return {}
        key = os.environ[variable].strip()  # a file that a shell reads may end with a line end
        if not (key.isascii() and key.isprintable()):
            reason = "it has characters that no header may have"
            raise NoLiveResponse(f"the value of {variable} is not a key: {reason}")
        return _lower(dialect.build_request(NeutralRequest(api_key=key)).headers)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
