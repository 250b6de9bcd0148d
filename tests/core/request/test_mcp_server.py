"""The description of an MCP server."""

from __future__ import annotations

from mockllm.core.request.mcp_server import McpServer, without_mcp_sessions


def test_servers_without_sessions_are_otherwise_the_same() -> None:
    server = McpServer("travel", version="2.0", tasks=True)
    (changed,) = without_mcp_sessions({"travel": server}).values()
    assert changed == McpServer("travel", version="2.0", tasks=True, sessions=False)
