"""Parses JSON-RPC requests to an MCP server. No property raises on any JSON.

The members are those of `schema.ts` of the specification. A version of 2026 is in the request's `_meta`; the older
ones are in the header that a client sends after the handshake.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from propcache.api import cached_property

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.request.mcp_server import McpServer, ServedTool
from mockllm.core.request.request import Request
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.uri_template import expanded
from mockllm.dialects.mcp.protocol import (
    MCP_SESSION_HEADER,
    META,
    META_CAPABILITIES,
    META_CLIENT,
    META_CONTINUES,
    META_VERSION,
    MODERN,
    NAMED_BY,
    STDIO_HEADER,
    TASKS,
    VERSION_HEADER,
    VERSIONS,
    WITHOUT_HEADER,
)

PER_CLIENT: Final = frozenset({META, "clientInfo", "capabilities", "protocolVersion"})
"""The params that describe the client and not its request."""
WORDS: Final = {"tools/call": "tool", "prompts/get": "prompt", "resources/read": "resource"}
"""The words of `match: {mcp: …}` for what a method names."""


class ServerRequest(Request):
    """The base of all requests to an MCP server."""

    dialect = "mcp"
    is_for_mcp_server = True

    @cached_property
    def server_name(self) -> str:
        """The name in the path; without one, the name of the only server."""
        named = self.path_variables.get("server")
        if named is None and len(self.mcp_servers) == 1:
            return next(iter(self.mcp_servers))
        return named or ""

    @property
    def server_endpoint(self) -> str | None:
        return self.path_variables.get("server")

    @cached_property
    def server(self) -> McpServer | None:
        return self.mcp_servers.get(self.server_name)

    @cached_property
    def protocol(self) -> str:
        """The version of the protocol that the request names, or that a handshake offers."""
        return self._named_version or self._offered or self._version_without_header

    @cached_property
    def _named_version(self) -> str | None:
        return text_of(self.meta.get(META_VERSION)) or self.headers.get(VERSION_HEADER)

    @property
    def _version_without_header(self) -> str:
        versions = VERSIONS if self.server is None else self.server.protocols or VERSIONS
        return next((version for version in WITHOUT_HEADER if version in versions), WITHOUT_HEADER[0])

    @property
    def _offered(self) -> str | None:
        return None

    @property
    def over_stdio(self) -> bool:
        """Whether the message came over standard input."""
        return STDIO_HEADER in self.headers

    @property
    def modern(self) -> bool:
        """Whether the request has a version without a handshake. A handshake that only offers one is no such
        request."""
        return self._named_version in MODERN

    @cached_property
    def meta(self) -> dict[str, Json]:
        return object_of(self.params.get(META))

    @cached_property
    def params(self) -> dict[str, Json]:
        return {}

    @cached_property
    def client_session(self) -> str | None:
        """The session that the client names."""
        return self.headers.get(MCP_SESSION_HEADER)

    def stored_name(self, kind: str, id: str | None) -> str:
        """Return the name under which a session, a stream or a task of the server is stored."""
        return f"{kind}{self.server_name} {id}"

    @cached_property
    def mcp(self) -> Mapping[str, Json]:
        return {"server": self.server_name, "protocol": self.protocol}


class RpcRequest(ServerRequest):
    """A POST with one JSON-RPC message."""

    api = "jsonrpc"

    @cached_property
    def rpc_id(self) -> Json:
        """The message's id; None where it has none of a known type."""
        id = self.fields.get("id")
        return id if type(id) in (str, int) else None

    @cached_property
    def kind(self) -> Literal["request", "notification", "response", "invalid"]:
        """The kind of the message."""
        fields = self.fields
        if type(fields.get("method")) is str:
            return (
                "notification" if "id" not in fields else "request" if self.rpc_id is not None else "invalid"
            )
        return "response" if "result" in fields or "error" in fields else "invalid"

    @cached_property
    def rpc_method(self) -> str | None:
        return text_of(self.fields.get("method"))

    @cached_property
    def params(self) -> dict[str, Json]:
        return object_of(self.fields.get("params"))

    @property
    def _offered(self) -> str | None:
        """The version that a handshake offers."""
        return text_of(self.params.get("protocolVersion")) if self.rpc_method == "initialize" else None

    @cached_property
    def named(self) -> str | None:
        """The tool, prompt or resource that the request names."""
        member = NAMED_BY.get(self.rpc_method or "")
        return None if member is None else text_of(self.params.get(member))

    @cached_property
    def tool(self) -> ServedTool | None:
        """The description of the called tool."""
        called = self.rpc_method == "tools/call" and self.server is not None
        return self.server.tool(self.named) if called and self.server is not None else None

    @cached_property
    def arguments(self) -> dict[str, Json]:
        """The arguments of the call, or the values of the resource's template."""
        if self.rpc_method != "resources/read":
            return object_of(self.params.get("arguments"))
        for resource in () if self.server is None else self.server.resources:
            values = expanded(resource.uri, self.named or "") if resource.template else None
            if values is not None:
                return dict(values)
        return {}

    @cached_property
    def progress_token(self) -> Json:
        token = self.meta.get("progressToken")
        return token if type(token) in (str, int) else None

    @cached_property
    def client_name(self) -> str | None:
        info = self.meta.get(META_CLIENT) if self.modern else self.params.get("clientInfo")
        return text_of(object_of(info).get("name"))

    @cached_property
    def mcp(self) -> Mapping[str, Json]:
        call: dict[str, Json] = {"server": self.server_name, "protocol": self.protocol}
        if self.rpc_method is not None:
            call["method"] = self.rpc_method
        if self.client_name is not None:
            call["client"] = self.client_name
        if self.named is not None and self.rpc_method in WORDS:
            call[WORDS[self.rpc_method]] = self.named
            call["arguments"] = self.arguments
        responses = object_of(self.params.get("inputResponses"))
        if responses:
            call["responses"] = responses
        return call

    @property
    def has_tasks(self) -> bool:
        """Whether client and server support tasks."""
        server = self.server
        if server is None or not server.tasks or not self.modern:
            return False
        declared = object_of(self.meta.get(META_CAPABILITIES))
        return TASKS in object_of(declared.get("extensions"))

    @cached_property
    def response_format(self) -> Format:
        """The schema of the tool's results."""
        if self.tool is None or self.tool.output is None:
            return Format()
        return Format("schema", self.tool.name, self.tool.output)

    @property
    def client_response(self) -> tuple[str, str, Json] | None:
        """A JSON-RPC response to a request of the server, whose id is `KEY/NAME`."""
        id = self.rpc_id
        if self.kind != "response" or type(id) is not str or "/" not in id:
            return None
        key, _, name = id.partition("/")
        result = self.fields.get("result")
        return key, name, {"error": self.fields.get("error")} if result is None else result

    def with_client_responses(self, key: str, responses: Mapping[str, Json]) -> bytes:
        meta = {**self.meta, META_CONTINUES: key}
        return dumps(
            {**self.fields, "params": {**self.params, META: meta, "inputResponses": dict(responses)}}
        )

    @property
    def continues(self) -> str | None:
        """The key of the suspended response that this request continues, with the client's responses."""
        return text_of(self.meta.get(META_CONTINUES))

    @property
    def hashed_body(self) -> Json:
        """The message without its id and without what describes the client, and the kind of its version."""
        if not self.fields:
            return super().hashed_body
        params = {name: value for name, value in self.params.items() if name not in PER_CLIENT}
        rest = {name: value for name, value in self.fields.items() if name != "id"}
        return {**rest, "params": params, "stateless": self.modern}


class StreamRequest(ServerRequest):
    """A GET: the client listens."""

    api = "listen"

    @cached_property
    def stream(self) -> bool:
        return True


class EndRequest(ServerRequest):
    """A DELETE: the client ends its session."""

    api = "end_session"
