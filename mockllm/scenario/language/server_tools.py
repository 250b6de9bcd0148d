"""Tools that the provider itself runs, as parts of a reply: the model's input for them and their results."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.values.types import Templated, TemplatedJson
from mockllm.scenario.language.base import Late, Spec, no_items, short_form


class ProviderToolSpec(Spec):
    """What all tools have that the provider runs within a response."""

    error: Templated[str] | None = None
    """The code of the error in place of a result, such as `unavailable`."""
    pending: bool = False
    """Whether the use has no result yet: the next response of the conversation begins with it."""


class WebSourceSpec(Spec):
    """A page that a search found."""

    null_fields = ("page_age",)  # as Anthropic writes it for many pages

    url: Templated[str]
    """The address of the page."""
    title: Templated[str] | None = None
    """The title of the page; its address by default."""
    page_age: Templated[str] | None = None
    """When the page was changed, as Anthropic writes it: `3 days ago`."""


class WebSearchSpec(ProviderToolSpec):
    """A search of the web, or a page that was opened or searched."""

    query: Templated[str] | None = None
    """What is searched for."""
    sources: list[Annotated[WebSourceSpec, short_form("url")]] = Field(default_factory=no_items)
    """The pages that were found: addresses, or `{url, title, page_age}`."""
    open: Templated[str] | None = None
    """The address of a page that is opened, in place of a search."""
    find: Templated[str] | None = None
    """The words that are searched for in the opened page."""

    @model_validator(mode="after")
    def one_action(self) -> Self:
        if (self.query is None) == (self.open is None):
            raise PydanticCustomError("web_search", "a web search has one of query and open")
        return self


class WebFetchSpec(ProviderToolSpec):
    """A page that was fetched."""

    url: Templated[str]
    """The address of the page."""
    title: Templated[str] | None = None
    """The title of the page."""
    text: Templated[str] = ""
    """The text of the page."""


class FileSearchSpec(Spec):
    """A search in files that the client uploaded."""

    query: Templated[str]
    """What is searched for."""
    results: TemplatedJson[list[dict[str, JsonValue]]] | None = None
    """The results: objects with `filename`, `text`, `file_id`, `attributes` and the rank of OpenAI. Without this key
    they come from the vector stores that the request names."""


class CodeInterpreterSpec(ProviderToolSpec):
    """Code that the provider runs."""

    code: Templated[str]
    """The code."""
    logs: Templated[str] | None = None
    """What the code printed."""
    stderr: Templated[str] | None = None
    """What the code printed to its error output."""
    return_code: int = 0
    """The exit code."""
    files: list[Templated[str]] = Field(default_factory=no_items)
    """The ids of the files that the code made."""
    images: list[Templated[str]] = Field(default_factory=no_items)
    """The addresses of the images that the code made."""
    container: Templated[str] | None = None
    """The id of the container that runs the code, in place of a generated one."""


class BashSpec(ProviderToolSpec):
    """A command that the provider runs in a shell."""

    command: Templated[str]
    """The command."""
    stdout: Templated[str] | None = None
    """What the command printed."""
    stderr: Templated[str] | None = None
    """What the command printed to its error output."""
    return_code: int = 0
    """The exit code."""
    files: list[Templated[str]] = Field(default_factory=no_items)
    """The ids of the files that the command made."""


class TextEditorSpec(ProviderToolSpec):
    """A file that the provider shows, writes or changes."""

    command: Literal["view", "create", "str_replace"]
    """What is done."""
    path: Templated[str]
    """The path of the file."""
    text: Templated[str] = ""
    """The text of the file that is shown or written."""
    old: Templated[str] = ""
    """The text that is replaced."""
    new: Templated[str] = ""
    """The text in its place."""


class ToolSearchSpec(ProviderToolSpec):
    """A search among the tools that the request defers."""

    query: Templated[str]
    """What is searched for."""
    tools: list[Templated[str]] = Field(default_factory=no_items)
    """The names of the tools that were found."""
    by: Literal["words", "regex"] = "words"
    """Whether the query is words or a regular expression."""


class AdvisorSpec(ProviderToolSpec):
    """The advice of another model."""

    text: Templated[str] = ""
    """The advice."""


class ComputerSpec(Spec):
    """Actions on a computer that the client carries out and responds to with a screenshot."""

    actions: TemplatedJson[list[dict[str, JsonValue]]]
    """The actions as the provider writes them: `{type: click, x: 1, y: 2, button: left}`."""
    safety_checks: TemplatedJson[list[dict[str, JsonValue]]] = Field(default_factory=no_items)
    """The warnings that the client has to acknowledge."""
    id: Templated[str] | None = None
    """The id of the call, in place of a generated one."""


class McpSpec(Spec):
    """A call of a tool of an MCP server, which the provider makes."""

    server: Templated[str]
    """The label of the server."""
    tool: Templated[str]
    """The name of the tool."""
    arguments: TemplatedJson[JsonValue] = Field(default_factory=dict)
    """The arguments: an object, or a text that is sent unchanged."""
    output: TemplatedJson[JsonValue] = None
    """What the tool returned: a text, or a JSON value."""
    error: Templated[str] | None = None
    """Why the call failed, in place of an output."""
    approval: bool = False
    """Whether the client has to approve the call: until it does, the reply ends with the question."""


class McpToolsSpec(Spec):
    """The tools that an MCP server offers."""

    server: Templated[str]
    """The label of the server."""
    tools: TemplatedJson[list[dict[str, JsonValue]]] = Field(default_factory=no_items)
    """The tools: objects with `name`, `description` and `input_schema`."""


class ServerToolSpec(Spec):
    """One use of a tool that the provider runs, sent if the protocol has it."""

    web_search: Annotated[WebSearchSpec, short_form("query")] | None = None
    """A search of the web; a bare text is the query."""
    web_fetch: Annotated[WebFetchSpec, short_form("url")] | None = None
    """A page that is fetched; a bare text is its address."""
    file_search: Annotated[FileSearchSpec, short_form("query")] | None = None
    """A search in uploaded files; a bare text is the query."""
    code_interpreter: Annotated[CodeInterpreterSpec, short_form("code")] | None = None
    """Code that is run; a bare text is the code."""
    bash: Annotated[BashSpec, short_form("command")] | None = None
    """A command that is run in a shell; a bare text is the command."""
    text_editor: TextEditorSpec | None = None
    """A file that is shown, written or changed."""
    tool_search: Annotated[ToolSearchSpec, short_form("query")] | None = None
    """A search among deferred tools; a bare text is the query."""
    advisor: Annotated[AdvisorSpec, short_form("text")] | None = None
    """The advice of another model; a bare text is the advice."""
    computer: ComputerSpec | None = None
    """Actions on a computer of the client."""
    mcp: McpSpec | None = None
    """A call of a tool of an MCP server."""
    mcp_tools: McpToolsSpec | None = None
    """The list of an MCP server's tools."""

    @model_validator(mode="before")
    @classmethod
    def one_tool(cls, value: object) -> object:
        if isinstance(value, dict) and len(value) != 1:
            raise PydanticCustomError("server_tool", "a server tool is one of {names}", {"names": NAMES})
        return value


SERVER_TOOL_SPECS: Mapping[str, type[Spec]] = {
    "web_search": WebSearchSpec,
    "web_fetch": WebFetchSpec,
    "file_search": FileSearchSpec,
    "code_interpreter": CodeInterpreterSpec,
    "bash": BashSpec,
    "text_editor": TextEditorSpec,
    "tool_search": ToolSearchSpec,
    "advisor": AdvisorSpec,
    "computer": ComputerSpec,
    "mcp": McpSpec,
    "mcp_tools": McpToolsSpec,
}
"""By the name of the tool."""
NAMES = ", ".join(ServerToolSpec.model_fields)
ServerTools: TypeAlias = list[Late[ServerToolSpec]]
