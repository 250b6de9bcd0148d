"""The Model Context Protocol: servers with tools, resources and prompts, which a scenario describes (`mcp:`)."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.mcp.dialects import McpCall, McpEnd, McpListen
from mockllm.dialects.mcp.oauth import (
    METADATA,
    AccessTokenCall,
    Authorize,
    Register,
    ResourceMetadata,
    ServerMetadata,
)
from mockllm.dialects.provider import Provider, ProviderCall, ProviderRoute

# `from_neutral_request=False`: no `NeutralRequest` becomes one
_call = ProviderCall("jsonrpc", McpCall(), from_neutral_request=False)
_listen = ProviderCall("listen", McpListen())
_end = ProviderCall("end_session", McpEnd())
_resource = ProviderCall("oauth_resource", ResourceMetadata())
_oauth: Final = (
    ("GET", ".well-known/openid-configuration", "oauth_server", ServerMetadata()),
    ("POST", "register", "oauth_register", Register()),
    ("GET", "authorize", "oauth_authorize", Authorize()),
    ("POST", "token", "oauth_token", AccessTokenCall()),
)
PROVIDER: Final = Provider(
    name="mcp",
    title="MCP servers",
    needs_prefix=True,
    routes=tuple(
        ProviderRoute(method, path, call)
        for path in ("/{server}", "")
        for method, call in (("POST", _call), ("GET", _listen), ("DELETE", _end))
    )
    + tuple(ProviderRoute("GET", f"{path}/{METADATA}", _resource) for path in ("/{server}", ""))
    + tuple(
        ProviderRoute(method, f"/{{server}}/{path}", ProviderCall(name, call))
        for method, path, name, call in _oauth
    ),
)
PROVIDERS: Final = (PROVIDER,)
