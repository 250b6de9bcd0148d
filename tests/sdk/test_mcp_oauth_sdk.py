"""A server that needs a token, with the OAuth client of the unmodified Python SDK: discovery, registration, PKCE."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.live import Live
from tests.live import live as serve
from tests.sdk.loopback import loopback_only

mcp_client = pytest.importorskip("mcp.client.client")
mcp_auth = pytest.importorskip("mcp.client.auth")
oauth2 = pytest.importorskip("mcp.client.auth.oauth2")
auth_types = pytest.importorskip("mcp.shared.auth")
transports = pytest.importorskip("mcp.client.streamable_http")
http_clients = pytest.importorskip("mcp.shared._httpx_utils")

__all__ = ["loopback_only"]

SCENARIO = """
mcp:
  - {name: vault, oauth: {scopes: [read], expires: 1h}, tools: [{name: open, reply: It is open.}]}
"""


class Storage:
    """Where a client stores its token and its registration."""

    def __init__(self) -> None:
        self.tokens: Any = None
        self.registration: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.registration

    async def set_client_info(self, client_info: Any) -> None:
        self.registration = client_info


class Browser:
    """The user's browser: it follows the address of the authorization server back to the client."""

    def __init__(self) -> None:
        self.back: dict[str, list[str]] = {}

    async def open(self, url: str) -> None:
        async with http_clients.create_mcp_http_client() as client:
            got = await client.get(url, follow_redirects=False)
        self.back = parse_qs(urlsplit(got.headers["location"]).query)

    async def code(self) -> Any:
        return oauth2.AuthorizationCodeResult(code=self.back["code"][0], state=self.back["state"][0])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("oauth")
    (folder / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    with serve(folder) as built:
        yield built


async def opened(url: str, storage: Storage) -> str:
    browser = Browser()
    metadata = auth_types.OAuthClientMetadata(
        client_name="test", redirect_uris=["http://localhost:3000/callback"], scope="read"
    )
    provider = oauth2.OAuthClientProvider(url, metadata, storage, browser.open, browser.code)
    async with http_clients.create_mcp_http_client(auth=provider) as http:
        transport = transports.streamable_http_client(url, http_client=http)
        async with mcp_client.Client(transport) as client:
            result = await client.call_tool("open", {})
            return str(result.content[0].text)


def test_sdk_gets_a_token_and_calls_the_tool(server: Live) -> None:
    storage = Storage()
    assert asyncio.run(opened(f"{server.url}/mcp/vault", storage)) == "It is open."
    assert storage.registration.client_id.startswith("mcp-mock-client-")
    assert (storage.tokens.token_type, storage.tokens.scope) == ("Bearer", "read")
    assert asyncio.run(opened(f"{server.url}/mcp/vault", storage)) == "It is open."
