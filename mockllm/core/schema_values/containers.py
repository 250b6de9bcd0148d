"""Objects and arrays of a schema: which members they have, and how many items.

What a member is, is asked of the maker (`Value`), so that this knows nothing of other kinds of values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from random import Random
from typing import Final, TypeAlias

from mockllm.core.budget import Budget
from mockllm.core.json.codec import Json, canonical
from mockllm.core.json.schema_validator import validator
from mockllm.core.schema_values.document import Schema, Unsatisfiable
from mockllm.core.schema_values.realistic import TOPICS, FieldContext
from mockllm.core.schema_values.variants import SchemaVariant

Value: TypeAlias = Callable[[Schema, FieldContext], Json]
"""Makes a value of a part. Raises Impossible."""

_AGAIN: Final = 20
"""How often an item is made anew where it must differ from the others, or a name from others."""
_PATTERN_COST: Final = 10
"""Characters that it costs to hold a name against a pattern."""
_FEWER: Final = 3
"""After so many tries optional members are left out by chance: some schemas forbid some of them together."""


def made_object(
    form: SchemaVariant,
    value: Value,
    random: Random,
    about: FieldContext,
    attempt: int,
    scalar: Callable[[Schema], bool],
    budget: Budget,
) -> dict[str, Json]:
    """An object with all its members; of a thrifty form with what must be, and what is `scalar`."""
    schema = form.schema
    properties: Mapping[str, Schema] = schema.get("properties", {})
    required = _required(schema)
    budget.require_values(len(required))
    made: dict[str, Json] = {}
    for name in (*properties, *(name for name in required if name not in properties)):
        budget.add_characters(len(name) + _PATTERN_COST * len(schema.get("patternProperties", ())))
        part = _member(schema, name)
        if name in required:
            made[name] = value(part, _about(name, about))
        elif (not form.thrifty or scalar(part)) and (attempt < _FEWER or random.random() < 0.5):
            with suppress(Unsatisfiable):
                made[name] = value(part, _about(name, about))
    wanted = schema.get("minProperties", 0)
    if not properties and not made and not form.thrifty and _open(schema):
        wanted = max(wanted, random.randint(1, 2))
    _fill(made, min(wanted, schema.get("maxProperties", wanted)), schema, value, random, about, budget)
    for name in reversed(list(made)):
        if len(made) > schema.get("maxProperties", len(made)) and name not in required:
            del made[name]
    return made


def _about(name: str, about: FieldContext) -> FieldContext:
    return FieldContext(name, "", about.name)


def _required(schema: Mapping[str, Json]) -> dict[str, None]:
    """The names that must be there, and those that these bring along."""
    found: dict[str, None] = dict.fromkeys(schema.get("required", ()))
    brings: Mapping[str, list[str]] = schema.get("dependentRequired", {})
    there = {**dict.fromkeys(schema.get("properties", ())), **found}
    for name, others in brings.items():
        if name in there:
            found |= dict.fromkeys(others)
    return found


def _member(schema: Mapping[str, Json], name: str) -> Schema:
    """The schema of a member by its name."""
    if name in schema.get("properties", {}):
        return schema["properties"][name]
    for pattern, part in schema.get("patternProperties", {}).items():
        if validator({"pattern": pattern}).holds(name):
            return part
    return schema.get("additionalProperties", True)


def _open(schema: Mapping[str, Json]) -> bool:
    """Whether it is a map: members of any name, whose form is told."""
    return isinstance(schema.get("additionalProperties"), dict) or bool(schema.get("patternProperties"))


def _fill(
    made: dict[str, Json],
    wanted: int,
    schema: Mapping[str, Json],
    value: Value,
    random: Random,
    about: FieldContext,
    budget: Budget,
) -> None:
    """Adds members of other names until there are enough."""
    budget.require_values(wanted - len(made))
    names = _names(schema, value, random)
    while len(made) < wanted:
        name = next((name for _, name in zip(range(_AGAIN), names, strict=False) if name not in made), None)
        if name is None:
            raise Unsatisfiable("no more members")
        budget.add_characters(len(name) + _PATTERN_COST * len(schema.get("patternProperties", ())))
        made[name] = value(_member(schema, name), _about(about.name.removesuffix("s"), about))


def _names(schema: Mapping[str, Json], value: Value, random: Random) -> Iterator[str]:
    patterns = list(schema.get("patternProperties", ()))
    told = schema.get("propertyNames", True)
    number = 0
    while True:
        if isinstance(told, dict):
            yield value({"allOf": [{"type": "string"}, told]}, FieldContext("name"))
        elif patterns and not isinstance(schema.get("additionalProperties"), dict):
            yield value({"type": "string", "pattern": random.choice(patterns)}, FieldContext("name"))
        else:
            number += 1
            yield TOPICS[number - 1] if number <= len(TOPICS) else f"{random.choice(TOPICS)}_{number}"


def made_array(
    form: SchemaVariant, value: Value, random: Random, about: FieldContext, budget: Budget
) -> list[Json]:
    """An array of one to three items where nothing else is said; of a thrifty form with what must be."""
    schema = form.schema
    first, rest = schema.get("prefixItems", []), schema.get("items", True)
    if isinstance(rest, list):  # as until draft 2019
        first, rest = rest, schema.get("additionalItems", True)
    contained = schema.get("minContains", 1) if "contains" in schema else 0
    least = max(schema.get("minItems", 0), contained)
    most = schema.get("maxItems", max(least, len(first), 3))
    if rest is False:
        most = min(most, len(first))
    usual = 0 if form.thrifty else len(first) or random.randint(1, 3)
    count = min(most, max(least, usual))
    budget.require_values(count)
    item = FieldContext(about.name.removesuffix("s"), about.description, about.owner)
    parts: list[Schema] = [*first[:count], *[rest] * (count - len(first))]
    if contained:
        parts = _with_contained(parts, min(contained, count), rest, schema["contains"])
    made: list[Json] = []
    seen: set[bytes] = set()
    for part in parts:
        one = _unlike(seen, part, value, item) if schema.get("uniqueItems") else value(part, item)
        if one is not _NONE:
            made.append(one)
        elif len(made) >= least:
            break
        else:
            raise Unsatisfiable("no more items that differ")
    return made


def _with_contained(parts: list[Schema], count: int, rest: Schema, contains: Schema) -> list[Schema]:
    """Have the last `count` items obey `contains`, too; equal items share one schema."""
    shared = {"allOf": [rest, contains]}
    last = [shared if part is rest else {"allOf": [part, contains]} for part in parts[len(parts) - count :]]
    return [*parts[: len(parts) - count], *last]


_NONE: Final = object()


def _unlike(seen: set[bytes], part: Schema, value: Value, about: FieldContext) -> Json:
    """An item that none of the others equals; nothing where none is found."""
    for _ in range(_AGAIN):
        one = value(part, about)
        key = canonical(one)
        if key not in seen:
            seen.add(key)
            return one
    return _NONE
