"""The vocabulary of Anthropic's validator: kinds of values, and the messages for values of another kind.

`check_strict` checks the schema of a response format or a strict tool. It finds keywords outside the supported
subset of JSON Schema, objects that are not closed, and definitions that refer to each other in a circle. Sources:
public reports of 2025 and 2026, a recording of August 2026, and requests that the project
`local-OAuth-CLI-API-adapter` measured in August and September 2026. The order of two errors of `check_strict` at one
position is inferred.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.json.schema import subschemas
from mockllm.core.json.typed_values import object_of


class AnthropicValueKind(Struct, frozen=True):
    """A kind of value. `optional`: the key may be absent. `nullable`: null is as no value."""

    matches: Callable[[Json], bool]
    message: str
    optional: bool = False
    nullable: bool = False

    def or_absent(self) -> AnthropicValueKind:
        return AnthropicValueKind(self.matches, self.message, optional=True)

    def or_null(self) -> AnthropicValueKind:
        """Return this kind for a key that may be absent, or null."""
        return AnthropicValueKind(self.matches, self.message, optional=True, nullable=True)


STRING: Final = AnthropicValueKind(lambda value: type(value) is str, "Input should be a valid string")
INTEGER: Final = AnthropicValueKind(lambda value: type(value) is int, "Input should be a valid integer")
NUMBER: Final = AnthropicValueKind(
    lambda value: type(value) in (int, float), "Input should be a valid number"
)
BOOLEAN: Final = AnthropicValueKind(lambda value: type(value) is bool, "Input should be a valid boolean")
LIST: Final = AnthropicValueKind(lambda value: type(value) is list, "Input should be a valid array")
DICT: Final = AnthropicValueKind(lambda value: type(value) is dict, "Input should be an object")
TEXT_OR_LIST: Final = AnthropicValueKind(lambda value: type(value) in (str, list), LIST.message)
ANY: Final = AnthropicValueKind(lambda value: True, "")

Shape = Mapping[str, AnthropicValueKind]

REQUIRED: Final = "Field required"
NO_SHAPE: Final = "Input does not match the expected shape."


class AnthropicRequestProblem(Exception):
    """The first problem of a request, in the provider's wording; it ends the check."""


def check_shape(path: str, holder: Mapping[str, Json], shape: Shape) -> None:
    """Raise a problem for an object that lacks a key or has a value of another kind. `path` ends with a dot, or is
    empty at the top level."""
    for key, kind in shape.items():
        if key not in holder:
            if not kind.optional:
                raise AnthropicRequestProblem(f"{path}{key}: {REQUIRED}")
        elif not kind.matches(holder[key]) and not (kind.nullable and holder[key] is None):
            raise AnthropicRequestProblem(f"{path}{key}: {kind.message}")


def tag_of(path: str, holder: Mapping[str, Json], tags: Collection[str]) -> str:
    """Return the `type` of an object that is identified by it; `path` has no dot at its end. The message lists the
    tags of a tuple in their order, and others sorted."""
    if "type" not in holder:
        raise AnthropicRequestProblem(f"{path}.type: {REQUIRED}")
    tag = holder["type"]
    if type(tag) is str and tag in tags:
        return tag
    expected = ", ".join(f"'{tag_}'" for tag_ in (tags if type(tags) is tuple else sorted(tags)))
    message = f"Input tag '{tag}' found using 'type' does not match any of the expected tags: {expected}"
    raise AnthropicRequestProblem(f"{path}: {message}")


def either(values: Sequence[str]) -> str:
    """Return the part of a message that lists the possible values."""
    *others, last = (f"'{value}'" for value in values)
    return f"{', '.join(others)} or {last}" if others else last


def check_minimum(path: str, value: Json, low: int) -> None:
    if value is not None and value < low:
        raise AnthropicRequestProblem(f"{path}: Input should be greater than or equal to {low}")


_BOUNDS: Final = frozenset({"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"})
_UNSUPPORTED_KEYWORDS: Final[Mapping[Json, frozenset[str]]] = {
    "object": frozenset({"maxProperties", "minProperties", "patternProperties", "propertyNames"}),
    "array": frozenset({"maxItems", "uniqueItems"}),
    "string": frozenset({"maxLength", "minLength"}),
    "integer": _BOUNDS,
    "number": _BOUNDS,
}
"""The unsupported keywords of each type."""


def check_strict(path: str, schema: dict[str, Json]) -> None:
    """Raise the first problem of the schema."""
    for _, subschema in subschemas(schema):
        type_ = subschema.get("type")
        if type(type_) is str:
            reason = _subschema_error(type_, subschema)
            if reason is not None:
                raise AnthropicRequestProblem(f"{path}: For '{type_}' type, {reason}")
    for keyword in ("$defs", "definitions"):
        _check_circles(path, f"#/{keyword}/", object_of(schema.get(keyword)))


def _check_circles(path: str, prefix: str, definitions: dict[str, Json]) -> None:
    """Raise the first circle of definitions that refer to each other."""
    references: dict[str, list[str]] = {}
    for name, definition in definitions.items():
        found = (subschema.get("$ref") for _, subschema in subschemas(object_of(definition)))
        references[name] = [
            ref.removeprefix(prefix) for ref in found if type(ref) is str and ref.startswith(prefix)
        ]
    try:
        TopologicalSorter(references).prepare()
    except CycleError as error:
        raise AnthropicRequestProblem(
            f"{path}: Invalid schema: Circular reference detected in schema definitions: "
            f"{' -> '.join(reversed(error.args[1]))}. "
            "Self-referencing or mutually-referencing definitions are not supported."
        ) from None


def _subschema_error(type_: str, subschema: dict[str, Json]) -> str | None:
    unknown = sorted(_UNSUPPORTED_KEYWORDS.get(type_, frozenset()).intersection(subschema))
    if unknown:
        several = (
            f"properties {', '.join(unknown)} are" if len(unknown) > 1 else f"property '{unknown[0]}' is"
        )
        return f"{several} not supported"
    if type_ == "array" and subschema.get("minItems", 0) not in (0, 1):
        return "'minItems' values other than 0 or 1 are not supported"
    return _object_error(subschema.get("additionalProperties")) if type_ == "object" else None


def _object_error(others: Json) -> str | None:
    if others is False:
        return None
    if others is None:
        return "'additionalProperties' must be explicitly set to false"
    value = "true" if others is True else "object"
    return f"'additionalProperties: {value}' is not supported. Please set 'additionalProperties' to false"
