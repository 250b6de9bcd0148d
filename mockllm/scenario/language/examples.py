"""`examples`: a file's own tests, run by `mockllm test` and read by `mockllm explain`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, JsonValue, Tag, ValidationInfo, field_validator, model_validator

from mockllm.core.quantities.types import Duration, quantity_error
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.conditions import (
    JsonCondition,
    JsonPathText,
    NameCondition,
    NumberCondition,
    TextCondition,
)
from mockllm.scenario.language.match import Match


def _form(value: Any) -> str:
    return "mapping" if isinstance(value, (dict, Spec)) else "value"


class ToolSpec(Spec):
    """A tool that is offered."""

    name: str
    """Its name."""
    description: str | None = None
    """What it is for."""
    parameters: dict[str, JsonValue] | None = None
    """The JSON Schema of its arguments; any object where nothing is said."""


class NamedTool(Spec):
    """The tool that must be called."""

    name: str
    """Its name."""


class SchemaSpec(Spec):
    """An answer by a JSON Schema."""

    schema_: dict[str, JsonValue] = Field(alias="schema")
    """The JSON Schema."""
    name: str | None = None
    """What it is called, where the provider names it."""


NEUTRAL = (
    *("model", "user", "system", "messages", "tools", "tool_choice", "response_format"),
    *("max_tokens", "stop", "n", "stream"),
)
"""What a body written by hand takes the place of."""


class RequestSpec(Spec):
    """A request in neutral words, written in each provider's wire format; or raw, by `path` and `body`."""

    provider: str | list[str] | None = None
    """openai where nothing is said; of a list, each is run."""
    api: str | None = None
    """The call, where it is not the provider's usual one."""
    model: str | None = None
    """The provider's usual one where nothing is said."""
    user: str | None = None
    """The last user message; `hi` where nothing is said."""
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
    """The most tokens that the answer may have."""
    stop: list[str] | None = None
    """Texts that end the answer."""
    n: int | None = None
    """How many choices."""
    stream: bool | None = None
    """Whether the answer is to be streamed."""
    api_key: str | None = None
    """The key, sent as the provider's clients send it."""
    session: str | None = None
    """The session's id."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Further headers, by name."""
    query: dict[str, str] = Field(default_factory=dict)
    """Query parameters, by name."""
    method: str | None = None
    """The HTTP method, where it is not POST."""
    path: str | None = None
    """A raw request to this path."""
    body: JsonValue = None
    """The raw body: JSON, or a text as it is."""

    @model_validator(mode="after")
    def one_form(self) -> RequestSpec:
        raw = sorted(self.model_fields_set & {"path", "body"})
        given = [name for name in NEUTRAL if name in self.model_fields_set]
        if raw and given:
            hint = f"write it into the body, or leave out {raw[-1]}"
            raise quantity_error(f"{given[0]} has no place in a raw request: {hint}")
        if self.messages is not None and self.user is not None:
            raise quantity_error("give messages or user, not both")
        return self

    @field_validator("provider", "api")
    @classmethod
    def spoken(cls, value: Any, info: ValidationInfo) -> Any:
        """A name that the server does not speak cannot be asked."""
        vocabulary = (info.context or {}).get("vocabulary")
        for name in value if isinstance(value, list) else [value]:
            unknown = vocabulary and name is not None and vocabulary.unknown(info.field_name, name)
            if unknown:
                raise quantity_error(unknown)
        if value == []:
            raise quantity_error("name one provider at least")
        return value


def _arguments_form(value: Any) -> str:
    """An empty object is no paths: it is a call without arguments."""
    paths = isinstance(value, dict) and value and all(str(key).startswith("$") for key in value)
    return "paths" if paths else "value"


class CallExpectation(Spec):
    """A tool call."""

    name: NameCondition | None = None
    """The tool's name."""
    arguments: Annotated[
        Annotated[dict[JsonPathText, JsonCondition], Tag("paths")] | Annotated[JsonValue, Tag("value")],
        Discriminator(_arguments_form),
    ] = None
    """Exactly these; or JSONPaths into them, each with a condition."""


class TookOperators(Spec):
    """Bounds of a duration; all that are given must hold."""

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


class UsageExpectation(Spec):
    """Tokens, counted alike for every provider."""

    input_tokens: NumberCondition | None = None
    """All of the prompt, cached or not."""
    output_tokens: NumberCondition | None = None
    """All of the answer, reasoning included."""
    cached_tokens: NumberCondition | None = None
    """Of the input, read from the cache."""
    cache_write_tokens: NumberCondition | None = None
    """Of the input, written to the cache."""
    reasoning_tokens: NumberCondition | None = None
    """Of the output, reasoning."""


def _chunks_form(value: Any) -> str:
    return "texts" if isinstance(value, list) and all(isinstance(each, str) for each in value) else "number"


class ExpectSpec(Spec):
    """What must come back; everything that is given is checked. Null: it must not be there."""

    rule: TextCondition | None = None
    """The rule's name or id; null for a miss."""
    modifier: NameCondition | None = None
    """The name or id of a modifier that applied; null where none did."""
    status: NumberCondition | None = None
    """The HTTP status."""
    text: TextCondition | None = None
    """The answer's text; outside every protocol the body as it is."""
    thinking: TextCondition | None = None
    """The reasoning, where the protocol shows it."""
    tool_calls: list[CallExpectation] | None = None
    """`{name, arguments}` of each call, in order."""
    refusal: TextCondition | None = None
    """The words of a refusal."""
    finish_reason: TextCondition | None = None
    """Why the answer ended, in neutral words: stop, length, tool_calls, content_filter, refusal."""
    error: TextCondition | None = None
    """The error's neutral name."""
    usage: UsageExpectation | None = None
    """The tokens that the answer tells."""
    headers: dict[str, TextCondition] | None = None
    """Response headers, by name in any case."""
    chunks: (
        Annotated[
            Annotated[list[str], Tag("texts")] | Annotated[NumberCondition, Tag("number")],
            Discriminator(_chunks_form),
        ]
        | None
    ) = None
    """How many chunks a stream has, or exactly these."""
    faults: list[str] | None = None
    """The faults that were played, in order."""
    took: Took | None = None
    """How long it took on the virtual clock, exactly; or `{gte: 1s, lt: 2s}`."""
    body: dict[JsonPathText, JsonCondition] | None = None
    """JSONPaths into the body of a whole answer."""

    @field_validator("body")
    @classmethod
    def several_nodes(cls, body: dict[str, Any] | None) -> dict[str, Any] | None:
        """As in a match, a path that can give several nodes says what of them must hold."""
        return Match.several_nodes(body)


class ExampleStep(Spec):
    """One request of several."""

    request: RequestSpec = Field(default_factory=RequestSpec)
    """What is asked."""
    expect: ExpectSpec = Field(default_factory=ExpectSpec)
    """What must come back."""
    after: Duration | None = None
    """How long after the answer before."""


class ExampleSpec(ExampleStep):
    """One example: a request and what must come back, or several steps on the same state."""

    name: str | None = None
    """What it shows."""
    steps: Annotated[list[ExampleStep], Field(min_length=1)] | None = None
    """Several requests in turn."""
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    """Parameters of the pack, for this example."""

    @model_validator(mode="after")
    def one_way(self) -> ExampleSpec:
        if self.steps is not None and {"request", "expect", "after"} & self.model_fields_set:
            raise quantity_error("give steps, or a request and what to expect, not both")
        return self
