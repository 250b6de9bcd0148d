"""Draws of plain parts of a schema, prepared once: what follows from a part and its field is not computed again.

A part is plain where nothing has to be guessed: each drawn value is valid. The draws are exactly those of the walk in
`generator`, which draws all other parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import inf
from random import Random
from typing import Final, Protocol, TypeAlias

from mockllm.core.budget import Budget
from mockllm.core.json.codec import Json, dumps
from mockllm.core.randomness import below
from mockllm.core.schema_values import realistic
from mockllm.core.schema_values.document import TYPES, Schema, Unsatisfiable
from mockllm.core.schema_values.fitting import DescribedField, ValueFitter, fields_of
from mockllm.core.schema_values.numbers import number_points
from mockllm.core.schema_values.part_types import candidates_of, kinds_of_part
from mockllm.core.schema_values.realistic import MAX_CACHED_LENGTH, FieldContext
from mockllm.core.schema_values.strings import FORMATS, expected_text, expected_texts, fit_length
from mockllm.core.schema_values.variants import GUESSED, SPLIT

MAX_DEPTH: Final = 30
"""The most depth of a plain part."""
_MAX_CANDIDATES: Final = 64
"""A part that lists more values is not plain."""
_MAX_SHORTEST: Final = 1_000
"""A text that must be longer is no plain part."""
_NOT_PLAIN: Final = (SPLIT | GUESSED) - {"enum"}
_ENUM_KEYS: Final = frozenset({"type", "enum", "title", "description", "default", "nullable"})
_NO_PLAIN_ARRAY: Final = frozenset({"prefixItems", "additionalItems"})


class Walk(Protocol):
    """The walk over a schema that draws a value."""

    random: Random
    budget: Budget
    fitter: ValueFitter | None

    def value(
        self, schema: Schema, context: FieldContext, inside: tuple[str, ...] = (), depth: int = 0
    ) -> Json: ...


Draw: TypeAlias = Callable[[Walk, int], Json]
"""Draws a value at a depth."""


def prepared_draw(schema: Schema, context: FieldContext, depth: int = 0) -> Draw | None:
    """Return the draw of a part of a normalized schema; None where the part is not plain."""
    if not isinstance(schema, dict) or not _NOT_PLAIN.isdisjoint(schema) or depth > MAX_DEPTH:
        return None
    context = FieldContext(context.name, schema.get("description") or context.description, context.owner)
    if not context.short:  # whose reading costs each time
        return None
    kinds = kinds_of_part(schema, 0)
    if "enum" in schema:
        candidates = candidates_of(schema["enum"], kinds)
        return _choice(candidates) if schema.keys() <= _ENUM_KEYS else None
    kinds = [kind for kind in kinds if kind != "null"]
    if len(kinds) != 1 or kinds[0] not in TYPES:
        return None
    kind = kinds[0]
    if kind == "object":
        return _object(schema, context, depth)
    if kind == "array":
        return _array(schema, context, depth)
    if kind == "string":
        return _text(schema, context)
    return _boolean if kind == "boolean" else _number(schema, context, whole=kind == "integer")


def _pick_only_type(walk: Walk) -> None:
    """Draw as the choice among the types of a part does, where there is only one."""
    walk.budget.add_value()
    getrandbits = walk.random.getrandbits
    while getrandbits(1):
        pass


def _choice(candidates: Sequence[Json]) -> Draw | None:
    count = len(candidates)
    sizes = [len(dumps(each)) for each in candidates]
    if not 0 < count <= _MAX_CANDIDATES or sum(sizes) > MAX_CACHED_LENGTH:
        return None

    def draw(walk: Walk, _: int) -> Json:
        budget = walk.budget
        budget.add_value()
        drawn = below(walk.random, count)
        budget.add_characters(sizes[drawn])
        return candidates[drawn]

    return draw


def _boolean(walk: Walk, _: int) -> Json:
    _pick_only_type(walk)
    return walk.random.random() < 0.7


def _number(schema: Schema, context: FieldContext, *, whole: bool) -> Draw | None:
    try:
        points = number_points(schema, whole, realistic.number(context))
    except Unsatisfiable:
        return None
    first, count = points.first, points.last - points.first + 1
    step, parts = points.grid.numerator, points.grid.denominator

    def draw(walk: Walk, _: int) -> Json:
        _pick_only_type(walk)
        drawn = (first + below(walk.random, count)) * step
        return drawn / parts if drawn % parts else drawn // parts

    return draw


def _text(schema: Schema, context: FieldContext) -> Draw | None:
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", inf)
    generate_format = FORMATS.get(schema.get("format", ""))
    limited = shortest > 0 or longest < inf
    if shortest > min(longest, _MAX_SHORTEST) or (generate_format is not None and limited):
        return None
    read = len(context.name) + len(context.description)
    text_of, texts = generate_format or expected_text(context), expected_texts(context)

    def draw(walk: Walk, _: int) -> Json:
        _pick_only_type(walk)
        random = walk.random
        text = fit_length(texts(random), shortest, longest, random) if limited else text_of(random)
        walk.budget.add_characters(read + len(text))
        return text

    return draw


def _array(schema: Schema, context: FieldContext, depth: int) -> Draw | None:
    items = schema.get("items")
    if not _NO_PLAIN_ARRAY.isdisjoint(schema):
        return None
    item = prepared_draw(
        items, FieldContext(context.name.removesuffix("s"), context.description, context.owner), depth + 1
    )
    if item is None:
        return None
    least = schema.get("minItems", 0)
    most = schema.get("maxItems", max(least, 3))

    def draw(walk: Walk, depth: int) -> Json:
        _pick_only_type(walk)
        count = min(most, max(least, 1 + below(walk.random, 3)))
        walk.budget.require_values(count)
        return [item(walk, depth + 1) for _ in range(count)]

    return draw


def _object(schema: Schema, context: FieldContext, depth: int) -> Draw | None:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    required = schema.get("required", ())
    is_map = not properties and isinstance(schema.get("additionalProperties"), dict)
    if is_map or not set(required) <= properties.keys():
        return None
    members = []
    for field in fields_of(schema, context):
        draw = prepared_draw(field.schema, field.context, depth + 1)
        if draw is None and field.name in required:
            return None
        members.append((field, draw))
    return _object_of(members)


def _object_of(members: Sequence[tuple[DescribedField, Draw | None]]) -> Draw:
    """Return the draw of an object. A member without a draw is not plain, and optional."""
    fields = [field for field, _ in members]
    read = sum(len(field.name) for field in fields)

    def draw(walk: Walk, depth: int) -> Json:
        _pick_only_type(walk)
        value: dict[str, Json] = {}
        for field, draw_member in members:
            if draw_member is not None:
                value[field.name] = draw_member(walk, depth + 1)
            else:
                with suppress(Unsatisfiable):
                    value[field.name] = walk.value(field.schema, field.context, (), depth + 1)
        walk.budget.add_characters(read)
        if walk.fitter is not None:
            value, names = walk.fitter.fit_members(fields, value)
            walk.fitter.take(names)
        return value

    return draw
