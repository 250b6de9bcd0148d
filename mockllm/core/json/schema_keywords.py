"""The keywords of JSON Schema that contain schemas, and JSON pointers to places in a schema."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import unquote

from mockllm.core.json.codec import MISSING, Json, Missing

MAPS: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")
LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
SINGLE: Final = (
    *("items", "additionalItems", "additionalProperties", "contains", "not", "if", "then", "else"),
    *("propertyNames", "unevaluatedItems", "unevaluatedProperties"),
)
REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
OF_SAME_VALUE: Final = (
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies"),
)
"""The keywords whose schemas apply to the value itself."""
OF_ANY_MEMBER: Final = ("additionalProperties", "propertyNames", "patternProperties", "unevaluatedProperties")
"""The keywords whose schemas may apply to each member of an object."""
OF_ANY_ITEM: Final = ("items", "additionalItems", "contains", "unevaluatedItems")
"""The keywords whose schema may apply to each item of an array."""
_MAX_DIGITS: Final = 18
"""Longer numbers are no place in a list."""


def schemas_of(schema: Mapping[str, Json], keyword: str) -> Iterable[tuple[str | None, Json]]:
    """Return the schemas of a keyword, each with its name or number there; none where it has another form."""
    part = schema.get(keyword, MISSING)
    if type(part) is dict and keyword in MAPS:
        return part.items()
    if type(part) is list and keyword in LISTS:
        return ((str(number), each) for number, each in enumerate(part))
    if keyword in SINGLE and type(part) in (dict, bool):
        return ((None, part),)
    return ()


def with_schemas(schema: dict[str, Json], change: Callable[[Json], Json]) -> dict[str, Json]:
    """Return a schema whose direct subschemas are changed."""
    result = dict(schema)
    for key, part in schema.items():
        if type(part) is dict and key in MAPS:
            result[key] = {name: change(each) for name, each in part.items()}
        elif type(part) is list and key in LISTS:
            result[key] = [change(each) for each in part]
        elif type(part) is dict and key in SINGLE:
            result[key] = change(part)
    return result


def pointer_names(pointer: str) -> list[str]:
    """Return the names and numbers of a JSON pointer that is the fragment of a reference."""
    return [unquote(step).replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def place_of(root: Json, names: Iterable[str]) -> Json | Missing:
    """Return the value of a place; MISSING where there is none. A number may have zeros or a plus in front, as the
    validator reads it."""
    value = root
    for name in names:
        if type(value) is dict and name in value:
            value = value[name]
        elif type(value) is list and (number := _number(name)) < len(value):
            value = value[number]
        else:
            return MISSING
    return value


def _number(name: str) -> int:
    digits = name.removeprefix("+").lstrip("0") or "0"
    short = digits.isascii() and digits.isdecimal() and len(digits) <= _MAX_DIGITS
    return int(digits) if short and name != "+" and name else 10**_MAX_DIGITS
