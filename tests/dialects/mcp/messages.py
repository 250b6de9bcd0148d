"""Messages to MCP servers as clients send them: with a handshake and a session, or as of 2026-07-28."""

from __future__ import annotations

from typing import Any

from tests.language.virtual_server import ClientRequest, ClientResponse, VirtualServer, raw_request

BOTH = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
MODERN = "2026-07-28"
SERVER = """
mcp:
  - name: weather
    title: Weather
    version: "2.1"
    instructions: Ask for a city.
    page: 2
    tools:
      - name: get_weather
        title: The weather
        description: The weather of a city
        input: {properties: {city: {type: string}, days: {type: integer, x-mcp-header: Days}}, required: [city]}
        output: {type: object, properties: {temperature: {type: number}}}
        annotations: {readOnlyHint: true}
      - {name: echo, reply: "You said {{ mcp.arguments.text }}."}
      - get_news
    resources:
      - {uri: "file:///a.md", name: A, title: Doc, description: A doc, mime_type: text/markdown, text: "# A"}
      - {uri: "file:///b.png", mime_type: image/png, blob: {data: AAAA}}
      - {uri_template: "city://{name}", json: {name: "{{ mcp.arguments.name }}"}, mime_type: application/json}
      - {uri: "file:///later"}
    prompts:
      - name: greet
        title: Greeting
        description: Greets somebody
        arguments: [{name: who, description: Whom, required: true, values: [Ann, Anna, Ben]}, tone]
        messages: ["Greet {{ mcp.arguments.who }}.", {role: assistant, text: Hello.}]
      - {name: plain}
"""


def rpc(
    method: str | None = "tools/call",
    params: dict[str, Any] | None = None,
    *,
    id: Any = 1,
    path: str = "/mcp/weather",
    headers: dict[str, str] | None = None,
    modern: bool = False,
    session: str | None = None,
    capabilities: dict[str, Any] | None = None,
    **more: Any,
) -> ClientRequest:
    """Return a message; `modern`: as of 2026-07-28, with its headers."""
    sent = dict(BOTH)
    params = dict(params or {})
    if modern:
        params["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": {"name": "tester", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": capabilities or {},
            **params.get("_meta", {}),
        }
        sent |= {"mcp-protocol-version": MODERN, "mcp-method": str(method)}
        name = params.get("uri" if method == "resources/read" else "name")
        if isinstance(name, str):
            sent["mcp-name"] = name
    if session is not None:
        sent["mcp-session-id"] = session
    body: dict[str, Any] = {"jsonrpc": "2.0", **more}
    if method is not None:
        body["method"] = method
    if id is not None:
        body["id"] = id
    if params or method is not None:
        body["params"] = params
    return raw_request(path, body, headers={**sent, **(headers or {})})


def call(tool: str, arguments: dict[str, Any] | None = None, **more: Any) -> ClientRequest:
    """Return the call of a tool."""
    return rpc("tools/call", {"name": tool, "arguments": arguments or {}}, **more)


class ToolClient:
    """A client with a session, which it gets by a handshake."""

    def __init__(
        self, files: Any, *, protocol: str = "2025-11-25", path: str = "/mcp/weather", **more: Any
    ) -> None:
        self.server = VirtualServer(files, **more)
        self.path = path
        params = {
            "protocolVersion": protocol,
            "capabilities": {},
            "clientInfo": {"name": "tester", "version": "1"},
        }
        self.opening = self.server.respond(rpc("initialize", params, path=path))
        self.session = self.opening.headers.get("mcp-session-id")

    def send(self, method: str | None = "tools/call", params: Any = None, **more: Any) -> ClientResponse:
        return self.server.respond(rpc(method, params, session=self.session, path=self.path, **more))

    def call(self, tool: str, arguments: Any = None, **more: Any) -> ClientResponse:
        return self.send("tools/call", {"name": tool, "arguments": arguments or {}, **more})

    def result(self, method: str, params: Any = None, **more: Any) -> Any:
        return self.send(method, params, **more).json["result"]
