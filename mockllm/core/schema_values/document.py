"""Schemas in one form, and what they refer to.

Tools bring JSON Schema of several drafts, OpenAPI's (`nullable`, a boolean `exclusiveMinimum`) and Gemini's
(types in capitals, counts as texts, `propertyOrdering`): all are written as draft 2020-12 beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urljoin

from mockllm.core.budget import Budget
from mockllm.core.json.codec import Json

Schema: TypeAlias = Any
"""True, False, or a dict with string keys."""

TYPES: Final = ("object", "array", "string", "number", "integer", "boolean", "null")
_MAPS: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")
_LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SINGLE: Final = (
    "items",
    "additionalItems",
    "additionalProperties",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
)
_COUNTS: Final = (
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "minContains",
    "maxContains",
)
_EXCLUSIVE: Final = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))


_BOUNDS: Final = (*_COUNTS, "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_NOTED: Final = re.compile(r"\{([^{}]*)\}\s*\Z")
_NOTE: Final = re.compile(r"\b(\w+): (-?\d+(?:\.\d+)?)(?=,|\Z)")
_NUMBERED: Final = ("TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
"""Google's types as some of its clients write them, by their numbers."""


class Unsatisfiable(Exception):
    """No value is possible here, or none was found."""


def plain(schema: Json) -> Schema:
    """The schema in the one form, whatever it is: what is no schema is left as it is."""
    if not isinstance(schema, dict):
        return schema
    made = dict(schema)
    for key in _MAPS:
        if isinstance(made.get(key), dict):
            made[key] = {name: plain(each) for name, each in made[key].items()}
    for key in _LISTS:
        if isinstance(made.get(key), list):
            made[key] = [plain(each) for each in made[key]]
    for key in _SINGLE:
        if isinstance(made.get(key), dict):
            made[key] = plain(made[key])
    _types(made)
    _described(made)
    for key in _COUNTS:
        if _counts(made.get(key)):
            made[key] = int(made[key])
    for key, bound in _EXCLUSIVE:
        if isinstance(made.get(key), bool) and made.pop(key) and bound in made:
            made[key] = made.pop(bound)
    if "json-schema.org" not in str(made.get("$schema", "")):
        made.pop("$schema", None)
    return _ordered(made)


def _counts(value: Json) -> bool:
    """Return whether a text or a float stands for a whole number."""
    return value.isdecimal() if isinstance(value, str) else isinstance(value, float) and value.is_integer()


def _types(made: dict[str, Json]) -> None:
    """Types in lower case; what is nullable may be null."""
    kind = made.get("type")
    if type(kind) is int and 0 <= kind < len(_NUMBERED):
        kind = _NUMBERED[kind]
    if isinstance(kind, str):
        kind = made["type"] = kind.lower() if kind.isupper() else kind
        if kind == "type_unspecified":
            del made["type"]
        elif made.get("nullable") is True and kind != "null":
            made["type"] = [kind, "null"]
            if isinstance(made.get("enum"), list) and None not in made["enum"]:
                made["enum"] = [*made["enum"], None]


def _described(made: dict[str, Json]) -> None:
    """With the bounds that stand in the description: where Anthropic's SDKs put what its API does not take."""
    noted = _NOTED.search(str(made.get("description", "")))
    for key, number in _NOTE.findall(noted[1]) if noted is not None else ():
        if key in _BOUNDS:
            made.setdefault(key, float(number) if "." in number else int(number))


def _ordered(made: dict[str, Json]) -> dict[str, Json]:
    """With the properties in the order in which they are wanted."""
    order, properties = made.get("propertyOrdering"), made.get("properties")
    if isinstance(order, list) and isinstance(properties, dict):
        first = {name: properties[name] for name in order if isinstance(name, str) and name in properties}
        made["properties"] = {**first, **properties}
    return made


class Document:
    """A whole schema, into which its parts refer."""

    def __init__(self, root: Schema, budget: Budget) -> None:
        self.root = root
        self._budget = budget
        shared = ("$schema", "$defs", "definitions")
        self._base = str(root.get("$id", "")) if isinstance(root, dict) else ""
        """What ids are relative to. Those that a part changes for itself are not looked at."""
        self._shared = {key: root[key] for key in shared if key in root} if isinstance(root, dict) else {}

    def part(self, schema: Schema) -> Schema:
        """A part that can be checked by itself: with what its references name."""
        return {**self._shared, **schema} if isinstance(schema, dict) else schema

    def at(self, reference: str) -> Schema:
        """What a reference names. Raises Impossible where that is nothing of this document."""
        self._budget.add_characters(len(reference))
        base, _, pointer = reference.partition("#")
        found = self._find("$id", urljoin(self._base, base)) if base else self.root
        if pointer and not pointer.startswith("/"):
            return self._find("$anchor", pointer)
        for step in pointer.split("/")[1:]:
            found = _step(found, unquote(step).replace("~1", "/").replace("~0", "~"))
        return found

    def _find(self, key: str, name: str) -> Schema:
        """The schema of that name, wherever it stands."""
        for each in _every(self.root):
            self._budget.add_characters(1)
            named = [each.get("$anchor"), each.get("$dynamicAnchor")]
            if key == "$id":
                named = [urljoin(self._base, each["$id"])] if isinstance(each.get("$id"), str) else []
            if name in named:
                return each
        raise Unsatisfiable(name)


def patterns_of(root: Schema) -> Iterator[str]:
    """Return the regular expressions that compiling a schema compiles."""
    for each in _every(root):
        if isinstance(each.get("pattern"), str):
            yield each["pattern"]
        if isinstance(each.get("patternProperties"), dict):
            yield from each["patternProperties"]


def _step(schema: Json, key: str) -> Json:
    if isinstance(schema, dict) and key in schema:
        return schema[key]
    if isinstance(schema, list) and key.isdecimal() and int(key) < len(schema):
        return schema[int(key)]
    raise Unsatisfiable(key)


def _every(tree: Json) -> Iterator[Mapping[str, Json]]:
    if isinstance(tree, dict):
        yield tree
    if isinstance(tree, (dict, list)):
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from _every(child)
