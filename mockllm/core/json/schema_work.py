"""How much work it is to validate a value against a JSON Schema.

A validator evaluates each subschema once for each path that leads to it. References make these paths many: twenty
schemas, each of which refers twice to the next one, are a million evaluations. So they are counted before a value is
validated, up to a bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, TypeAlias
from urllib.parse import unquote

from mockllm.core.json.codec import Json

MAX_STEPS: Final = 10_000
"""The most evaluations for a value that is generated: counting them takes 30 ms."""
MAX_CONDITION_STEPS: Final = 100_000
"""The most evaluations for a value that a condition compares: its schema is the author's, but may be a pack's."""
MAX_EXPLAINED: Final = 1_000
"""The most evaluations for a value whose error is reported: the library collects all errors, 10 to 50 µs each."""
SMALL: Final = 500
"""A schema without recursion that unfolds to so few subschemas needs no count for each value."""
_MAX_PATH: Final = 200
"""The most subschemas that may apply to one value by references and combinations of each other."""
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_LISTS: Final = ("allOf", "anyOf", "oneOf")
_SINGLE: Final = ("not", "if", "then", "else")
_BY_NAME: Final = ("dependentSchemas", "dependencies")
_OF_SAME_VALUE: Final = frozenset((*_REFERENCES, *_LISTS, *_SINGLE, *_BY_NAME))
_OF_MEMBERS: Final = ("additionalProperties", "propertyNames", "unevaluatedProperties")
_OF_ITEMS: Final = ("items", "additionalItems", "contains", "unevaluatedItems")

_ANCHORS: Final = ("$anchor", "$dynamicAnchor")
_MAX_OTHER_REFERENCES: Final = 16
"""The most references in a schema whose parts have ids of their own: these change what a reference means, and are not
followed."""

_Path: TypeAlias = tuple[int, ...]
"""The identities of the subschemas that lead to one by references, the first one first."""


class SchemaWork:
    """Counts the evaluations of the subschemas of one schema."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._anchors: dict[str, Json] = {}
        self._references = 0
        self._has_inner_ids = False
        self._read()
        self._is_small = self._unfolds_to_few()

    def _read(self) -> None:
        """Find the anchors, and count the references."""
        waiting: list[Json] = [self._root]
        while waiting:
            part = waiting.pop()
            if type(part) is dict:
                names = [part[key] for key in _ANCHORS if key in part]
                self._anchors |= {f"#{name}": part for name in names if type(name) is str}
                self._references += not part.keys().isdisjoint(_REFERENCES)
                self._has_inner_ids |= part is not self._root and type(part.get("$id")) is str
                waiting += part.values()
            elif type(part) is list:
                waiting += part

    def _unfolds_to_few(self) -> bool:
        """Return whether the schema has no recursion, and unfolds to at most `SMALL` subschemas."""
        if self._has_inner_ids:
            return False
        waiting: list[tuple[Json, _Path]] = [(self._root, ())]
        for _ in range(SMALL):
            if not waiting:
                return True
            schema, path = waiting.pop()
            if type(schema) is not dict:
                continue
            if id(schema) in path:
                return False
            path = (*path, id(schema))
            waiting += [(each, path) for each in (*self._of_same_value(schema), *_of_parts(schema))]
        return False

    def is_at_most(self, most: int, value: Json) -> bool:
        """Return whether validating a value takes at most so many evaluations."""
        if self._is_small and most >= MAX_STEPS:
            return True
        if self._has_inner_ids:
            return self._references <= _MAX_OTHER_REFERENCES
        waiting: list[tuple[Json, Json, _Path]] = [(self._root, value, ())]
        steps = 0
        while waiting:
            schema, value, path = waiting.pop()
            steps += 1
            if steps + len(waiting) > most or len(path) > _MAX_PATH:
                return False
            if type(schema) is not dict or id(schema) in path:  # the library ends such a circle, too
                continue
            path = (*path, id(schema))
            waiting += [(each, value, path) for each in self._of_same_value(schema)]
            waiting += [(each, part, ()) for each, part in islice(_with_parts(schema, value), most)]
        return True

    def _of_same_value(self, schema: Mapping[str, Json]) -> list[Json]:
        """Return the schemas that a schema applies to its own value."""
        if _OF_SAME_VALUE.isdisjoint(schema):
            return []
        found: list[Json] = [self._target(schema[key]) for key in _REFERENCES if key in schema]
        for key in _LISTS:
            several = schema.get(key)
            if type(several) is list:
                found += several
        found += [schema[key] for key in _SINGLE if key in schema]
        for key in _BY_NAME:
            named = schema.get(key)
            if type(named) is dict:
                found += named.values()
        return found

    def _target(self, reference: Json) -> Json:
        """Return the schema of a reference within the document; None for any other."""
        if type(reference) is not str:
            return None
        _, _, pointer = reference.partition("#")  # before it is at most the id of the whole
        if f"#{pointer}" in self._anchors:
            return self._anchors[f"#{pointer}"]
        schema = self._root
        for step in pointer.split("/")[1:]:
            schema = _child(schema, unquote(step).replace("~1", "/").replace("~0", "~"))
        return schema


def _child(schema: Json, name: str) -> Json:
    if type(schema) is dict:
        return schema.get(name)
    if type(schema) is list and name.isascii() and name.isdigit() and len(name) < 9:
        return schema[int(name)] if int(name) < len(schema) else None
    return None


def _of_parts(schema: Mapping[str, Json]) -> list[Json]:
    """Return the schemas that a schema applies to the members and items of a value."""
    found = [schema[key] for key in (*_OF_MEMBERS, *_OF_ITEMS) if key in schema]
    for key in ("properties", "patternProperties"):
        named = schema.get(key)
        if type(named) is dict:
            found += named.values()
    for key in ("items", "prefixItems"):
        several = schema.get(key)
        if type(several) is list:
            found += several
    return found


def _with_parts(schema: Mapping[str, Json], value: Json) -> Iterator[tuple[Json, Json]]:
    """Yield the schemas that a schema applies to the members and items of this value, each with the part."""
    if type(value) is dict:
        properties = schema.get("properties")
        if type(properties) is dict:
            for name, each in properties.items():
                if name in value:
                    yield each, value[name]
        every = [schema[key] for key in _OF_MEMBERS if key in schema]
        patterned = schema.get("patternProperties")
        if type(patterned) is dict:
            every += patterned.values()
        for each in every:
            for part in value.values():
                yield each, part
    elif type(value) is list:
        for key in ("items", "prefixItems"):
            several = schema.get(key)
            if type(several) is list:
                yield from zip(several, value, strict=False)
        for each in [schema[key] for key in _OF_ITEMS if type(schema.get(key)) is dict]:
            for part in value:
                yield each, part
