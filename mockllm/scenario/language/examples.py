"""`examples`: the tests of a scenario file, run by `mockllm test` and read by `mockllm explain`."""

import re
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)

from mockllm.core.quantities.types import Duration, quantity_error
from mockllm.scenario.language.base import NullableSpec, Spec
from mockllm.scenario.language.conditions import (
    JsonCondition,
    JsonPathText,
    NameCondition,
    NumberCondition,
    TextCondition,
)
from mockllm.scenario.language.error import known_error
from mockllm.scenario.language.match import Match
from mockllm.scenario.language.settings import known_fault


def _form(value: object) -> str:
    return "mapping" if isinstance(value, (dict, Spec)) else "value"


class ToolSpec(Spec):
    """An offered tool."""

    name: str
    """The name of the tool."""
    description: str | None = None
    """The purpose of the tool."""
    parameters: dict[str, JsonValue] | None = None
    """The JSON Schema of the tool's arguments; any object by default."""


class NamedTool(Spec):
    """The tool that the model must call."""

    name: str
    """The name of the tool."""


class SchemaSpec(Spec):
    """A response format with a JSON Schema."""

    schema_: dict[str, JsonValue] = Field(alias="schema")
    """The JSON Schema."""
    name: str | None = None
    """The name of the schema, if the provider has one."""


NEUTRAL_KEYS = (
    *("model", "user", "system", "messages", "tools", "tool_choice", "response_format"),
    *("max_tokens", "stop", "n", "stream", "mcp"),
)
"""Keys that a raw body replaces."""


class McpRequestSpec(Spec):
    """A call of an MCP server: of a tool, a prompt, a resource, or any other method."""

    server: str
    """The name of the server."""
    tool: str | None = None
    """The name of the tool to call."""
    prompt: str | None = None
    """The name of the prompt to get."""
    resource: str | None = None
    """The address of the resource to read."""
    method: str | None = None
    """Any other method, such as `tools/list`."""
    arguments: dict[str, JsonValue] | None = None
    """The arguments of the tool or the prompt."""
    responses: dict[str, JsonValue] | None = None
    """The client's responses to the questions of the server, by name."""
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """Further params, as written."""

    @property
    def called(self) -> tuple[str | None, str]:
        """What is called (None: a method), and its name."""
        words = ("tool", "prompt", "resource")
        word = next((word for word in words if getattr(self, word) is not None), None)
        return word, str(self.method if word is None else getattr(self, word))

    @model_validator(mode="after")
    def one(self) -> Self:
        named = [word for word in ("tool", "prompt", "resource", "method") if word in self.model_fields_set]
        if len(named) != 1:
            raise quantity_error("a call has one of tool, prompt, resource, method")
        return self


class RequestSpec(Spec):
    """A request in neutral form, sent in each provider's wire format; or raw, by `path` and `body`."""

    provider: str | list[str] | None = None
    """The provider, openai by default; with a list, the example runs once for each."""
    api: str | None = None
    """The API call, if it is not the provider's default call."""
    model: str | None = None
    """The model; the provider's default model by default."""
    user: str | None = None
    """The last user message; `hi` by default."""
    system: str | None = None
    """The system text."""
    messages: list[dict[str, JsonValue]] | None = None
    """The whole history in the provider's own form, in place of `user`."""
    tools: (
        list[
            Annotated[
                Annotated[str, Tag("value")] | Annotated[ToolSpec, Tag("mapping")], Discriminator(_form)
            ]
        ]
        | None
    ) = None
    """Offered tools: names, or `{name, description, parameters}`."""
    tool_choice: (
        Annotated[
            Annotated[Literal["auto", "none", "any"], Tag("value")] | Annotated[NamedTool, Tag("mapping")],
            Discriminator(_form),
        ]
        | None
    ) = None
    """auto, none, any, or `{name: …}`."""
    response_format: (
        Annotated[
            Annotated[Literal["text", "json"], Tag("value")] | Annotated[SchemaSpec, Tag("mapping")],
            Discriminator(_form),
        ]
        | None
    ) = None
    """text, json, or `{schema, name}`."""
    max_tokens: int | None = None
    """The maximum number of tokens of the response."""
    stop: list[str] | None = None
    """Texts that end the response."""
    n: int | None = None
    """The number of choices."""
    stream: bool | None = None
    """Whether to request a stream."""
    api_key: str | None = None
    """The API key, sent as the provider's clients send it."""
    session: str | None = None
    """The id of the session."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers, by name."""
    query: dict[str, str] = Field(default_factory=dict)
    """Query parameters, by name."""
    method: str | None = None
    """The HTTP method, if it is not POST."""
    mcp: McpRequestSpec | None = None
    """A call of an MCP server, in place of a request to a model."""
    path: str | None = None
    """The path of a raw request."""
    body: JsonValue = None
    """The raw body: JSON, or a text that is sent unchanged."""

    @model_validator(mode="after")
    def one_form(self) -> Self:
        raw = sorted(self.model_fields_set & {"path", "body"})
        neutral = [name for name in NEUTRAL_KEYS if name in self.model_fields_set]
        if raw and neutral:
            hint = f"write it into the body, or leave out {raw[-1]}"
            raise quantity_error(f"{neutral[0]} is not allowed in a raw request: {hint}")
        if self.messages is not None and self.user is not None:
            raise quantity_error("write messages or user, not both")
        return self

    @field_validator("provider", "api")
    @classmethod
    def known_name(cls, value: object, info: ValidationInfo) -> object:
        """Reject a name that the server does not have."""
        known_names = (info.context or {}).get("known_names")
        for name in value if isinstance(value, list) else [value]:
            unknown = (
                known_names and name is not None and known_names.unknown_name_error(info.field_name, name)
            )
            if unknown:
                raise quantity_error(unknown)
        if value == []:
            raise quantity_error("write at least one provider")
        return value


def _arguments_form(value: object) -> str:
    """Return the form of expected arguments. An empty object is a value: a call without arguments."""
    paths = isinstance(value, dict) and value and all(str(key).startswith("$") for key in value)
    return "paths" if paths else "value"


class CallExpectation(Spec):
    """An expected tool call."""

    name: NameCondition | None = None
    """The name of the tool."""
    arguments: Annotated[
        Annotated[dict[JsonPathText, JsonCondition], Tag("paths")] | Annotated[JsonValue, Tag("value")],
        Discriminator(_arguments_form),
    ] = None
    """Exactly these arguments; or JSONPaths into them, each with a condition."""


class TookOperators(Spec):
    """Bounds of a duration; all of them must be met."""

    gt: Duration | None = None
    """Longer than."""
    gte: Duration | None = None
    """At least."""
    lt: Duration | None = None
    """Shorter than."""
    lte: Duration | None = None
    """At most."""


Took: TypeAlias = Annotated[
    Annotated[Duration, Tag("value")] | Annotated[TookOperators, Tag("mapping")], Discriminator(_form)
]


class UsageExpectation(NullableSpec):
    """Expected token counts, counted in the same way for every provider."""

    input_tokens: NumberCondition | None = None
    """All tokens of the prompt, cached or not."""
    output_tokens: NumberCondition | None = None
    """All tokens of the response, reasoning included."""
    cached_tokens: NumberCondition | None = None
    """The input tokens that were read from the cache."""
    cache_write_tokens: NumberCondition | None = None
    """The input tokens that were written to the cache."""
    reasoning_tokens: NumberCondition | None = None
    """The output tokens of the reasoning."""


def _chunks_form(value: object) -> str:
    return "texts" if isinstance(value, list) and all(isinstance(item, str) for item in value) else "number"


class ExpectSpec(NullableSpec):
    """The expected response; every key is checked. Null means that the value must not exist."""

    rule: TextCondition | None = None
    """The name or id of the rule; null for an unmatched request."""
    modifier: NameCondition | None = None
    """The name or id of a modifier that was applied; null if none was."""
    status: NumberCondition | None = None
    """The HTTP status."""
    text: TextCondition | None = None
    """The text of the response; outside every protocol the body as it is."""
    thinking: TextCondition | None = None
    """The reasoning, if the protocol has it."""
    tool_calls: list[CallExpectation] | None = None
    """`{name, arguments}` of each call, in order."""
    refusal: TextCondition | None = None
    """The text of a refusal."""
    finish_reason: TextCondition | None = None
    """The neutral finish reason: stop, length, tool_calls, content_filter, refusal."""
    error: TextCondition | None = None
    """The neutral name of the error."""
    usage: UsageExpectation | None = None
    """The token counts that the response reports."""
    headers: dict[str, TextCondition] | None = None
    """Response headers by name; case does not count in a name."""
    chunks: (
        Annotated[
            Annotated[list[str], Tag("texts")] | Annotated[NumberCondition, Tag("number")],
            Discriminator(_chunks_form),
        ]
        | None
    ) = None
    """The number of chunks of a stream, or exactly these chunks."""
    faults: list[Annotated[str, AfterValidator(known_fault)]] | None = None
    """The faults that were applied, in order."""
    took: Took | None = None
    """The exact duration on the virtual clock; or `{gte: 1s, lt: 2s}`."""
    body: dict[JsonPathText, JsonCondition] | None = None
    """JSONPaths into the body of a non-streaming response."""

    @field_validator("error", mode="before")
    @classmethod
    def known_errors(cls, condition: object) -> object:
        """Reject a name that no error has, and a status."""
        for name in condition if isinstance(condition, list) else [condition]:
            if re.fullmatch(r"[45]\d\d", str(name)):
                raise quantity_error(f"an error has a name; for its status write status: {name}")
            if isinstance(name, str):
                known_error(name)
        return condition

    @field_validator("body")
    @classmethod
    def several_nodes(cls, body: dict[str, JsonCondition] | None) -> dict[str, JsonCondition] | None:
        """Require a quantifier for a path that can select several nodes, as in a match."""
        return Match.several_nodes(body)


class ExampleStep(Spec):
    """One request of several."""

    request: RequestSpec = Field(default_factory=RequestSpec)
    """The request to send."""
    expect: ExpectSpec = Field(default_factory=ExpectSpec)
    """The expected response."""
    after: Duration | None = None
    """The time between the previous response and this request."""


class ExampleSpec(ExampleStep):
    """One example: a request and the expected response, or several steps on the same state."""

    name: str | None = None
    """The name of the example."""
    steps: Annotated[list[ExampleStep], Field(min_length=1)] | None = None
    """Several requests in turn."""
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    """Values of the pack's parameters, for this example."""

    @model_validator(mode="after")
    def one_form(self) -> Self:
        if self.steps is not None and {"request", "expect", "after"} & self.model_fields_set:
            raise quantity_error("write steps, or request and expect, not both")
        return self
