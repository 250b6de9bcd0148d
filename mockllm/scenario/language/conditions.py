"""Conditions on one value of a request: a bare value, a list of alternatives, or operators.

Each type of value (text, name, number, boolean, JSON) has its own kind of condition. A bare `500` against a
header is therefore an error when the file is loaded, and not a rule that never matches.
"""

import re
from typing import TYPE_CHECKING, Annotated, TypeAlias

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

from mockllm.core.json.codec import Scalar
from mockllm.core.json.jsonpath import compile_path
from mockllm.core.json.schema import ValidationTooLong, validator
from mockllm.core.quantities.types import quantity_error
from mockllm.core.regex.compile import backtracks_little, compile_regex
from mockllm.core.values.strict_model import refuse_null
from mockllm.scenario.diagnostics import scalar_text
from mockllm.scenario.language.base import Late, Spec
from mockllm.scenario.scalar_forms import comparison_form
from mockllm.scenario.validation_errors import describe_value

Number: TypeAlias = int | float
MAY_BACKTRACK = (
    "may take very long on some texts, and each search ends after 20 ms as if nothing was found: its look-arounds, "
    "back references, atomic groups or counts above 1,000 need an engine that backtracks, and it has more than one "
    "repeat"
)
MAX_REGEX_LENGTH = 10_000
"""Maximum number of characters of a regex in a pack. Packs are written by others."""


def _form(value: object) -> str:
    if isinstance(value, list):
        return "list"
    return "operators" if isinstance(value, (dict, Spec)) else "value"


def _text(value: object) -> object:
    if isinstance(value, str):
        return value
    if value is None:
        raise quantity_error("expected a text, found nothing; write {exists: false} to match its absence")
    if isinstance(value, (bool, int, float)):
        shown = scalar_text(value)
        raise PydanticCustomError("text", 'expected a text, found {shown}; write "{shown}"', {"shown": shown})
    raise PydanticCustomError("text", "expected a text")


def _number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        written = None
        if isinstance(value, str):
            is_number = re.fullmatch(r"-?\d+(\.\d+)?", value)
            written = f"{value} without quotes" if is_number else comparison_form(value)
        advice = f"; write {written}" if written else ""
        raise quantity_error(f"expected a number, found {describe_value(value)}{advice}")
    return value


def _regex(value: str, info: ValidationInfo) -> str:
    untrusted = info.context is not None and info.context.get("untrusted")
    if untrusted and len(value) > MAX_REGEX_LENGTH:
        raise quantity_error(
            f"a regex in a pack has at most {MAX_REGEX_LENGTH:,} characters; write several, as a list"
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
    except ValueError as error:  # its place, the key itself, is named before the message
        raise quantity_error(str(error).removeprefix(f"{value}: ")) from None
    return value


def _json_schema(value: object) -> object:
    try:
        validator(value)
    except (ValueError, ValidationTooLong) as error:
        raise quantity_error(str(error)) from None
    return value


StrictText = Annotated[str, BeforeValidator(_text)]
StrictNumber = Annotated[Number, BeforeValidator(_number)]
Texts: TypeAlias = Annotated[
    Annotated[StrictText, Tag("value")] | Annotated[list[StrictText], Tag("list")], Discriminator(_form)
]
"""A text, or several texts of which any one is enough."""
RegexText = Annotated[StrictText, AfterValidator(_regex)]
Patterns: TypeAlias = Annotated[
    Annotated[RegexText, Tag("value")] | Annotated[list[RegexText], Tag("list")], Discriminator(_form)
]
JsonPathText = Annotated[str, AfterValidator(_path), WithJsonSchema({"type": "string", "pattern": r"^\$"})]
"""A JSONPath, checked for expressions that would be evaluated wrongly without an error."""


class TextOperators(Spec):
    """Operators on a text; all of them must be met."""

    equals: Texts | None = None
    """The text is exactly this one (case counts, unless ignore_case)."""
    contains: Texts | None = None
    """The text contains this text."""
    starts_with: Texts | None = None
    """The text begins with this text."""
    ends_with: Texts | None = None
    """The text ends with this text."""
    glob: Texts | None = None
    """A pattern with `*` (anything, also `/`), `?` (one character) and `[abc]`, for the whole text."""
    regex: Patterns | None = None
    """A Python regular expression, searched anywhere in the text. Templates read its groups as `match.NAME`
    and `match[1]`."""
    exists: bool | None = None
    """Whether the value exists."""
    length: "NumberCondition | None" = None
    """A condition on the number of characters."""
    ignore_case: bool = False
    """Ignore case in the text operators beside this key."""


class NumberOperators(Spec):
    """Operators on a number; all of them must be met."""

    equals: StrictNumber | None = None
    """The number is exactly this one."""
    gt: StrictNumber | None = None
    """Greater than."""
    gte: StrictNumber | None = None
    """Greater than or equal."""
    lt: StrictNumber | None = None
    """Less than."""
    lte: StrictNumber | None = None
    """Less than or equal."""
    exists: bool | None = None
    """Whether the value exists."""


class JsonOperators(Spec):
    """Operators on a JSON value; all of them must be met."""

    equals: JsonValue = None
    """The value is exactly this JSON value."""
    contains: Annotated[JsonValue, BeforeValidator(refuse_null)] = None
    """A text contains this text, or a list contains this item."""
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
    """Whether the path selects anything (null included)."""
    length: "NumberCondition | None" = None
    """A condition on the length of a text, list or object."""
    schema_: Annotated[dict[str, JsonValue] | bool, AfterValidator(_json_schema)] | None = Field(
        None, alias="schema"
    )
    """A JSON Schema that the value must satisfy."""
    subset: Annotated[JsonValue, BeforeValidator(refuse_null)] = None
    """The value contains everything in this JSON; the value may contain more."""
    each: "JsonCondition | None" = None
    """Every node that the path selects, or every item of a list, meets this condition."""
    some: "JsonCondition | None" = None
    """At least one node that the path selects, or one item of a list, meets this condition."""
    ignore_case: bool = False
    """Ignore case in the text operators beside this key."""


class TruthOperators(Spec):
    """Operators on a boolean."""

    equals: bool | None = None
    """True or false."""
    exists: bool | None = None
    """Whether the value exists."""


TruthCondition: TypeAlias = Annotated[
    Annotated[bool, Tag("value")] | Annotated[TruthOperators, Tag("operators")], Discriminator(_form)
]


class SetOperators(TextOperators):
    """Operators on names. At least one name must meet all of them; `exists` and `length` test the set of names."""


# A type checker cannot follow an alias into itself inside Annotated; pydantic needs it to be one.
if TYPE_CHECKING:
    TextCondition: TypeAlias = "str | list[TextCondition] | TextOperators"
    NumberCondition: TypeAlias = "Number | list[NumberCondition] | NumberOperators"
    JsonCondition: TypeAlias = "Scalar | list[JsonCondition] | JsonOperators"
    NameCondition: TypeAlias = "str | list[NameCondition] | SetOperators"
else:

    def _condition(name: str, value: object, operators: object) -> TypeAliasType:
        """Return the alias of this name: a value, a list of such conditions, or operators."""
        forms = (
            Annotated[value, Tag("value")]
            | Annotated[list[name], Tag("list")]
            | Annotated[operators, Tag("operators")]
        )
        return TypeAliasType(name, Annotated[forms, Discriminator(_form)])

    TextCondition = _condition("TextCondition", StrictText, Late[TextOperators])
    NumberCondition = _condition("NumberCondition", StrictNumber, Late[NumberOperators])
    JsonCondition = _condition("JsonCondition", Scalar, JsonOperators)
    NameCondition = _condition("NameCondition", StrictText, Late[SetOperators])
