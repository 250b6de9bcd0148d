"""The generation of objects and arrays: which members they have, and how many items.

A function (`GenerateValue`) generates the members and items, so that this module knows no other kind of value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from math import inf
from random import Random
from typing import Final, TypeAlias

from mockllm.core.budget import Budget
from mockllm.core.json.codec import Json, canonical
from mockllm.core.schema_values.document import Schema, Unsatisfiable
from mockllm.core.schema_values.name_patterns import NamePatterns
from mockllm.core.schema_values.realistic import TOPICS, FieldContext
from mockllm.core.schema_values.variants import SchemaVariant

GenerateValue: TypeAlias = Callable[[Schema, FieldContext], Json]
"""Generates a value for a part of the schema. Raises Unsatisfiable."""

_MAX_TRIES: Final = 20
"""How often an item that must be unique, or a name, is generated again."""
_ATTEMPTS_WITH_ALL: Final = 3
"""After so many attempts optional members are left out by chance: some schemas forbid some of them together."""


def generate_object(
    form: SchemaVariant,
    generate: GenerateValue,
    random: Random,
    context: FieldContext,
    attempt: int,
    scalar: Callable[[Schema], bool],
    budget: Budget,
    patterns: NamePatterns,
) -> dict[str, Json]:
    """Return an object with all its members; for a minimal form with the required and the `scalar` ones."""
    schema = form.schema
    properties: Mapping[str, Schema] = schema.get("properties", {})
    required = _required(schema)
    budget.require_values(len(required))
    result: dict[str, Json] = {}
    for name in (*properties, *(name for name in required if name not in properties)):
        budget.add_characters(len(name))
        part = _member_schema(schema, name, patterns)
        if name in required:
            result[name] = generate(part, _member_context(name, context))
        elif (not form.minimal or scalar(part)) and (attempt < _ATTEMPTS_WITH_ALL or random.random() < 0.5):
            with suppress(Unsatisfiable):
                result[name] = generate(part, _member_context(name, context))
    count = schema.get("minProperties", 0)
    if not properties and not result and not form.minimal and _is_map(schema):
        count = max(count, random.randint(1, 2))
    most = schema.get("maxProperties", inf)
    if count > len(result):
        _fill(result, min(count, most), schema, generate, random, context, budget, patterns)
    for name in reversed(list(result)) if len(result) > most else ():
        if len(result) > most and name not in required:
            del result[name]
    return result


def _member_context(name: str, owner: FieldContext) -> FieldContext:
    return FieldContext(name, "", owner.name)


def _required(schema: Mapping[str, Json]) -> dict[str, None]:
    """Return the names of the required members, and of those that they require in turn."""
    names: dict[str, None] = dict.fromkeys(schema.get("required", ()))
    dependent: Mapping[str, list[str]] = schema.get("dependentRequired", {})
    if not dependent:
        return names
    present = {**dict.fromkeys(schema.get("properties", ())), **names}
    for name, others in dependent.items():
        if name in present:
            names |= dict.fromkeys(others)
    return names


def _member_schema(schema: Mapping[str, Json], name: str, patterns: NamePatterns) -> Schema:
    if name in schema.get("properties", {}):
        return schema["properties"][name]
    for pattern, part in schema.get("patternProperties", {}).items():
        if patterns.matches(pattern, name):
            return part
    return schema.get("additionalProperties", True)


def _is_map(schema: Mapping[str, Json]) -> bool:
    """Return whether members may have any name, and their values have a schema."""
    return isinstance(schema.get("additionalProperties"), dict) or bool(schema.get("patternProperties"))


def _fill(
    members: dict[str, Json],
    count: float,
    schema: Mapping[str, Json],
    generate: GenerateValue,
    random: Random,
    context: FieldContext,
    budget: Budget,
    patterns: NamePatterns,
) -> None:
    """Add members of other names until there are `count`."""
    budget.require_values(count - len(members))
    names = _names(schema, generate, random, patterns)
    while len(members) < count:
        candidates = zip(range(_MAX_TRIES), names, strict=False)
        name = next((name for _, name in candidates if isinstance(name, str) and name not in members), None)
        if name is None:
            raise Unsatisfiable("no more members")
        budget.add_characters(len(name))
        part = _member_schema(schema, name, patterns)
        members[name] = generate(part, _member_context(context.name.removesuffix("s"), context))


def _names(
    schema: Mapping[str, Json], generate: GenerateValue, random: Random, patterns: NamePatterns
) -> Iterator[Json]:
    """Yield names that may be allowed. What is generated from a schema that allows no text is none."""
    of_names = list(schema.get("patternProperties", ()))
    name_schema = schema.get("propertyNames", True)
    if isinstance(name_schema, dict):
        while True:
            yield generate({"allOf": [{"type": "string"}, name_schema]}, FieldContext("name"))
    if of_names and not isinstance(schema.get("additionalProperties"), dict):
        yield from _names_of_patterns(schema, of_names, generate, random, patterns)
    yield from _other_names(random)


def _names_of_patterns(
    schema: Mapping[str, Json],
    of_names: list[str],
    generate: GenerateValue,
    random: Random,
    patterns: NamePatterns,
) -> Iterator[str]:
    """Yield names that match a pattern: without end, or until they repeat where other names are allowed. A repeated
    name gets a word or a number at its end, if the pattern allows that. `^x-` is the start of any number of names."""
    closed = any(schema.get(f"{kind}Properties") is False for kind in ("additional", "unevaluated"))
    seen: set[str] = set()
    repeats = 0
    while closed or repeats < _MAX_TRIES // 2:
        pattern = random.choice(of_names)
        name = generate({"type": "string", "pattern": pattern}, FieldContext("name"))
        if name in seen:
            repeats += 1
            longer = (f"{name}{end}" for end in (TOPICS[repeats % len(TOPICS)], len(seen)))
            free = (each for each in longer if each not in seen and patterns.matches(pattern, each))
            name = next(free, name)
        seen.add(name)
        yield name


def _other_names(random: Random) -> Iterator[str]:
    yield from TOPICS
    number = len(TOPICS)
    while True:
        number += 1
        yield f"{random.choice(TOPICS)}_{number}"


def generate_array(
    form: SchemaVariant, generate: GenerateValue, random: Random, context: FieldContext, budget: Budget
) -> list[Json]:
    """Return an array of one to three items by default; for a minimal form with the fewest allowed items."""
    schema = form.schema
    first, rest = schema.get("prefixItems", []), schema.get("items", True)
    if isinstance(rest, list):  # in drafts up to 2019
        first, rest = rest, schema.get("additionalItems", True)
    contained = schema.get("minContains", 1) if "contains" in schema else 0
    least = max(schema.get("minItems", 0), contained)
    most = schema.get("maxItems", max(least, len(first), 3))
    if rest is False:
        most = min(most, len(first))
    usual = 0 if form.minimal else len(first) or random.randint(1, 3)
    count = min(most, max(least, usual))
    budget.require_values(count)
    item = FieldContext(context.name.removesuffix("s"), context.description, context.owner)
    parts: list[Schema] = [*first[:count], *[rest] * (count - len(first))]
    if contained:
        parts = _with_contained(parts, min(contained, count), rest, schema["contains"])
    items: list[Json] = []
    seen: set[bytes] = set()
    for part in parts:
        generated = _unique(seen, part, generate, item) if schema.get("uniqueItems") else generate(part, item)
        if generated is not _NONE:
            items.append(generated)
        elif len(items) >= least:
            break
        else:
            raise Unsatisfiable("no more items that differ")
    return items


def _with_contained(parts: list[Schema], count: int, rest: Schema, contains: Schema) -> list[Schema]:
    """Return the parts of which the last `count` obey `contains`, too; equal items share one schema."""
    shared = {"allOf": [rest, contains]}
    last = [shared if part is rest else {"allOf": [part, contains]} for part in parts[len(parts) - count :]]
    return [*parts[: len(parts) - count], *last]


_NONE: Final = object()


def _unique(seen: set[bytes], part: Schema, generate: GenerateValue, context: FieldContext) -> Json:
    """Return an item that differs from all others; `_NONE` where none is found."""
    for _ in range(_MAX_TRIES):
        generated = generate(part, context)
        key = canonical(generated)
        if key not in seen:
            seen.add(key)
            return generated
    return _NONE
