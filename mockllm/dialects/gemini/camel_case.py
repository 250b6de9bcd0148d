"""The fields of Google's messages in camelCase: clients write them in snake_case, too."""

from __future__ import annotations

import re
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.text_cache import text_cache

USER_FIELDS: Final = frozenset(
    {"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema"}
) | {"labels", "partMetadata"}
"""Fields whose value belongs to the user, including its keys."""
MAX_DEPTH: Final = 16
"""The maximum depth of a request's fields in objects and lists."""
SCHEMA_NAMES: Final = frozenset({"properties", "defs", "$defs"})
"""Fields of a schema whose keys are the user's names."""
SCHEMA_DATA: Final = frozenset({"enum", "default", "example", "required", "propertyOrdering"})
"""Fields of a schema whose values belong to the user."""


@text_cache(1024)  # requests repeat their keys
def camel_case(key: str) -> str:
    return re.sub("_([a-z0-9])", lambda match: match[1].upper(), key)


def camel_case_fields(
    value: Json,
    depth: int = MAX_DEPTH,
    data: frozenset[str] = USER_FIELDS,
    names: frozenset[str] = frozenset(),
) -> Json:
    """Return the message with all its fields in camelCase. `data`: fields whose value belongs to the user; `names`:
    fields whose keys do."""
    if depth and type(value) is list:
        return [camel_case_fields(item, depth - 1, data, names) for item in value]
    if not depth or type(value) is not dict:
        return value
    result: dict[str, Json] = {}
    for written, field in value.items():
        key = camel_case(written) if "_" in written else written
        if key in names and type(field) is dict:
            result[key] = {
                name: camel_case_fields(part, depth - 1, data, names) for name, part in field.items()
            }
        elif key in data or type(field) not in (dict, list):
            result[key] = field
        else:
            result[key] = camel_case_fields(field, depth - 1, data, names)
    return result
