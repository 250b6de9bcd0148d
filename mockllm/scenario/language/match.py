"""`match`: what a rule or a modifier asks of a request. All that is given must hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from mockllm.core.json.jsonpath import compile_path
from mockllm.core.quantities.types import quantity_error
from mockllm.scenario.language.base import Spec
from mockllm.scenario.language.conditions import (
    JsonCondition,
    JsonOperators,
    JsonPathText,
    NameCondition,
    NumberCondition,
    TextCondition,
    TruthCondition,
)


def _named(value: Any) -> str:
    if isinstance(value, list):
        return "list"
    return "named" if isinstance(value, (dict, Spec)) else "value"


class Named(Spec):
    """By its name."""

    name: NameCondition
    """Its name."""


ChoiceWord: TypeAlias = Literal["auto", "none", "any", "named"]
ChoiceCondition: TypeAlias = Annotated[
    Annotated[ChoiceWord, Tag("value")]
    | Annotated[list[ChoiceWord], Tag("list")]
    | Annotated[Named, Tag("named")],
    Discriminator(_named),
]
FormatWord: TypeAlias = Literal["text", "json", "schema"]
FormatCondition: TypeAlias = Annotated[
    Annotated[FormatWord, Tag("value")]
    | Annotated[list[FormatWord], Tag("list")]
    | Annotated[Named, Tag("named")],
    Discriminator(_named),
]


class ToolResultMatch(Spec):
    """The results after the last assistant turn; of several, any one that holds all of this will do."""

    name: NameCondition | None = None
    """The tool's name, looked up by the call's id where the protocol sends only that."""
    id: TextCondition | None = None
    """The call's id."""
    text: TextCondition | None = None
    """The result as text."""
    json_: dict[JsonPathText, JsonCondition] | None = Field(None, alias="json")
    """JSONPaths into the result, where it is JSON."""
    is_error: bool | None = None
    """Whether the client marked it as an error."""
    exists: bool | None = None
    """Whether there is a result at all."""


class MessageMatch(Spec):
    """One message."""

    role: TextCondition | None = None
    """system, user, assistant or tool."""
    text: TextCondition | None = None
    """Its text parts, joined by a newline."""


class MessagesMatch(Spec):
    """The whole history."""

    some: MessageMatch | None = None
    """At least one message holds this."""
    each: MessageMatch | None = None
    """Every message holds this."""
    length: NumberCondition | None = None
    """A condition on how many messages there are."""


_PARTS = frozenset({"query", "headers", "body", "messages", "tool_result", "all", "any", "not_"})
"""What has words of its own below it."""


class Match(Spec, defer_build=False):  # built once, not as a part of rules and again as one of modifiers
    """What is asked of a request. All that is given must hold; an empty match holds for all."""

    method: TextCondition | None = None
    """The HTTP method, in capitals."""
    path: NameCondition | None = None
    """The path, without a session or provider prefix; `*` also matches `/`."""
    query: dict[str, TextCondition] | None = None
    """Query parameters by name."""
    headers: dict[str, TextCondition] | None = None
    """Headers by name, in any case."""
    host: TextCondition | None = None
    """The Host header."""
    api_key: TextCondition | None = None
    """The key, wherever the provider carries it."""
    session: TextCondition | None = None
    """The session's id."""
    hash: TextCondition | None = None
    """The request's stable hash, as `mockllm explain` and the lines of `serve --verbose` tell it."""
    provider: NameCondition | None = None
    """The vendor: openai, anthropic …"""
    dialect: NameCondition | None = None
    """Whose protocol is spoken: openai, anthropic …"""
    api: NameCondition | None = None
    """Which call: chat, messages, models …"""
    model: NameCondition | None = None
    """The model that was asked for; a bare text is a glob such as `gpt-4*`."""
    stream: TruthCondition | None = None
    """Whether the client asked for a stream."""
    system: TextCondition | None = None
    """The system text."""
    user: TextCondition | None = None
    """The text of the last user message."""
    messages: MessagesMatch | None = None
    """The whole history."""
    turn: NumberCondition | None = None
    """1 + the number of assistant turns."""
    tools: NameCondition | None = None
    """The names of the offered tools: any of them may match."""
    uncalled: NameCondition | None = None
    """The offered tools that the request lets the model call and that were not called since the user spoke."""
    tool_choice: ChoiceCondition | None = None
    """What the client wants of tools: auto, none, any, named, or {name: …}."""
    tool_result: ToolResultMatch | None = None
    """What a tool gave back since the last assistant turn."""
    has_image: TruthCondition | None = None
    """Whether any message holds an image."""
    response_format: FormatCondition | None = None
    """The wanted form: text, json, schema, or {name: …}."""
    input_tokens: NumberCondition | None = None
    """The estimated tokens of the prompt."""
    body: dict[JsonPathText, JsonCondition] | None = None
    """JSONPaths into the body, each with a condition."""
    raw_body: TextCondition | None = None
    """The body's bytes as text."""
    all: list[Match] | None = None
    """All of these hold."""
    any: list[Match] | None = None
    """At least one of these holds."""
    not_: Match | None = Field(None, alias="not")
    """This does not hold."""

    @field_validator("*", mode="before")
    @classmethod
    def something(cls, value: Any, info: ValidationInfo) -> Any:
        """A key without a value would hold for every request."""
        if value is None:
            absent = "" if info.field_name in _PARTS else "write {exists: false} to match its absence, or "
            raise quantity_error(f"nothing is asked here; {absent}leave the key out")
        return value

    @field_validator("body")
    @classmethod
    def several_nodes(cls, body: dict[str, Any] | None) -> dict[str, Any] | None:
        """A path that can give several nodes says what of them must hold."""
        for path, condition in (body or {}).items():
            if not compile_path(path).singular and not _quantified(condition):
                raise quantity_error(
                    f"{path} can give several nodes; say of how many it must hold: {{some: …}} or {{each: …}}"
                )
        return body

    @field_validator("provider", "dialect", "api")
    @classmethod
    def spoken(cls, condition: Any, info: ValidationInfo) -> Any:
        """A name that the server does not speak can never match."""
        vocabulary = (info.context or {}).get("vocabulary")
        if vocabulary is None:
            return condition
        for name in _literals(condition):
            unknown = vocabulary.unknown(info.field_name, name)
            if unknown is not None:
                raise quantity_error(unknown)
        return condition


def _quantified(condition: Any) -> bool:
    return (
        isinstance(condition, JsonOperators)
        and bool(condition.model_fields_set)
        and (condition.model_fields_set <= {"some", "each", "exists", "length", "schema_"})
    )


def _literals(condition: Any) -> Iterator[str]:
    if isinstance(condition, str):
        if not set("*?[") & set(condition):
            yield condition
    elif isinstance(condition, list):
        for each in condition:
            yield from _literals(each)
