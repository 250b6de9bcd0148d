"""The view of MCP servers: tools with their calls and failures, the last messages, states."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.dashboard.dashboard_page import Dashboard, DashboardServer

SERVER = """
mcp:
  - name: shop
    title: The shop
    tasks: true
    tools: [{name: find_order, description: Finds an order by its number}, {name: hours, reply: Nine to five.}]
    resources: [{uri: "file:///a.md", text: A}]
    prompts: [{name: greet, messages: [Hello]}]
rules:
  - name: found
    match: {mcp: {tool: find_order, arguments: {$.number: 42}}}
    reply: Shipped.
    sets_state: {looked_up: true}
  - {name: unknown, match: {mcp: {tool: find_order}}, reply: {text: "No.", mcp: {is_error: true}}}
"""


def message(server: DashboardServer, method: str, params: Any) -> None:
    """Send a message of a client of 2026-07-28."""
    prefix = "io.modelcontextprotocol/"
    version = "2026-07-28"
    meta = {f"{prefix}protocolVersion": version, f"{prefix}clientCapabilities": {}}
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
    headers = {
        "content-type": "application/json", "accept": "application/json, text/event-stream",
        "mcp-protocol-version": version, "mcp-method": method, "mcp-name": params.get("name", ""),
        "user-agent": "agent/1",
    }  # fmt: skip
    server.send("POST", "/mcp/shop", body, headers)


def test_view_of_tool_servers_shows_tools_calls_and_states(dashboard: Dashboard) -> None:
    server, page = dashboard.server, dashboard.page
    dashboard.open("mcp", anew=True)
    expect(dashboard.card("MCP servers")).to_contain_text("mcp: in a scenario file")
    file = server.folder / "shop.yaml"
    file.write_text(SERVER, encoding="utf-8")
    server.call("POST", "/api/reload")
    try:
        message(server, "tools/list", {})
        for number in (42, 7):
            message(server, "tools/call", {"name": "find_order", "arguments": {"number": number}})
        message(server, "tools/call", {"name": "nothing", "arguments": {}})
        card = dashboard.card("The shop")
        expect(card.get_by_role("row", name="find_order")).to_contain_text("Finds an order by its number")
        expect(card.get_by_role("row", name="find_order").get_by_role("cell")).to_have_text(
            ["2", "1", "Finds an order by its number"]
        )
        expect(card.get_by_role("row", name="nothing")).to_contain_text("not listed")
        expect(card).to_contain_text("tools/call 3")
        expect(card).to_contain_text("agent/1")
        expect(dashboard.card("States")).to_contain_text("looked_up: true")
        row = dashboard.card("Messages").get_by_role("row", name="unknown")
        expect(row).to_contain_text("200, failed")
        row.get_by_role("link").click()
        expect(page.locator(".detail .headline")).to_contain_text("/mcp/shop")
    finally:
        file.unlink()
        server.call("POST", "/api/reload")
