"""`match`: the conditions of a rule or modifier on a request. All of them must be met."""

import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo, field_validator

from mockllm.core.json.jsonpath import compile_path
from mockllm.core.quantities.types import quantity_error
from mockllm.scenario.language.base import Late, ReadLate, Spec
from mockllm.scenario.language.conditions import (
    JsonCondition,
    JsonOperators,
    JsonPathText,
    NameCondition,
    NumberCondition,
    TextCondition,
    TruthCondition,
)


def _named(value: object) -> str:
    if isinstance(value, list):
        return "list"
    return "named" if isinstance(value, (dict, Spec)) else "value"


_PERCENT: Final = re.compile(r"-?\d+(\.\d+)?%")


def _number(value: object) -> object:
    """Read a whole number as a float."""
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        raise quantity_error(
            f'expected a number, found the text "{value}"; write {float(value[:-1]) / 100:g}'
        )
    return float(value) if type(value) is int else value


class Named(Spec):
    """A condition on a name."""

    name: NameCondition
    """The name."""


ToolChoiceMode: TypeAlias = Literal["auto", "none", "any", "named"]
ChoiceCondition: TypeAlias = Annotated[
    Annotated[ToolChoiceMode, Tag("value")]
    | Annotated[list[ToolChoiceMode], Tag("list")]
    | Annotated[Named, ReadLate(), Tag("named")],
    Discriminator(_named),
]
ResponseFormatKind: TypeAlias = Literal["text", "json", "schema"]
FormatCondition: TypeAlias = Annotated[
    Annotated[ResponseFormatKind, Tag("value")]
    | Annotated[list[ResponseFormatKind], Tag("list")]
    | Annotated[Named, ReadLate(), Tag("named")],
    Discriminator(_named),
]


class ToolResultMatch(Spec):
    """Conditions on the tool results after the last assistant turn; one result must meet all of them."""

    name: NameCondition | None = None
    """The tool's name; found by the call's id where the protocol sends only the id."""
    id: TextCondition | None = None
    """The call's id."""
    text: TextCondition | None = None
    """The result as text."""
    json_: dict[JsonPathText, JsonCondition] | None = Field(None, alias="json")
    """JSONPaths into the result if the result is JSON."""
    is_error: bool | None = None
    """Whether the client marked the result as an error."""
    exists: bool | None = None
    """Whether the request has any tool result."""


class MessageMatch(Spec):
    """Conditions on one message."""

    role: TextCondition | None = None
    """system, user, assistant or tool."""
    text: TextCondition | None = None
    """The text parts of the message, joined by a newline."""


class MessagesMatch(Spec):
    """Conditions on the whole history."""

    some: MessageMatch | None = None
    """At least one message meets these conditions."""
    each: MessageMatch | None = None
    """Every message meets these conditions."""
    length: NumberCondition | None = None
    """A condition on the number of messages."""


class SimilarMatch(Spec):
    """A text that the person's own last text is similar to."""

    to: str
    """The text."""
    at_least: Annotated[float, BeforeValidator(_number), Field(ge=-1, le=1)]
    """The least cosine of the two texts' vectors, which an embeddings call returns: 1 for equal texts."""


class McpMatch(Spec):
    """Conditions on a call to an MCP server."""

    server: NameCondition | None = None
    """The name of the server: the last part of its path."""
    method: NameCondition | None = None
    """The method: tools/call, tools/list, initialize …"""
    tool: NameCondition | None = None
    """The name of the called tool."""
    arguments: dict[JsonPathText, JsonCondition] | None = None
    """JSONPaths into the arguments of a tool or a prompt, or into the values of a resource's template."""
    resource: NameCondition | None = None
    """The address of the resource to read."""
    prompt: NameCondition | None = None
    """The name of the prompt to get."""
    client: NameCondition | None = None
    """The name of the client, where the request has it."""
    protocol: NameCondition | None = None
    """The version of the protocol."""
    responses: dict[JsonPathText, JsonCondition] | None = None
    """JSONPaths into the client's responses to the questions of the server: `$.NAME.action`."""


_PARTS = frozenset(
    {"query", "headers", "form", "similar", "body", "messages", "tool_result", "mcp", "all", "any", "not_"}
)
"""Fields with keys of their own below them."""


class Match(Spec):
    """Conditions on a request. All of them must be met; an empty match matches every request."""

    method: TextCondition | None = None
    """The HTTP method, in capitals."""
    path: NameCondition | None = None
    """The path, without a session or provider prefix; `*` also matches `/`."""
    query: dict[str, TextCondition] | None = None
    """Query parameters by name."""
    headers: dict[str, TextCondition] | None = None
    """Headers by name; case does not count in a name."""
    form: dict[str, TextCondition] | None = None
    """Fields of a form (multipart or URL-encoded) by name; of a file its name."""
    host: TextCondition | None = None
    """The Host header."""
    api_key: TextCondition | None = None
    """The API key, from the header or parameter that the provider uses."""
    session: TextCondition | None = None
    """The id of the session."""
    hash: TextCondition | None = None
    """The stable hash of the request, as `mockllm explain` and the lines of `serve --verbose` show it."""
    provider: NameCondition | None = None
    """The provider or vendor: openai, anthropic …"""
    dialect: NameCondition | None = None
    """The dialect, which is the protocol of the request: openai, anthropic …"""
    api: NameCondition | None = None
    """The API call: chat, messages, models …"""
    model: NameCondition | None = None
    """The requested model; a bare text is a glob such as `gpt-4*`."""
    stream: TruthCondition | None = None
    """Whether the client requested a stream."""
    system: TextCondition | None = None
    """The system text."""
    user: TextCondition | None = None
    """The text of the last user message."""
    typed: TextCondition | None = None
    """The person's own last text: `user` without the blocks and quotes that agents add."""
    similar: Late[SimilarMatch] | None = None
    """A text that `typed` is similar to, by the vectors of an embeddings call."""
    messages: Late[MessagesMatch] | None = None
    """The whole history."""
    thinking_returned: TruthCondition | None = None
    """Whether the last assistant turn contains the model's thinking; absent where there is no assistant turn."""
    turn: NumberCondition | None = None
    """1 plus the number of assistant turns."""
    tools: NameCondition | None = None
    """The names of the offered tools; one matching name is enough."""
    uncalled: NameCondition | None = None
    """The offered tools that the model may call and that no turn has called since the last user message."""
    mentioned: NameCondition | None = None
    """The uncalled tools that the person's last text mentions by their names, or by words of them."""
    tool_choice: ChoiceCondition | None = None
    """The client's choice of tools: auto, none, any, named, or {name: …}."""
    tool_result: Late[ToolResultMatch] | None = None
    """The tool results since the last assistant turn."""
    mcp: Late[McpMatch] | None = None
    """A call to an MCP server: its server, method, tool, arguments, resource or prompt."""
    has_image: TruthCondition | None = None
    """Whether any message contains an image."""
    response_format: FormatCondition | None = None
    """The requested response format: text, json, schema, or {name: …}."""
    input_tokens: NumberCondition | None = None
    """The estimated number of tokens in the prompt."""
    body: dict[JsonPathText, JsonCondition] | None = None
    """JSONPaths into the body, each with a condition."""
    raw_body: TextCondition | None = None
    """The bytes of the body as text."""
    all: "list[Match] | None" = None
    """All of these matches match the request."""
    any: "list[Match] | None" = None
    """At least one of these matches matches the request."""
    not_: "Match | None" = Field(None, alias="not")
    """This match does not match the request."""

    @field_validator("*", mode="before")
    @classmethod
    def not_null(cls, value: object, info: ValidationInfo) -> object:
        """Reject a key without a value, which would match every request."""
        if value is None:
            absent = "" if info.field_name in _PARTS else "write {exists: false} to match its absence, or "
            raise quantity_error(f"this key has no value; {absent}leave the key out")
        return value

    @field_validator("body")
    @classmethod
    def several_nodes(cls, body: dict[str, JsonCondition] | None) -> dict[str, JsonCondition] | None:
        """Require a quantifier for a path that can select several nodes."""
        for path, condition in (body or {}).items():
            if not compile_path(path).singular and not _quantified(condition):
                forms = "{some: …} or {each: …}"
                raise quantity_error(f"{path} can select several nodes; write how many must match: {forms}")
        return body

    @field_validator("provider", "dialect", "api")
    @classmethod
    def known_name(cls, condition: object, info: ValidationInfo) -> object:
        """Reject a name that the server does not have, because such a condition can never be met."""
        known_names = (info.context or {}).get("known_names")
        if known_names is None:
            return condition
        for name in _literals(condition):
            unknown = known_names.unknown_name_error(info.field_name, name)
            if unknown is not None:
                raise quantity_error(unknown)
        return condition


def _quantified(condition: object) -> bool:
    quantifiers = {"some", "each", "exists", "length", "schema_"}
    return isinstance(condition, JsonOperators) and set() < condition.model_fields_set <= quantifiers


def _literals(condition: object) -> Iterator[str]:
    if isinstance(condition, str):
        if not set("*?[") & set(condition):
            yield condition
    elif isinstance(condition, list):
        for alternative in condition:
            yield from _literals(alternative)
