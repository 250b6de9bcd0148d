"""The types of a part of a schema, and the listed values that have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.schema_values.document import TYPES

_ATTEMPTS_WITH_INFERRED_TYPE: Final = 3
"""After so many attempts a schema without a type may have any type."""
_INFERRED: Final = {
    **dict.fromkeys(("properties", "required", "additionalProperties", "patternProperties"), "object"),
    **dict.fromkeys(("minProperties", "propertyNames", "dependentRequired"), "object"),
    **dict.fromkeys(("items", "prefixItems", "minItems", "contains", "uniqueItems"), "array"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), "number"),
    "multipleOf": "number",
}
"""The type of a schema without `type`, by its keywords; else a text."""
_KINDS: Final[Mapping[type, tuple[str, ...]]] = {
    type(None): ("null",),
    bool: ("boolean",),
    int: ("integer", "number"),
    float: ("number",),
    str: ("string",),
    list: ("array",),
    dict: ("object",),
}


def kinds_of_part(schema: Mapping[str, Json], attempt: int) -> Sequence[str]:
    """Return the allowed types. Without `type` it is the type that the keywords imply, and any type later."""
    named = schema.get("type")
    if isinstance(named, str):
        return (named,)
    if named is not None:
        return list(named)
    if "enum" in schema or attempt >= _ATTEMPTS_WITH_INFERRED_TYPE:
        return TYPES
    return (next((kind for word, kind in _INFERRED.items() if word in schema), "string"),)


def candidates_of(listed: Sequence[Json], kinds: Sequence[str]) -> list[Json]:
    """Return the listed values of these types, without null where there are others."""
    candidates = [value for value in listed if _has_type(value, kinds)]
    return [value for value in candidates if value is not None] or candidates


def _has_type(value: Json, kinds: Sequence[str]) -> bool:
    return any(kind in kinds for kind in _KINDS[type(value)])
