"""How much work it is to validate a value against a JSON Schema, and to compile the schema.

A validator evaluates each subschema once for each path that leads to it. References make these paths many: twenty
schemas, each of which refers twice to the next one, are a million evaluations. `unevaluatedProperties` and
`unevaluatedItems` do so without references: they evaluate all subschemas of the same value once more, to find out
which parts these evaluate. This file calls that marking. So evaluations are counted before a schema is compiled or a
value validated, up to a bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final, TypeAlias

from mockllm.core.json.codec import MISSING, Json
from mockllm.core.json.schema_keywords import (
    LISTS,
    MAPS,
    OF_ANY_ITEM,
    OF_ANY_MEMBER,
    OF_SAME_VALUE,
    REFERENCES,
    SINGLE,
    schemas_of,
)
from mockllm.core.json.schema_references import SchemaReferences, is_unevaluated

MAX_STEPS: Final = 10_000
"""The most evaluations for a value that no budget bounds: counting them takes 30 ms."""
MAX_CONDITION_STEPS: Final = 100_000
"""The most evaluations for a value that a condition compares: its schema is the author's, but may be a pack's."""
MAX_COMPILED_MARKS: Final = 3_000
"""The most subschemas that are compiled for marking: each takes 3 µs, and 1 kB of a validator that is cached."""
SMALL: Final = 500
"""A schema without recursion that unfolds to so few subschemas needs no count for each value."""
_MAX_PATH: Final = 200
"""The most subschemas that may apply to one value by references and combinations of each other."""
_MAX_ROUNDS: Final = 3
"""How often the library evaluates a schema within itself for the same value, before it ends a circle."""
_MEMBERS_PER_STEP: Final = 16
"""Members and items that are marked in the time of one evaluation."""
_MARKING: Final = ("allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas")
_MEMBERS: Final = ("properties", *OF_ANY_MEMBER)
_ITEMS: Final = ("prefixItems", *OF_ANY_ITEM)
_MARKED_MEMBERS: Final = ("unevaluatedProperties",)
_MARKED_ITEMS: Final = ("contains", "unevaluatedItems")
_VALIDATED_TO_MARK: Final = frozenset(("allOf", "anyOf", "oneOf", "if"))
"""The keywords whose schemas mark only parts of a value that they allow."""
_ANY: Final = MISSING
"""In place of a value: any value, each part of which exists once."""

_Path: TypeAlias = tuple[int, ...]
"""The identities of the subschemas that lead to one for the same value, the first one first; each one plus one where
it marks."""
_Step: TypeAlias = tuple[Json, Json, _Path, bool]
"""A subschema, its value, the path, and whether it marks."""


class SchemaWork:
    """Counts the evaluations of the subschemas of one schema. `is_small`: they need no count for each value.
    `has_choices`: some part has `anyOf` or `oneOf`."""

    def __init__(self, root: Json) -> None:
        self._root = root
        self._references = SchemaReferences(root)
        self.has_choices = self._references.has_choices
        self.is_small = self.steps(SMALL, _ANY) <= SMALL

    def compiles_in(self, most: int) -> bool:
        """Return whether the library compiles at most so many subschemas for marking."""
        waiting: list[_Step] = [(each, _ANY, (), True) for each in self._references.sources]
        return not waiting or self._count(waiting, most, compiling=True) <= most

    def is_at_most(self, most: int, value: Json) -> bool:
        """Return whether validating a value takes at most so many evaluations."""
        return self.steps(most, value) <= most

    def steps(self, most: int, value: Json) -> int:
        """Return how many evaluations validating a value takes at most; one more than `most` where they are more."""
        return self._count([(self._root, value, (), False)], most)

    def _count(self, waiting: list[_Step], most: int, *, compiling: bool = False) -> int:
        steps = most + 1 if self._references.are_unknown else 0
        while waiting:
            schema, value, path, marks = waiting.pop()
            steps += 1
            if steps + len(waiting) > most or len(path) > _MAX_PATH:
                return most + 1
            if type(schema) is not dict:
                continue
            if compiling:  # what a reference leads to is compiled once, but for marking once for each path
                waiting += [(each, value, (), False) for each in _of_all_keywords(schema)]
                if not marks:
                    continue
            key = id(schema) + marks
            if path.count(key) == _MAX_ROUNDS:
                continue
            path = (*path, key)
            same = self._of_same_value(schema, value, marks)
            waiting += [(each, value, path, mark) for each, mark in same if mark or not compiling]
            if not compiling:
                steps += _marking_cost(schema, value) if marks else 0
                parts = islice(_with_parts(schema, value, marks), most)
                waiting += [(each, part, (), False) for each, part in parts]
        return steps

    def _of_same_value(
        self, schema: Mapping[str, Json], value: Json, marks: bool
    ) -> Iterator[tuple[Json, bool]]:
        """Yield the schemas that a schema applies to its own value, each with whether it marks."""
        for key in REFERENCES:
            if key in schema:
                for each in self._references.targets(key, schema[key]):
                    yield each, marks
        for key in _MARKING if marks else OF_SAME_VALUE:
            if key in schema:
                for _, each in schemas_of(schema, key):
                    yield each, marks
                    if marks and key in _VALIDATED_TO_MARK:
                        yield each, False
        if not marks and (
            ((value is _ANY or type(value) is dict) and is_unevaluated(schema, "unevaluatedProperties"))
            or ((value is _ANY or type(value) is list) and is_unevaluated(schema, "unevaluatedItems"))
        ):
            yield schema, True


def _of_all_keywords(schema: Mapping[str, Json]) -> list[Json]:
    keywords = dict.fromkeys((*MAPS, *LISTS, *SINGLE))
    return [each for key in schema if key in keywords for _, each in schemas_of(schema, key)]


def _marking_cost(schema: Mapping[str, Json], value: Json) -> int:
    """Return the work of marking itself: each pattern is matched with the name of each member."""
    if type(value) is list:
        return len(value) // _MEMBERS_PER_STEP
    if type(value) is dict:
        patterns = schema.get("patternProperties")
        return len(value) // _MEMBERS_PER_STEP + len(value) * (len(patterns) if type(patterns) is dict else 0)
    return 0


def _with_parts(schema: Mapping[str, Json], value: Json, marks: bool) -> Iterator[tuple[Json, Json]]:
    """Yield the schemas that a schema applies to the members and items of this value, each with the part. True and
    False cost nothing there."""
    if value is _ANY:
        for key in (*_MEMBERS, *_ITEMS):
            for _, each in schemas_of(schema, key) if key in schema else ():
                yield each, _ANY
    elif type(value) is dict and value:
        properties = schema.get("properties")
        if type(properties) is dict and not marks:
            for name in properties.keys() & value.keys():  # in the time of the smaller one
                yield properties[name], value[name]
        for key in _MARKED_MEMBERS if marks else OF_ANY_MEMBER:
            for _, each in schemas_of(schema, key) if type(schema.get(key)) is dict else ():
                for part in value.values():
                    yield each, part
    elif type(value) is list:
        for key in _MARKED_ITEMS if marks else _ITEMS:
            part = schema.get(key)
            if type(part) is list and not marks:
                yield from zip(part, value, strict=False)
            elif type(part) is dict and key in OF_ANY_ITEM:
                for item in value:
                    yield part, item
