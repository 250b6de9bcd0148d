"""MCP servers as data: the tools, resources and prompts that a scenario describes.

A scenario describes them once, in provider-neutral form; the dialect writes their definitions as its protocol has
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from msgspec import Struct, field
from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.request.uri_template import expanded

NO_FIELDS: Final[Mapping[str, Json]] = {}


class ServedTool(Struct, frozen=True):
    """A tool. `input` and `output` are JSON Schemas (`output` None: the results have no schema); `extras` are further
    members of its definition as written."""

    name: str
    input: Json
    title: str | None = None
    description: str | None = None
    output: Json = None
    annotations: Mapping[str, Json] = NO_FIELDS
    extras: Mapping[str, Json] = NO_FIELDS


class ServedResource(Struct, frozen=True):
    """A resource, or a family of them: `template` is whether `uri` is a URI template (RFC 6570, level 1)."""

    uri: str
    name: str
    template: bool = False
    title: str | None = None
    description: str | None = None
    mime_type: str | None = None
    extras: Mapping[str, Json] = NO_FIELDS


class PromptArgument(Struct, frozen=True):
    """An argument of a prompt. `values` are those that a client may complete to."""

    name: str
    description: str | None = None
    required: bool = False
    values: tuple[str, ...] = ()


class ServedPrompt(Struct, frozen=True):
    """A prompt with its arguments."""

    name: str
    arguments: tuple[PromptArgument, ...] = ()
    title: str | None = None
    description: str | None = None
    extras: Mapping[str, Json] = NO_FIELDS


class ServerMessage(Struct, frozen=True):
    """A message that a server sends without a request, `wait` seconds after the message before it."""

    method: str
    params: Mapping[str, Json] = NO_FIELDS
    wait: float = 0.0


class ServerAuthorization(Struct, frozen=True):
    """The authorization that a server needs: the scopes that it names, and the seconds for which a token is valid."""

    scopes: tuple[str, ...] = ()
    expires: float = 3600.0


class McpServer(Struct, frozen=True):
    """One server. `protocols` are the versions that it supports, None for all; `page` is how many entries a list
    has; `sessions`: whether its clients get a session."""

    name: str
    title: str | None = None
    version: str = "1.0.0"
    instructions: str | None = None
    tools: tuple[ServedTool, ...] = ()
    resources: tuple[ServedResource, ...] = ()
    prompts: tuple[ServedPrompt, ...] = ()
    protocols: tuple[str, ...] | None = None
    page: int | None = None
    sessions: bool = True
    messages: tuple[ServerMessage, ...] = ()
    extras: Mapping[str, Json] = field(default_factory=dict)
    """Further members of its description as written, such as an icon."""
    tasks: bool = False
    """Whether it supports the extension for tasks."""
    authorization: ServerAuthorization | None = None
    """What its clients need; None: nothing."""

    def tool(self, name: object) -> ServedTool | None:
        return next((tool for tool in self.tools if tool.name == name), None)

    def resource(self, uri: str | None) -> ServedResource | None:
        """Return the resource with this address, or the first family whose template makes it."""
        exact = (each for each in self.resources if not each.template and each.uri == uri)
        families = (
            each for each in self.resources if each.template and expanded(each.uri, uri or "") is not None
        )
        return next(exact, None) or next(families, None)

    def prompt(self, name: object) -> ServedPrompt | None:
        return next((prompt for prompt in self.prompts if prompt.name == name), None)


class McpServerFields:
    """The values of a request to an MCP server; empty for any other request."""

    is_for_mcp_server: ClassVar[bool] = False
    """Whether the call goes to an MCP server, whose description the request then has in `mcp_servers`."""
    mcp_servers: Mapping[str, McpServer] = {}
    """The MCP servers that the loaded files describe, by name."""
    raw: bytes

    @cached_property
    def mcp(self) -> Mapping[str, Json]:
        """The values of the call for `match: {mcp: …}`, by its keys."""
        return {}

    @property
    def server_endpoint(self) -> str | None:
        """The name of the MCP server; a recorder may forward its requests to a separate address."""
        return None

    @property
    def client_response(self) -> tuple[str, str, Json] | None:
        """The client's response to a question of an MCP server: the key of the suspended response
        (`ExpectedResponses.key`), the question's name, and its content."""
        return None

    def with_client_responses(self, key: str, responses: Mapping[str, Json]) -> bytes:
        """Return the body with the key of the suspended response, and the client's responses by question."""
        return self.raw


def without_mcp_sessions(servers: Mapping[str, McpServer]) -> Mapping[str, McpServer]:
    """Return the servers, by their names, where no client gets a session."""
    return {name: replace(server, sessions=False) for name, server in servers.items()}
