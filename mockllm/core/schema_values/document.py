"""Normalized schemas, and their references.

Tools use JSON Schema of several drafts, OpenAPI's (`nullable`, a boolean `exclusiveMinimum`) and Gemini's
(types in capitals, counts as texts, `propertyOrdering`). All of them are converted to draft 2020-12.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias
from urllib.parse import urljoin

from mockllm.core.budget import Budget
from mockllm.core.json.codec import MISSING, Json
from mockllm.core.json.schema import format_validator
from mockllm.core.json.schema_keywords import place_of, pointer_names, with_schemas

Schema: TypeAlias = Json
"""True, False, or a dict with string keys."""

TYPES: Final = ("object", "array", "string", "number", "integer", "boolean", "null")
_ID: Final[dict[str, Json]] = {"type": "string", "format": "uri-reference", "pattern": "^[^#]*#?$"}
"""The schema of `$id` in every draft."""
_COUNTED: Final = ("Items", "Length", "Properties", "Contains")
_COUNTS: Final = tuple(bound + counted for counted in _COUNTED for bound in ("min", "max"))
_EXCLUSIVE: Final = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))
_BOUNDS: Final = (*_COUNTS, "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_NOTES: Final = re.compile(r"\{([^{}]*)\}\s*\Z")
_MAX_NOTES: Final = 2_000
"""Characters at the end of a description that are searched for a pattern."""
_PATTERN: Final = "pattern: "
_NEXT_NOTE: Final = re.compile(r", \w+: ")
_MAX_DIGITS: Final = 18
"""Longer numbers of a text are none: Python refuses to read one of more than 4,300 digits."""
_NOTE: Final = re.compile(r"\b(\w+): (-?\d{1,18}(?:\.\d{1,18})?)(?=,|\Z)")
_TYPE_NUMBERS: Final = (
    "TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL",
)  # fmt: skip
"""Google's types by the numbers that some of its clients send."""


class Unsatisfiable(Exception):
    """No value is possible, or none was found."""


def normalize(schema: Json) -> Schema:
    """Return the schema as draft 2020-12. A value that is not a schema is returned unchanged."""
    if not isinstance(schema, dict):
        return schema
    result = with_schemas(schema, normalize)
    _normalize_type(result)
    _add_described_bounds(result)
    for key in _COUNTS:
        if _is_count(result.get(key)):
            result[key] = int(result[key])
    for key, bound in _EXCLUSIVE:
        if isinstance(result.get(key), bool) and result.pop(key) and bound in result:
            result[key] = result.pop(bound)
    if "json-schema.org" not in str(result.get("$schema", "")):
        result.pop("$schema", None)
    if "$id" in result and not format_validator(_ID).matches(result["$id"]):
        del result[
            "$id"
        ]  # a title, such as "Output Format", which no validator takes as a base of references
    _order_properties(result)
    return result


def _is_count(value: Json) -> bool:
    """Return whether a text or a float is a whole number."""
    if isinstance(value, str):
        return value.isdecimal() and len(value) <= _MAX_DIGITS
    return isinstance(value, float) and value.is_integer()


def _normalize_type(schema: dict[str, Json]) -> None:
    """Write types in lower case, and `nullable` as the type null."""
    kind = schema.get("type")
    if type(kind) is int and 0 <= kind < len(_TYPE_NUMBERS):
        kind = _TYPE_NUMBERS[kind]
    if isinstance(kind, str):
        kind = schema["type"] = kind.lower() if kind.isupper() else kind
        if kind == "type_unspecified":
            del schema["type"]
        elif schema.get("nullable") is True and kind != "null":
            schema["type"] = [kind, "null"]
            if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
                schema["enum"] = [*schema["enum"], None]


def _add_described_bounds(schema: dict[str, Json]) -> None:
    """Add the bounds and the pattern in the description, into which Anthropic's SDKs move keywords that its API does
    not accept."""
    description = str(schema.get("description", ""))
    pattern, description = _split_pattern(description)
    if pattern is not None:
        schema.setdefault("pattern", pattern)
    notes = _NOTES.search(description)
    for key, number in _NOTE.findall(notes[1]) if notes is not None else ():
        if key in _BOUNDS:
            schema.setdefault(key, float(number) if "." in number else int(number))


def _split_pattern(description: str) -> tuple[str | None, str]:
    """Return the pattern in the notes at the end of a description, and the notes without it. The pattern may have
    braces. Return None and the description where there is no pattern. This takes time in proportion to the text."""
    notes = description[-_MAX_NOTES:].rstrip()
    start = notes.rfind("\n\n{") + 2
    if not notes.endswith("}") or (start < 2 and not notes.startswith("{")):
        return None, description
    notes = notes[(start if start > 1 else 0) + 1 : -1]
    first, found, rest = notes.partition(_PATTERN)
    if not found or (first and not first.endswith(", ")) or "{" in first or "}" in first:
        return None, description
    behind = _NEXT_NOTE.search(rest, max(rest.rfind("{"), rest.rfind("}")) + 1)
    end = len(rest) if behind is None else behind.start()
    return rest[:end], f"{{{first}{rest[end:]}}}"


def _order_properties(schema: dict[str, Json]) -> None:
    """Sort the properties by `propertyOrdering`."""
    order, properties = schema.get("propertyOrdering"), schema.get("properties")
    if isinstance(order, list) and isinstance(properties, dict):
        first = {name: properties[name] for name in order if isinstance(name, str) and name in properties}
        schema["properties"] = {**first, **properties}


class Document:
    """A whole schema, to which the references in its parts are relative."""

    def __init__(self, root: Schema, budget: Budget) -> None:
        self.root = root
        self._budget = budget
        shared = ("$schema", "$defs", "definitions")
        self._base = str(root.get("$id", "")) if isinstance(root, dict) else ""
        """The base of ids. A different base of a part is not supported."""
        self._shared = {key: root[key] for key in shared if key in root} if isinstance(root, dict) else {}

    def part(self, schema: Schema) -> Schema:
        """Return a part with the definitions that it may refer to, so that it can be validated alone."""
        return {**self._shared, **schema} if isinstance(schema, dict) else schema

    def at(self, reference: str) -> Schema:
        """Return the schema of a reference. Raise Unsatisfiable where the document has no such schema."""
        self._budget.add_characters(len(reference))
        base, _, pointer = reference.partition("#")
        schema = self._find("$id", urljoin(self._base, base)) if base else self.root
        if pointer and not pointer.startswith("/"):
            return self._find("$anchor", pointer)
        found = place_of(schema, pointer_names(pointer))
        if found is MISSING:
            raise Unsatisfiable(reference)
        return found

    def _find(self, key: str, name: str) -> Schema:
        """Return the schema with an id or anchor."""
        for schema in _objects(self.root):
            self._budget.add_characters(1)
            names = [schema.get("$anchor"), schema.get("$dynamicAnchor")]
            if key == "$id":
                names = [urljoin(self._base, schema["$id"])] if isinstance(schema.get("$id"), str) else []
            if name in names:
                return schema
        raise Unsatisfiable(name)


def patterns(root: Schema) -> Iterator[str]:
    """Yield the regular expressions that are compiled with a schema."""
    for schema in _objects(root):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        if isinstance(schema.get("patternProperties"), dict):
            yield from schema["patternProperties"]


def _objects(tree: Json) -> Iterator[Mapping[str, Json]]:
    if isinstance(tree, dict):
        yield tree
    if isinstance(tree, (dict, list)):
        for child in tree.values() if isinstance(tree, dict) else tree:
            yield from _objects(child)
