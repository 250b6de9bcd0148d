"""Draws of plain parts of a schema, prepared once: what follows from a part and its field is not computed again.

A part is plain where nothing has to be guessed: each drawn value is valid. The draws are exactly those of the walk in
`generator`, which draws all other parts. A part is certain where its keywords leave no doubt that each value is
valid, and a bound on the work is known. Then a value is neither counted nor validated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from math import inf
from random import Random
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from mockllm.core.budget import Budget
from mockllm.core.json.codec import Json, dumps
from mockllm.core.randomness import below
from mockllm.core.schema_values import realistic
from mockllm.core.schema_values.document import TYPES, Schema, Unsatisfiable
from mockllm.core.schema_values.fitting import DescribedField, ValueFitter, fields_of, is_checked
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
_LONGEST: Final = 4_000
"""More characters than any text of a plain part has."""
_LARGEST: Final = 2**53
"""Bounds up to here are compared exactly, by each reader of JSON."""
_NOT_PLAIN: Final = (SPLIT | GUESSED) - {"enum"}
_NOTES: Final = frozenset({"title", "description", "default", "nullable", "deprecated", "$comment"})
_ENUM_KEYS: Final = frozenset({"type", "enum", "title", "description", "default", "nullable"})
_NO_PLAIN_ARRAY: Final = frozenset({"prefixItems", "additionalItems"})
_CERTAIN: Final[Mapping[str, frozenset[str]]] = {
    "null": frozenset(),
    "object": _NOTES | {"type", "properties", "required", "additionalProperties", "propertyOrdering"},
    "array": _NOTES | {"type", "items", "minItems", "maxItems"},
    "string": _NOTES | {"type", "format", "minLength", "maxLength"},
    "number": _NOTES | {"type", "minimum", "maximum"},
    "integer": _NOTES | {"type", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "boolean": _NOTES | {"type"},
}
"""The keywords of each type that a certain part may have."""


_DRAFTS: Final = (
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
)
"""The drafts in which these keywords mean the same."""


class Walk(Protocol):
    """The walk over a schema that draws a value."""

    random: Random
    budget: Budget
    fitter: ValueFitter | None

    def value(
        self, schema: Schema, context: FieldContext, inside: tuple[str, ...] = (), depth: int = 0
    ) -> Json: ...


Draw: TypeAlias = Callable[[Walk, int], Json]
"""Draws a value at a depth, and counts it."""
CertainDraw: TypeAlias = Callable[[Random, ValueFitter | None], Json]
"""Draws a value, and counts nothing."""


class PlainPart(Struct, frozen=True):
    """The draws of a plain part. `certain` is None where the part is not certain. `values` and `characters` are the
    most that a certain value counts as."""

    draw: Draw
    certain: CertainDraw | None = None
    values: float = 1
    characters: float = 0
    is_fitted: bool = True
    """Whether a value of a conversation may replace the drawn one."""


def plain_part(schema: Schema, context: FieldContext, depth: int = 0) -> PlainPart | None:
    """Return the draws of a part of a normalized schema; None where the part is not plain."""
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
    keys = schema.keys() - {"$schema"} if schema.get("$schema") in _DRAFTS and depth == 0 else schema.keys()
    certain = keys <= _CERTAIN[kind]
    if kind == "object":
        return _object(schema, context, depth, certain=certain)
    if kind == "array":
        return _array(schema, context, depth, certain=certain)
    if kind == "string":
        return _text(schema, context, certain=certain)
    return (
        _scalar(_boolean, certain) if kind == "boolean" else _number(schema, context, kind, certain=certain)
    )


def _scalar(
    draw: CertainDraw, certain: bool, size: Callable[[Json], int] = lambda _: 0, most: int = 0
) -> PlainPart:
    """Return the draws of a value that counts as `size` characters, at most as `most`."""

    def counted(walk: Walk, _: int) -> Json:
        walk.budget.add_value()
        value = draw(walk.random, None)
        walk.budget.add_characters(size(value))
        return value

    return PlainPart(counted, draw if certain else None, characters=most)


def _choice(candidates: Sequence[Json]) -> PlainPart | None:
    count = len(candidates)
    sizes = [len(dumps(each)) for each in candidates]
    if not 0 < count <= _MAX_CANDIDATES or sum(sizes) > MAX_CACHED_LENGTH:
        return None
    bits = count.bit_length()

    def draw(random: Random, _: ValueFitter | None) -> Json:
        drawn = random.getrandbits(bits)
        while drawn >= count:
            drawn = random.getrandbits(bits)
        return candidates[drawn]

    return _scalar(draw, True, lambda value: len(dumps(value)), max(sizes))


def _boolean(random: Random, _: ValueFitter | None) -> Json:
    _pick_only_type(random)
    return random.random() < 0.7


def _pick_only_type(random: Random) -> None:
    """Draw as the choice among the types of a part does, where there is only one."""
    getrandbits = random.getrandbits
    while getrandbits(1):
        pass


def _number(schema: Schema, context: FieldContext, kind: str, *, certain: bool) -> PlainPart | None:
    try:
        points = number_points(schema, kind == "integer", realistic.number(context))
    except Unsatisfiable:
        return None
    first, count = points.first, points.last - points.first + 1
    bits, step, parts = count.bit_length(), points.grid.numerator, points.grid.denominator
    bounds = [schema[key] for key in _CERTAIN["integer"] & schema.keys() if key.endswith("imum")]

    def draw(random: Random, _: ValueFitter | None) -> Json:
        getrandbits = random.getrandbits
        while getrandbits(1):  # the choice among the types
            pass
        drawn = getrandbits(bits)
        while drawn >= count:
            drawn = getrandbits(bits)
        drawn = (first + drawn) * step
        return drawn / parts if drawn % parts else drawn // parts

    return _scalar(draw, certain and all(abs(bound) <= _LARGEST for bound in bounds))


def _text(schema: Schema, context: FieldContext, *, certain: bool) -> PlainPart | None:
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength", inf)
    generate_format = FORMATS.get(schema.get("format", ""))
    limited = shortest > 0 or longest < inf
    if shortest > min(longest, _MAX_SHORTEST) or (generate_format is not None and limited):
        return None
    read = len(context.name) + len(context.description)
    text_of, texts = generate_format or expected_text(context), expected_texts(context)

    def draw(random: Random, _: ValueFitter | None) -> Json:
        getrandbits = random.getrandbits
        while getrandbits(1):  # the choice among the types
            pass
        return fit_length(texts(random), shortest, longest, random) if limited else text_of(random)

    return _scalar(draw, certain, lambda text: read + len(text), read + _LONGEST)


def _array(schema: Schema, context: FieldContext, depth: int, *, certain: bool) -> PlainPart | None:
    items = schema.get("items")
    if not _NO_PLAIN_ARRAY.isdisjoint(schema):
        return None
    part = plain_part(
        items, FieldContext(context.name.removesuffix("s"), context.description, context.owner), depth + 1
    )
    if part is None:
        return None
    draw, draw_certain = part.draw, part.certain
    least = schema.get("minItems", 0)
    most = schema.get("maxItems", max(least, 3))

    def counted(walk: Walk, depth: int) -> Json:
        walk.budget.add_value()
        _pick_only_type(walk.random)
        count = min(most, max(least, 1 + below(walk.random, 3)))
        walk.budget.require_values(count)
        return [draw(walk, depth + 1) for _ in range(count)]

    if draw_certain is None or not certain or least > most:
        return PlainPart(counted)

    def uncounted(random: Random, fitter: ValueFitter | None) -> Json:
        _pick_only_type(random)
        count = min(most, max(least, 1 + below(random, 3)))
        return [draw_certain(random, fitter) for _ in range(count)]

    count = min(most, max(least, 3))
    values, characters = 1 + count * part.values, count * part.characters
    return PlainPart(counted, uncounted, values, characters, part.is_fitted)


def _object(schema: Schema, context: FieldContext, depth: int, *, certain: bool) -> PlainPart | None:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    required = schema.get("required", ())
    is_map = not properties and isinstance(schema.get("additionalProperties"), dict)
    if is_map or not set(required) <= properties.keys():
        return None
    members = []
    for field in fields_of(schema, context):
        part = plain_part(field.schema, field.context, depth + 1)
        if part is None and field.name in required:
            return None
        members.append((field, part))
    draw = _counted_object(members)
    if not certain:
        return PlainPart(draw)
    return _certain_object(members, draw)


def _counted_object(members: Sequence[tuple[DescribedField, PlainPart | None]]) -> Draw:
    """Return the draw of an object. A member without draws is not plain, and optional."""
    fields = [field for field, _ in members]
    read = sum(len(field.name) for field in fields)

    def draw(walk: Walk, depth: int) -> Json:
        walk.budget.add_value()
        _pick_only_type(walk.random)
        value: dict[str, Json] = {}
        for field, part in members:
            if part is not None:
                value[field.name] = part.draw(walk, depth + 1)
            else:
                with suppress(Unsatisfiable):
                    value[field.name] = walk.value(field.schema, field.context, (), depth + 1)
        walk.budget.add_characters(read)
        if walk.fitter is not None:
            value, names = walk.fitter.fit_members(fields, value)
            walk.fitter.take(names)
        return value

    return draw


def _certain_object(members: Sequence[tuple[DescribedField, PlainPart | None]], counted: Draw) -> PlainPart:
    """Return the draws of an object, whose value is certain where all its members and what fits them are."""
    fields, draws = [], []
    values, characters = 1.0, 0.0
    for field, part in members:
        if part is None or part.certain is None or (part.is_fitted and not is_checked(dumps(field.schema))):
            return PlainPart(counted)
        fields.append(field)
        draws.append((field.name, part.certain))
        values += part.values
        characters += len(field.name) + part.characters

    def draw(random: Random, fitter: ValueFitter | None) -> Json:
        getrandbits = random.getrandbits
        while getrandbits(1):  # the choice among the types
            pass
        value: dict[str, Json] = {}
        for name, draw_member in draws:
            value[name] = draw_member(random, fitter)
        if fitter is not None:
            value, names = fitter.fit_members(fields, value)
            fitter.take(names)
        return value

    return PlainPart(counted, draw, values, characters, is_fitted=False)
