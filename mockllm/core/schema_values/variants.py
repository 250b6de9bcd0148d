"""Variants of a schema: one of its alternatives, without `$ref`, `allOf`, `anyOf`, `oneOf` and `if`.

The selected branch is a guess, so the caller validates the value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf
from random import Random
from typing import Final

from msgspec import Struct, field

from mockllm.core.budget import Budget
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of
from mockllm.core.schema_values.document import Document, Schema, Unsatisfiable
from mockllm.core.schema_values.merge import merged
from mockllm.core.schema_values.normal_schema import NormalSchema, PartKey
from mockllm.core.schema_values.numbers import NumberPoints

SPLIT: Final = frozenset((
    "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas",
    "dependencies",
))  # fmt: skip
"""The keywords that lead to other schemas."""
GUESSED: Final = frozenset((
    "allOf", "anyOf", "oneOf", "not", "if", "const", "enum", "pattern", "contains", "uniqueItems",
    "dependentRequired", "dependentSchemas", "dependencies", "propertyNames", "patternProperties",
    "unevaluatedItems", "unevaluatedProperties", "minProperties", "maxProperties", "examples", "multipleOf",
))  # fmt: skip
"""The keywords that a generated value may violate."""
_MAX_PARTS: Final = 200
"""The most schemas that may be merged: more are references in a circle."""
_REFERENCES_PER_CHARACTER: Final = 20
"""Enclosing references that cost as much as one character."""
MAX_RECURSION: Final = 2
"""How often a reference may be within itself before only required members are generated."""


class SchemaVariant(Struct, frozen=True):
    """A variant of a schema. `schema` has none of the keywords above. `guessed`: the value must be validated.
    `inside`: the enclosing references."""

    schema: dict[str, Json]
    guessed: bool
    inside: tuple[str, ...]
    memo: dict[tuple[bool, tuple[float, float, int] | None], NumberPoints] = field(default_factory=dict)
    """The numbers of the schema that were computed, by what they depend on beside it."""

    @property
    def minimal(self) -> bool:
        """Whether a schema is so often within itself that only required members are generated."""
        inside = self.inside
        return len(inside) > MAX_RECURSION and max(Counter(inside).values()) > MAX_RECURSION


_COUNTED_VARIANT: Final = PartKey[tuple[int, SchemaVariant]]()
"""The characters that its selection counts as, and the variant."""


class VariantPicker:
    """Selects variants of schemas."""

    def __init__(self, normal: NormalSchema, document: Document, random: Random, budget: Budget) -> None:
        self._normal, self._document, self._random, self._budget = normal, document, random, budget

    def pick(self, schema: Schema, inside: tuple[str, ...]) -> SchemaVariant:
        """Return a variant. Raise Unsatisfiable where there is none."""
        known = None if inside else self._normal.known(schema, _COUNTED_VARIANT)
        if known is not None:
            self._budget.add_characters(known[0])
            return known[1]
        before = self._budget.characters
        variant = self._picked(schema, inside)
        if not inside and type(schema) is dict and SPLIT.isdisjoint(schema):
            self._normal.put(schema, _COUNTED_VARIANT, (self._budget.characters - before, variant))
        return variant

    def _picked(self, schema: Schema, inside: tuple[str, ...]) -> SchemaVariant:
        pending: list[Schema] = [schema]
        variant: dict[str, Json] = {}
        guessed = False
        for _ in range(_MAX_PARTS):
            if not pending:
                return SchemaVariant(variant, guessed, inside)
            part = pending.pop(0)
            if not isinstance(part, dict):
                if part is False:
                    raise Unsatisfiable("nothing is allowed here")
                continue
            guessed = guessed or not GUESSED.isdisjoint(part)
            self._budget.add_characters(_size(part, variant) + len(inside) // _REFERENCES_PER_CHARACTER)
            variant = merged(variant, {key: value for key, value in part.items() if key not in SPLIT})
            for key in ("$ref", "$dynamicRef"):
                if key in part:
                    inside = (*inside, part[key])
                    pending.append(self._document.at(part[key]))
            pending += self._nested(part, variant, SchemaVariant(variant, guessed, inside).minimal)
        raise Unsatisfiable("the schema refers to itself")

    def _nested(self, part: dict[str, Json], variant: dict[str, Json], minimal: bool) -> list[Schema]:
        """Return the schemas of `allOf`, of the selected branches, and of dependent members."""
        schemas: list[Schema] = [*part.get("allOf", ())]
        schemas += [self._branch(part[key], variant, minimal) for key in ("anyOf", "oneOf") if key in part]
        if "if" in part:
            schemas += (
                [part["if"], part.get("then", True)]
                if self._random.random() < 0.7
                else [part.get("else", True)]
            )
        for key in ("dependentSchemas", "dependencies"):
            for name, dependent in object_of(part.get(key)).items():
                if isinstance(dependent, list):
                    schemas.append({"dependentRequired": {name: dependent}})
                elif _has_member(name, part) or self._random.random() < 0.5:
                    schemas.append(dependent)
        return schemas

    def _branch(self, branches: Sequence[Schema], variant: dict[str, Json], minimal: bool) -> Schema:
        candidates = [branch for branch in branches if _is_compatible(branch, variant)] or branches
        if minimal:
            return min(candidates, key=self.height)
        return self._random.choice([branch for branch in candidates if not _is_null(branch)] or candidates)

    def height(self, schema: Schema, seen: tuple[str, ...] = ()) -> float:
        """Return the depth of the smallest value: 0 for a scalar; infinite where it must be within itself."""
        if not isinstance(schema, dict):
            return inf if schema is False else 0
        self._budget.add_characters(1 + len(seen) // _REFERENCES_PER_CHARACTER)
        heights = [0.0]
        if "$ref" in schema:
            reference = schema["$ref"]
            if reference in seen:
                return inf
            heights.append(self.height(self._document.at(reference), (*seen, reference)))
        heights += [self.height(part, seen) for part in schema.get("allOf", ())]
        heights += [
            min(self.height(branch, seen) for branch in schema[key])
            for key in ("anyOf", "oneOf")
            if key in schema
        ]
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            properties = schema.get("properties", {})
            required = [properties[name] for name in schema.get("required", ()) if name in properties]
            heights.append(1 + max((self.height(part, seen) for part in required), default=0))
        elif kind == "array":
            items = schema.get("items", True) if schema.get("minItems", 0) else True
            heights.append(1 + self.height(items if isinstance(items, dict) else True, seen))
        return max(heights)


def _size(part: dict[str, Json], variant: dict[str, Json]) -> int:
    """Return how many entries the lists and maps of two merged schemas have."""
    size = sum(len(value) for value in part.values() if isinstance(value, (list, dict)))
    if "enum" in part and "enum" in variant:  # the merge compares each value with all others
        size += len(part["enum"]) * len(variant["enum"])
    return size + sum(len(value) for value in variant.values() if isinstance(value, (list, dict)))


def _has_member(name: str, schema: dict[str, Json]) -> bool:
    return name in schema.get("properties", ()) or name in schema.get("required", ())


def _is_compatible(branch: Schema, variant: dict[str, Json]) -> bool:
    """Return whether the two have a type in common."""
    if branch is False:
        return False
    if not isinstance(branch, dict) or "type" not in branch or "type" not in variant:
        return True
    return bool(merged({"type": branch["type"]}, {"type": variant["type"]})["type"])


def _is_null(branch: Schema) -> bool:
    return isinstance(branch, dict) and (
        branch.get("type") == "null"
        or branch.get("enum") == [None]
        or ("const" in branch and branch["const"] is None)
    )
