"""What the service refuses of a schema: that it is no object's, and of a strict one what its subset of JSON Schema
does not have.

From recordings and public reports of 2025 and 2026; which of two reasons in one place comes first is inferred.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.schema import subschemas
from mockllm.dialects.openai.request_helpers import object_of
from mockllm.dialects.openai.validators import refuse

UNKNOWN: Final = frozenset(
    {
        "allOf", "contains", "dependentRequired", "dependentSchemas", "else", "if", "maxContains",
        "maxProperties", "minContains", "minProperties", "not", "oneOf", "patternProperties", "prefixItems",
        "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties", "uniqueItems",
    }
)  # fmt: skip
"""Keywords that the subset does not have."""
FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
TYPING: Final = frozenset({"type", "$ref", "anyOf", "enum"})
"""What tells a value's type; that an enum does is inferred."""


def parameters(function: dict[str, Json], path: str) -> Failure | None:
    """What is wrong with a function's parameters; one may have none."""
    schema = function.get("parameters")
    reason = slip(schema, strict=function.get("strict") is True) if schema else None
    if reason is None:
        return None
    message = f"Invalid schema for function '{function['name']}': {reason}"
    return refuse(message, path, "invalid_function_parameters")


def form(described: dict[str, Json], path: str, code: str | None = None) -> Failure | None:
    """What is wrong with the schema of an answer; one that is not strict is not looked into."""
    schema = described.get("schema")
    strict = described.get("strict") is True
    reason = slip(schema, strict=True) if strict and schema is not None else None
    if reason is None:
        return None
    return refuse(f"Invalid schema for response_format '{described['name']}': {reason}", path, code)


def slip(schema: dict[str, Json], *, strict: bool) -> str | None:
    """Why the service does not take a schema; None where it does."""
    of = schema.get("type")
    if of != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{of}\"'."
    for context, place in subschemas(schema) if strict else ():
        reason = _reason(place)
        if reason is not None:
            return f"In context={context}, {reason}"
    return None


def _reason(place: dict[str, Json]) -> str | None:
    """What is wrong with one place."""
    of, format_ = place.get("type"), place.get("format")
    types = of if type(of) is list else [of]
    for keyword in place:
        if keyword in UNKNOWN:
            return f"'{keyword}' is not permitted."
    if TYPING.isdisjoint(place):
        return "schema must have a 'type' key."
    if "object" in types:
        return _unlike_closed(place)
    if "array" in types and "items" not in place:
        return "array schema missing items."
    if type(format_) is str and format_ not in FORMATS:
        return f"'{format_}' is not a valid format."
    return None


def _unlike_closed(place: dict[str, Json]) -> str | None:
    """An object is closed, and requires all that it has."""
    if place.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    required = place.get("required")
    for name in object_of(place.get("properties")):
        if type(required) is not list or name not in required:
            return (
                "'required' is required to be supplied and to be an array including every key in properties. "
                f"Missing '{name}'."
            )
    return None
