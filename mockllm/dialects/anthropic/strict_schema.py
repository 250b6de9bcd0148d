"""What this provider refuses of a schema that an answer or a strict tool's call is held to: keywords that its subset
of JSON Schema does not have, and objects that are not closed.

From public reports of 2025 and 2026; which of two reasons in one place comes first is inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.json.schema import subschemas
from mockllm.dialects.anthropic.validators import AnthropicRequestProblem

_BOUNDS: Final = frozenset({"exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum", "multipleOf"})
_UNKNOWN: Final[Mapping[Json, frozenset[str]]] = {
    "object": frozenset({"maxProperties", "minProperties", "patternProperties", "propertyNames"}),
    "array": frozenset({"maxItems", "uniqueItems"}),
    "string": frozenset({"maxLength", "minLength"}),
    "integer": _BOUNDS,
    "number": _BOUNDS,
}
"""What each type's schema does not have."""


def check_strict(path: str, schema: dict[str, Json]) -> None:
    """Refuse the first thing that is wrong with the schema."""
    for _, place in subschemas(schema):
        of = place.get("type")
        if type(of) is str:
            reason = _reason(of, place)
            if reason is not None:
                raise AnthropicRequestProblem(f"{path}: For '{of}' type, {reason}")


def _reason(of: str, place: dict[str, Json]) -> str | None:
    unknown = sorted(_UNKNOWN.get(of, frozenset()).intersection(place))
    if unknown:
        several = (
            f"properties {', '.join(unknown)} are" if len(unknown) > 1 else f"property '{unknown[0]}' is"
        )
        return f"{several} not supported"
    if of == "array" and place.get("minItems", 0) not in (0, 1):
        return "'minItems' values other than 0 or 1 are not supported"
    return _unlike_closed(place.get("additionalProperties")) if of == "object" else None


def _unlike_closed(others: Json) -> str | None:
    if others is False:
        return None
    if others is None:
        return "'additionalProperties' must be explicitly set to false"
    said = "true" if others is True else "object"
    return f"'additionalProperties: {said}' is not supported. Please set 'additionalProperties' to false"
