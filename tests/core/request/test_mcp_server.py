"""The description of an MCP server."""

from __future__ import annotations

from mockllm.core.request.mcp_server import McpServer, ServedResource, without_mcp_sessions


def test_servers_without_sessions_are_otherwise_the_same() -> None:
    server = McpServer("travel", version="2.0", tasks=True)
    (changed,) = without_mcp_sessions({"travel": server}).values()
    assert changed == McpServer("travel", version="2.0", tasks=True, sessions=False)


def test_resource_of_an_address_is_the_exact_one_first() -> None:
    family = ServedResource("a://{x}", "a", template=True)
    exact, other = ServedResource("a://1", "one"), ServedResource("b://{x}", "b", template=True)
    server = McpServer("s", resources=(other, family, exact))
    found = [server.resource(uri) for uri in ("a://1", "a://2", "b://2", "c://2", "a://{x}", None)]
    assert found == [exact, family, other, None, family, None]
