"""Conditions: what a matcher asks of one value. A bare value, a list of alternatives, or operators.

They come in kinds by the type of what they are held against (text, name, number, truth, JSON), so that a
bare `500` against a header is a mistake at load instead of a rule that never matches.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from mockllm.core.json.jsonpath import compile_path
from mockllm.core.json.schema import validator
from mockllm.core.quantities.types import quantity_error
from mockllm.core.regex.compile import backtracks_little, compile_regex
from mockllm.scenario.language.base import Spec
from mockllm.scenario.validation_errors import found_text

Number: TypeAlias = int | float
MAY_BACKTRACK = (
    "may take very long on some texts, and no other request is served meanwhile: its look-arounds, back references, "
    "atomic groups or counts above 1,000 need an engine that backtracks, and it has more than one repeat"
)
LONGEST_REGEX = 10_000
"""Characters of a regex in a pack, which others wrote."""


def _form(value: Any) -> str:
    if isinstance(value, list):
        return "list"
    return "operators" if isinstance(value, (dict, Spec)) else "value"


def _text(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if value is None:
        raise PydanticCustomError(
            "text", "expected a text, found nothing; write {{exists: false}} to match its absence"
        )
    if isinstance(value, (bool, int, float)):
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        raise PydanticCustomError("text", 'expected a text, found {shown}; write "{shown}"', {"shown": shown})
    raise PydanticCustomError("text", "expected a text")


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise quantity_error(f"expected a number, found {found_text(value)}" + _unquoted(value))
    return value


def _unquoted(value: Any) -> str:
    is_number = isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value)
    return f"; write {value} without quotes" if is_number else ""


def _regex(value: str, info: ValidationInfo) -> str:
    untrusted = info.context is not None and info.context.get("untrusted")
    if untrusted and len(value) > LONGEST_REGEX:
        raise quantity_error(
            f"a regex in a pack has at most {LONGEST_REGEX:,} characters; write several, as a list"
        )
    try:
        linear = compile_regex(value).is_linear and compile_regex(value, ignore_case=True).is_linear
    except ValueError as error:
        raise quantity_error(str(error)) from None
    if untrusted and not linear and not backtracks_little(value):
        raise quantity_error(MAY_BACKTRACK)
    return value


def _path(value: str) -> str:
    try:
        compile_path(value)
    except ValueError as error:
        raise quantity_error(str(error)) from None
    return value


def _json_schema(value: Any) -> Any:
    try:
        validator(value)
    except ValueError as error:
        raise quantity_error(str(error)) from None
    return value


StrictText = Annotated[str, BeforeValidator(_text)]
StrictNumber = Annotated[Number, BeforeValidator(_number)]
Texts: TypeAlias = Annotated[
    Annotated[StrictText, Tag("value")] | Annotated[list[StrictText], Tag("list")], Discriminator(_form)
]
"""A text, or several of which any will do."""
Pattern = Annotated[StrictText, AfterValidator(_regex)]
Patterns: TypeAlias = Annotated[
    Annotated[Pattern, Tag("value")] | Annotated[list[Pattern], Tag("list")], Discriminator(_form)
]
JsonPathText = Annotated[str, AfterValidator(_path), WithJsonSchema({"type": "string", "pattern": r"^\$"})]
"""A JSONPath, checked for what would be silently mis-evaluated."""


class TextOperators(Spec):
    """Operators on a text; all that are given must hold."""

    equals: Texts | None = None
    """Exactly this text (case counts, unless ignore_case)."""
    contains: Texts | None = None
    """This text stands somewhere in it."""
    starts_with: Texts | None = None
    """It begins with this text."""
    ends_with: Texts | None = None
    """It ends with this text."""
    glob: Texts | None = None
    """A pattern with `*` (anything, also `/`), `?` (one character) and `[abc]`, for the whole text."""
    regex: Patterns | None = None
    """A Python regular expression, searched anywhere in the text. Its groups are `match.NAME` and `match[1]` in
    templates."""
    exists: bool | None = None
    """Whether it is there at all."""
    length: NumberCondition | None = None
    """A condition on its number of characters."""
    ignore_case: bool = False
    """Upper and lower case are the same for the text operators beside this."""


# A type checker cannot follow an alias into itself inside Annotated; pydantic needs it to be one.
if TYPE_CHECKING:
    TextCondition: TypeAlias = str | list[Any] | "TextOperators"
else:
    TextCondition = TypeAliasType(
        "TextCondition",
        Annotated[
            Annotated[StrictText, Tag("value")]
            | Annotated[list["TextCondition"], Tag("list")]
            | Annotated[TextOperators, Tag("operators")],
            Discriminator(_form),
        ],
    )


class NumberOperators(Spec):
    """Operators on a number; all that are given must hold."""

    equals: StrictNumber | None = None
    """Exactly this number."""
    gt: StrictNumber | None = None
    """Greater than."""
    gte: StrictNumber | None = None
    """Greater than or equal."""
    lt: StrictNumber | None = None
    """Less than."""
    lte: StrictNumber | None = None
    """Less than or equal."""
    exists: bool | None = None
    """Whether it is there at all."""


if TYPE_CHECKING:
    NumberCondition: TypeAlias = Number | list[Any] | "NumberOperators"
else:
    NumberCondition = TypeAliasType(
        "NumberCondition",
        Annotated[
            Annotated[StrictNumber, Tag("value")]
            | Annotated[list["NumberCondition"], Tag("list")]
            | Annotated[NumberOperators, Tag("operators")],
            Discriminator(_form),
        ],
    )


class JsonOperators(Spec):
    """Operators on a JSON value; all that are given must hold."""

    equals: JsonValue = None
    """Exactly this JSON value."""
    contains: JsonValue = None
    """A text holds this text, or a list this item."""
    starts_with: Texts | None = None
    """A text begins with this text."""
    ends_with: Texts | None = None
    """A text ends with this text."""
    glob: Texts | None = None
    """A pattern with `*`, `?` and `[abc]` for a whole text."""
    regex: Patterns | None = None
    """A Python regular expression, searched anywhere in a text."""
    gt: StrictNumber | None = None
    """A number greater than this."""
    gte: StrictNumber | None = None
    """A number greater than or equal to this."""
    lt: StrictNumber | None = None
    """A number less than this."""
    lte: StrictNumber | None = None
    """A number less than or equal to this."""
    exists: bool | None = None
    """Whether the path leads to anything (null included)."""
    length: NumberCondition | None = None
    """A condition on the length of a text, list or object."""
    schema_: Annotated[dict[str, JsonValue] | bool, AfterValidator(_json_schema)] | None = Field(
        None, alias="schema"
    )
    """A JSON Schema that the value must satisfy."""
    subset: JsonValue = None
    """Everything in this JSON stands in the value too; the value may hold more."""
    each: JsonCondition | None = None
    """Every node that the path gives, or every item of a list, holds this."""
    some: JsonCondition | None = None
    """At least one node that the path gives, or one item of a list, holds this."""
    ignore_case: bool = False
    """Upper and lower case are the same for the text operators beside this."""


Scalar: TypeAlias = str | int | float | bool | None
if TYPE_CHECKING:
    JsonCondition: TypeAlias = Scalar | list[Any] | "JsonOperators"
else:
    JsonCondition = TypeAliasType(
        "JsonCondition",
        Annotated[
            Annotated[Scalar, Tag("value")]
            | Annotated[list["JsonCondition"], Tag("list")]
            | Annotated[JsonOperators, Tag("operators")],
            Discriminator(_form),
        ],
    )


class TruthOperators(Spec):
    """Operators on a truth value."""

    equals: bool | None = None
    """True or false."""
    exists: bool | None = None
    """Whether it is there at all."""


TruthCondition: TypeAlias = Annotated[
    Annotated[bool, Tag("value")] | Annotated[TruthOperators, Tag("operators")], Discriminator(_form)
]


class SetOperators(TextOperators):
    """Operators on names: at least one of them must hold them all; `exists` and `length` look at the set."""


if TYPE_CHECKING:
    NameCondition: TypeAlias = str | list[Any] | "SetOperators"
else:
    NameCondition = TypeAliasType(
        "NameCondition",
        Annotated[
            Annotated[StrictText, Tag("value")]
            | Annotated[list["NameCondition"], Tag("list")]
            | Annotated[SetOperators, Tag("operators")],
            Discriminator(_form),
        ],
    )
