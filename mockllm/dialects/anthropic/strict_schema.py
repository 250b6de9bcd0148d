"""Checks of the schema of a response format or a strict tool: keywords outside the supported subset of JSON
Schema, and objects that are not closed.

From public reports of 2025 and 2026. The order of two errors at one position is inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.schema import subschemas
from mockllm.dialects.anthropic.validators import AnthropicRequestProblem

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
