"""`mcp`: servers of the Model Context Protocol, with their tools, resources and prompts."""

import re
from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Self, TypeAlias

from pydantic import (
    BeforeValidator,
    Field,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mockllm.core.json.codec import Json
from mockllm.core.quantities.types import quantity_error
from mockllm.core.request.mcp_server import (
    McpServer,
    PromptArgument,
    ServedPrompt,
    ServedResource,
    ServedTool,
    ServerAuthorization,
    ServerMessage,
)
from mockllm.core.values.strict_model import refuse_null
from mockllm.core.values.types import Duration, TemplatedJson
from mockllm.scenario.known_names import KnownNames
from mockllm.scenario.language.base import ReadLate, Spec, no_items
from mockllm.scenario.language.content import GeneratedText
from mockllm.scenario.language.mcp_reply import PromptMessage
from mockllm.scenario.language.media import Image
from mockllm.scenario.language.reply import ReplyOrText

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
NonEmptyText: TypeAlias = Annotated[str, StringConstraints(min_length=1)]
OPEN_OBJECT: Final[dict[str, Json]] = {"type": "object"}


def _schema(value: object) -> object:
    """Read a mapping of properties without `type` as it is; a schema of an input is one of an object."""
    return {"type": "object", **value} if isinstance(value, dict) and "type" not in value else value


def _named(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


class McpToolSpec(Spec):
    """A tool."""

    name: NonEmptyText
    """Its name."""
    title: str | None = None
    """Its name for people."""
    description: str | None = None
    """What it does, for the model."""
    input: Annotated[dict[str, JsonValue], BeforeValidator(_schema)] = Field(
        default_factory=lambda: dict(OPEN_OBJECT)
    )
    """The JSON Schema of its arguments; any object by default."""
    output: dict[str, JsonValue] | None = None
    """The JSON Schema of its structured results."""
    annotations: dict[str, JsonValue] = Field(default_factory=dict)
    """Hints such as `readOnlyHint`, as written."""
    extras: dict[str, JsonValue] = Field(default_factory=dict)
    """Further members of its definition, as written."""
    reply: ReplyOrText | None = None
    """The result where no rule matches the call."""

    @property
    def served(self) -> ServedTool:
        values = (self.name, self.input, self.title, self.description, self.output)
        return ServedTool(*values, self.annotations, self.extras)


class McpResourceSpec(Spec):
    """A resource, or with `uri_template` a family of resources."""

    uri: NonEmptyText | None = None
    """Its address."""
    uri_template: NonEmptyText | None = None
    """The addresses of a family: `{name}` is one segment, `{+name}` also for several. The values are
    `mcp.arguments.NAME` in templates."""
    name: str | None = None
    """Its name; the address by default."""
    title: str | None = None
    """Its name for people."""
    description: str | None = None
    """What it is."""
    mime_type: str | None = None
    """Its media type."""
    extras: dict[str, JsonValue] = Field(default_factory=dict)
    """Further members of its definition, as written."""
    text: GeneratedText | None = None
    """The content where no rule matches."""
    json_: TemplatedJson[JsonValue] = Field(None, alias="json")
    """The content as JSON."""
    blob: Image | None = None
    """The content as bytes: a file, or `{data: …}` in base64."""

    @model_validator(mode="after")
    def one(self) -> Self:
        if (self.uri is None) == (self.uri_template is None):
            raise PydanticCustomError("resource", "a resource has one of uri and uri_template")
        if len(self.model_fields_set & CONTENTS) > 1:
            raise PydanticCustomError("resource", "the content is one of text, json, blob")
        return self

    @property
    def address(self) -> str:
        return self.uri or self.uri_template or ""

    @property
    def served(self) -> ServedResource:
        values = (self.address, self.name or self.address, self.uri is None, self.title, self.description)
        return ServedResource(*values, self.mime_type, self.extras)


CONTENTS: Final = frozenset({"text", "json_", "blob"})


class McpArgumentSpec(Spec):
    """An argument of a prompt."""

    name: NonEmptyText
    """Its name."""
    description: str | None = None
    """What it is."""
    required: bool = False
    """Whether the client must give it."""
    values: list[str] = Field(default_factory=no_items)
    """The values that a client may complete to."""


McpArgumentOrName: TypeAlias = Annotated[McpArgumentSpec, ReadLate(_named, str)]


class McpPromptSpec(Spec):
    """A prompt."""

    name: NonEmptyText
    """Its name."""
    title: str | None = None
    """Its name for people."""
    description: str | None = None
    """What it is for."""
    arguments: list[McpArgumentOrName] = Field(default_factory=no_items)
    """Its arguments; a bare text is a name."""
    extras: dict[str, JsonValue] = Field(default_factory=dict)
    """Further members of its definition, as written."""
    messages: list[PromptMessage] = Field(default_factory=no_items)
    """Its messages where no rule matches; a bare text is one of the user."""

    @property
    def served(self) -> ServedPrompt:
        arguments = tuple(
            PromptArgument(each.name, each.description, each.required, tuple(each.values))
            for each in self.arguments
        )
        return ServedPrompt(self.name, arguments, self.title, self.description, self.extras)


class McpMessageSpec(Spec):
    """A message that the server sends without a request."""

    method: NonEmptyText
    """Its method, such as `notifications/tools/list_changed`."""
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """Its params."""
    wait: Duration = 0.0
    """The time since the message before it, or since the stream began."""


class McpOAuthSpec(Spec):
    """The authorization server beside an MCP server, which lets everybody in."""

    scopes: list[str] = Field(default_factory=no_items)
    """The scopes that it names."""
    expires: Duration = 3600.0
    """How long a token is valid."""

    @property
    def authorization(self) -> ServerAuthorization:
        return ServerAuthorization(tuple(self.scopes), self.expires)


def _oauth(value: object) -> object:
    return {} if value is True else None if value is False else refuse_null(value)


OAuth: TypeAlias = Annotated[
    McpOAuthSpec | None, BeforeValidator(_oauth, json_schema_input_type=bool | McpOAuthSpec)
]
McpToolOrName: TypeAlias = Annotated[McpToolSpec, ReadLate(_named, str)]


class McpServerSpec(Spec):
    """A server of the Model Context Protocol, at the path `/mcp/NAME`."""

    null_fields = ("oauth",)

    name: str
    """Its name, and the last part of its path."""
    title: str | None = None
    """Its name for people."""
    version: str = "1.0.0"
    """Its version."""
    instructions: str | None = None
    """How to use it, for the model."""
    tools: list[McpToolOrName] = Field(default_factory=no_items)
    """Its tools; a bare text is a name."""
    resources: list[McpResourceSpec] = Field(default_factory=no_items)
    """Its resources and families of resources."""
    prompts: list[McpPromptSpec] = Field(default_factory=no_items)
    """Its prompts."""
    protocols: Annotated[list[str], Field(min_length=1)] | None = None
    """The versions of the protocol that it speaks; all by default."""
    page: Annotated[int, Field(ge=1)] | None = None
    """How many entries one page of a list has; all by default."""
    sessions: bool = True
    """Whether clients of the older versions get a session, and must name it."""
    tasks: bool = False
    """Whether it supports the extension for tasks: `task` of a reply needs it."""
    oauth: OAuth = None
    """Whether its clients need a token, which they get by OAuth."""
    messages: list[McpMessageSpec] = Field(default_factory=no_items)
    """What it sends without a request, to each client that listens."""
    extras: dict[str, JsonValue] = Field(default_factory=dict)
    """Further members of its description, as written."""
    enabled: bool = True
    """Off if false; a condition on the pack's parameters is evaluated when the file is loaded."""

    @field_validator("protocols")
    @classmethod
    def known_versions(cls, protocols: list[str] | None, info: ValidationInfo) -> list[str] | None:
        """Reject a version that the protocol does not have, because no client can connect with it."""
        known_names: KnownNames = (info.context or {}).get("known_names") or KnownNames()
        for version in protocols or ():
            unknown = known_names.unknown_version_error(version)
            if unknown is not None:
                raise quantity_error(unknown)
        return protocols

    @model_validator(mode="after")
    def named(self) -> Self:
        if not NAME.match(self.name):
            raise quantity_error(
                f'"{self.name}" is no part of a path: a name has letters, digits, dots, - and _'
            )
        for kind in ("tools", "prompts"):
            _unique(kind, [each.name for each in getattr(self, kind)])
        _unique("resources", [each.address for each in self.resources])
        return self

    @property
    def server(self) -> McpServer:
        """The server as the core's type."""
        return McpServer(
            self.name,
            self.title,
            self.version,
            self.instructions,
            tuple(tool.served for tool in self.tools),
            tuple(resource.served for resource in self.resources),
            tuple(prompt.served for prompt in self.prompts),
            None if self.protocols is None else tuple(self.protocols),
            self.page,
            self.sessions,
            tuple(ServerMessage(each.method, each.params, each.wait) for each in self.messages),
            self.extras,
            self.tasks,
            None if self.oauth is None else self.oauth.authorization,
        )

    priority: ClassVar[int] = 0
    fallback: ClassVar[int] = 2  # its own replies come after every fallback rule
    replaces: ClassVar[None] = None


def _unique(kind: str, names: list[str]) -> None:
    for name in _repeated(names):
        raise quantity_error(f'"{name}" is listed twice in {kind}')


def _repeated(names: list[str]) -> Iterator[str]:
    return (name for number, name in enumerate(names) if name in names[:number])
