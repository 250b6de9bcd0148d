"""The versions of the Model Context Protocol, its methods, headers and error codes.

Sources: the specification, versions 2024-11-05 to 2026-07-28 (`schema/*/schema.ts` and
`docs/specification/*/basic/transports` of the repository modelcontextprotocol/modelcontextprotocol), and `mcp` 2.3.0
(`mcp_types.version`, `mcp.shared.inbound`).
"""

from __future__ import annotations

from typing import Final

HANDSHAKE: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""The versions with an `initialize` handshake, the oldest first."""
MODERN: Final = ("2026-07-28",)
"""The versions in which each request carries its own version and capabilities, without a handshake or a session."""
VERSIONS: Final = (*HANDSHAKE, *MODERN)
WITHOUT_HEADER: Final = ("2025-03-26", "2024-11-05")
"""The versions without the header. A request without it has the first that the server speaks."""

VERSION_HEADER: Final = "mcp-protocol-version"
MCP_SESSION_HEADER: Final = "mcp-session-id"
METHOD_HEADER: Final = "mcp-method"
NAME_HEADER: Final = "mcp-name"
LAST_EVENT_HEADER: Final = "last-event-id"
PARAM_HEADER: Final = "mcp-param-"
STDIO_HEADER: Final = "x-mockllm-stdio"
"""Marks the messages that `mockllm mcp` relays: standard input has no headers, so none are required."""

META: Final = "_meta"
META_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
META_CLIENT: Final = "io.modelcontextprotocol/clientInfo"
META_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
META_LOG_LEVEL: Final = "io.modelcontextprotocol/logLevel"
META_SERVER: Final = "io.modelcontextprotocol/serverInfo"
META_CONTINUES: Final = "mockllm/continues"
"""Has the key of the suspended response, in a call that the server reads again with its client's responses. No
client sends it."""
META_SUBSCRIPTION: Final = "io.modelcontextprotocol/subscriptionId"

TASKS: Final = "io.modelcontextprotocol/tasks"
"""The extension for tasks (SEP-2663), as clients and servers declare it."""
NAMED_BY: Final = {
    "tools/call": "name", "prompts/get": "name", "resources/read": "uri",
    "tasks/get": "taskId", "tasks/update": "taskId", "tasks/cancel": "taskId",
}  # fmt: skip
"""The methods with a name in their params, and its member: clients repeat it in the header `Mcp-Name`."""
CACHEABLE: Final = frozenset({
    "server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read",
})  # fmt: skip
"""The methods whose results state how long a client may keep them (2026-07-28)."""
CAPABILITY_OF: Final = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}
"""The capability that a client needs for a request of the server."""
LISTENED: Final = {
    "toolsListChanged": "notifications/tools/list_changed",
    "promptsListChanged": "notifications/prompts/list_changed",
    "resourcesListChanged": "notifications/resources/list_changed",
}
"""The members by which a client of 2026-07-28 requests notifications (`subscriptions/listen`), and the notification
that it then gets."""
UPDATED: Final = "notifications/resources/updated"
LOG_LEVELS: Final = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SERVER_ERROR: Final = -32000
"""The error that the TypeScript SDK's server sends for a refusal of the transport."""
SESSION_NOT_FOUND: Final = -32001
RESOURCE_NOT_FOUND: Final = -32002
HEADER_MISMATCH: Final = -32020
MISSING_CAPABILITY: Final = -32021
UNSUPPORTED_VERSION: Final = -32022
