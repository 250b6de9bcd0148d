"""Refusals of schemas: a schema that does not describe an object, and an array without `items`. In strict mode also
anything outside the supported subset of JSON Schema.

The messages are from recordings and public reports of 2024 to 2026. The order of two errors at one position
is inferred.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.display import shortened
from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.schema import subschemas
from mockllm.core.json.typed_values import list_of, object_of
from mockllm.dialects.openai.validators import refuse

UNSUPPORTED_KEYWORDS: Final = frozenset(
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
"""The formats of a string. A number may have any, such as `int64` (recordings of July and August 2026)."""
TYPE_KEYWORDS: Final = frozenset({"type", "$ref", "anyOf", "enum"})
"""The keywords that define a value's type; `enum` is inferred."""


def check_parameters(function: dict[str, Json], path: str, *, serves_openai_models: bool) -> Failure | None:
    """Return the error of a function's parameters, which are optional. OpenAI and Azure also refuse an array without
    `items` in a function that is not strict."""
    schema = function.get("parameters")
    strict = function.get("strict") is True
    reason = schema_error(schema, strict=strict) if schema else None
    if reason is None and serves_openai_models and schema and not strict:
        reason = _array_error(schema)
    if reason is None:
        return None
    message = f"Invalid schema for function '{function['name']}': {reason}"
    return refuse(message, path, "invalid_function_parameters")


def check_response_schema(described: dict[str, Json], path: str, code: str | None = None) -> Failure | None:
    """Return the error of a response schema; a schema that is not strict is not checked."""
    schema = described.get("schema")
    strict = described.get("strict") is True
    reason = schema_error(schema, strict=True) if strict and schema is not None else None
    if reason is None:
        return None
    return refuse(f"Invalid schema for response_format '{described['name']}': {reason}", path, code)


def schema_error(schema: dict[str, Json], *, strict: bool) -> str | None:
    """Return the reason why the service refuses a schema; None where it accepts the schema."""
    type_ = schema.get("type")
    if type_ != "object":
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{shortened(str(type_))}\"'."
    for context, subschema in subschemas(schema) if strict else ():
        reason = _subschema_error(subschema)
        if reason is not None:
            return f"In context={context}, {reason}"
    return None


def _may_lack_items(part: Json) -> bool:
    """Return whether anything in a schema looks like an array without `items`. Few schemas have such a part, and this
    takes a tenth of the time of `subschemas`."""
    if type(part) is dict:
        type_ = part.get("type")
        if (type_ == "array" or type(type_) is list) and "items" not in part:
            return True
        part = part.values()
    return any(_may_lack_items(value) for value in part if type(value) in _CONTAINERS and value)


_CONTAINERS: Final = (dict, list)


def _array_error(schema: dict[str, Json]) -> str | None:
    """Return the error of the first array without `items` at any depth."""
    if not _may_lack_items(schema):
        return None
    for context, subschema in subschemas(schema):
        type_ = subschema.get("type")
        if "items" in subschema or (type_ != "array" and type(type_) is not list):
            continue
        if type_ == "array":
            return f"In context={context}, {_NO_ITEMS}"
        if "array" in type_:
            return f"In context={(*context, 'type', str(type_.index('array')))}, {_NO_ITEMS}"
    return None


_NO_ITEMS: Final = "array schema missing items."


def _subschema_error(subschema: dict[str, Json]) -> str | None:
    type_, format_ = subschema.get("type"), subschema.get("format")
    types = type_ if type(type_) is list else [type_]
    for keyword in subschema:
        if keyword in UNSUPPORTED_KEYWORDS:
            return f"'{keyword}' is not permitted."
    if TYPE_KEYWORDS.isdisjoint(subschema):
        return "schema must have a 'type' key."
    if "object" in types:
        return _object_error(subschema)
    if "array" in types and "items" not in subschema:
        return _NO_ITEMS
    if type(format_) is str and "string" in types and format_ not in FORMATS:
        return f"'{format_}' is not a valid format."
    return None


def _object_error(subschema: dict[str, Json]) -> str | None:
    """Return the error of an object that is not closed or does not require all its properties."""
    if subschema.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    required = {name for name in list_of(subschema.get("required")) if type(name) is str}
    for name in object_of(subschema.get("properties")):
        if name not in required:
            return (
                "'required' is required to be supplied and to be an array including every key in properties. "
                f"Missing '{name}'."
            )
    return None
