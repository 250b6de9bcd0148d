"""A schema without `$ref`, `allOf`, `anyOf`, `oneOf` and `if`: one of the forms that it may take.

Which branch is taken is a guess; whoever uses it checks the value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import inf
from random import Random
from typing import Any, Final

from msgspec import Struct

from mockllm.core.budget import Budget
from mockllm.core.json.codec import Json
from mockllm.core.schema_values.document import Document, Schema, Unsatisfiable
from mockllm.core.schema_values.merge import merged

_SPLIT: Final = frozenset(
    {
        "$ref",
        "$dynamicRef",
        "allOf",
        "anyOf",
        "oneOf",
        "if",
        "then",
        "else",
        "dependentSchemas",
        "dependencies",
    }
)
_GUESSED: Final = frozenset(
    {
        *("allOf", "anyOf", "oneOf", "not", "if", "const", "enum", "pattern", "contains", "uniqueItems"),
        *("dependentRequired", "dependentSchemas", "dependencies", "propertyNames", "patternProperties"),
        *(
            "unevaluatedItems",
            "unevaluatedProperties",
            "minProperties",
            "maxProperties",
            "examples",
            "multipleOf",
        ),
    }
)
"""What a value is not sure to obey when it is made."""
_PARTS: Final = 200
"""How many schemas may be one: more are references in a circle."""
_INSIDE: Final = 20
"""So many references on the way to a part cost as much as one character."""
AGAIN: Final = 2
"""How often a reference may stand within itself before only what must be is made."""


class SchemaVariant(Struct, frozen=True):
    """`schema` has none of the words above; `guessed`: the value is to be checked; `inside`: the references
    on the way here."""

    schema: dict[str, Json]
    guessed: bool
    inside: tuple[str, ...]

    @property
    def thrifty(self) -> bool:
        """Whether a schema stands so often within itself that only what must be is made."""
        return any(count > AGAIN for count in Counter(self.inside).values())


class VariantPicker:
    """Chooses one form of a schema."""

    def __init__(self, document: Document, random: Random, budget: Budget) -> None:
        self._document, self._random, self._budget = document, random, budget

    def of(self, schema: Schema, inside: tuple[str, ...]) -> SchemaVariant:
        """Raises Impossible where none is possible."""
        pending: list[Schema] = [schema]
        made: dict[str, Json] = {}
        guessed = False
        for _ in range(_PARTS):
            if not pending:
                return SchemaVariant(made, guessed, inside)
            part = pending.pop(0)
            if not isinstance(part, dict):
                if part is False:
                    raise Unsatisfiable("nothing is allowed here")
                continue
            guessed = guessed or not _GUESSED.isdisjoint(part)
            self._budget.add_characters(_size(part, made) + len(inside) // _INSIDE)
            made = merged(made, {key: value for key, value in part.items() if key not in _SPLIT})
            for key in ("$ref", "$dynamicRef"):
                if key in part:
                    inside = (*inside, part[key])
                    pending.append(self._document.at(part[key]))
            pending += self._further(part, made, SchemaVariant(made, guessed, inside).thrifty)
        raise Unsatisfiable("the schema refers to itself")

    def _further(self, part: dict[str, Any], made: dict[str, Json], thrifty: bool) -> list[Schema]:
        found: list[Schema] = [*part.get("allOf", ())]
        found += [self._branch(part[key], made, thrifty) for key in ("anyOf", "oneOf") if key in part]
        if "if" in part:
            taken = (
                [part["if"], part.get("then", True)]
                if self._random.random() < 0.7
                else [part.get("else", True)]
            )
            found += taken
        for key in ("dependentSchemas", "dependencies"):
            for name, dependent in part.get(key, {}).items():
                if isinstance(dependent, list):
                    found.append({"dependentRequired": {name: dependent}})
                elif _named(name, part) or self._random.random() < 0.5:
                    found.append(dependent)
        return found

    def _branch(self, branches: Sequence[Schema], made: dict[str, Json], thrifty: bool) -> Schema:
        fitting = [branch for branch in branches if _fits(branch, made)] or branches
        if thrifty:
            return min(fitting, key=self.height)
        said = [branch for branch in fitting if not _null(branch)]
        return self._random.choice(said or fitting)

    def height(self, schema: Schema, seen: tuple[str, ...] = ()) -> float:
        """How deep the smallest value is: 0 for a scalar; infinite where it must stand within itself."""
        if not isinstance(schema, dict):
            return inf if schema is False else 0
        self._budget.add_characters(1 + len(seen) // _INSIDE)
        found = [0.0]
        if "$ref" in schema:
            reference = schema["$ref"]
            if reference in seen:
                return inf
            found.append(self.height(self._document.at(reference), (*seen, reference)))
        found += [self.height(each, seen) for each in schema.get("allOf", ())]
        found += [
            min(self.height(each, seen) for each in schema[key])
            for key in ("anyOf", "oneOf")
            if key in schema
        ]
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            properties = schema.get("properties", {})
            needed = [properties[name] for name in schema.get("required", ()) if name in properties]
            found.append(1 + max((self.height(each, seen) for each in needed), default=0))
        elif kind == "array":
            items = schema.get("items", True) if schema.get("minItems", 0) else True
            found.append(1 + self.height(items if isinstance(items, dict) else True, seen))
        return max(found)


def _size(part: dict[str, Any], made: dict[str, Json]) -> int:
    """Return how many entries the lists and maps of a part have, with those that it is merged with."""
    size = sum(len(value) for value in part.values() if isinstance(value, (list, dict)))
    if "enum" in part and "enum" in made:  # each value is looked for among all others
        size += len(part["enum"]) * len(made["enum"])
    return size + sum(len(value) for value in made.values() if isinstance(value, (list, dict)))


def _named(name: str, schema: dict[str, Any]) -> bool:
    return name in schema.get("properties", ()) or name in schema.get("required", ())


def _fits(branch: Schema, made: dict[str, Json]) -> bool:
    """Whether the types leave anything in common."""
    if branch is False:
        return False
    if not isinstance(branch, dict) or "type" not in branch or "type" not in made:
        return True
    return bool(merged({"type": branch["type"]}, {"type": made["type"]})["type"])


def _null(branch: Schema) -> bool:
    return isinstance(branch, dict) and (
        branch.get("type") == "null"
        or branch.get("enum") == [None]
        or ("const" in branch and branch["const"] is None)
    )
