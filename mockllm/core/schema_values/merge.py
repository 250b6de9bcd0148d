"""Two schemas as one that means both, as far as making a value needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import gcd, lcm
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.schema_values.document import Schema


def merged(one: Mapping[str, Json], other: Mapping[str, Json]) -> dict[str, Json]:
    """Both schemas. Of what only describes (title, format, examples …) the first one's stays."""
    made = dict(one)
    for key, value in other.items():
        if key in made:
            made[key] = _COMBINED[key](made[key], value) if key in _COMBINED else made[key]
        else:
            made[key] = value
    return made


def whole_step(one: Fraction, other: Fraction) -> Fraction:
    """The smallest number that both divide."""
    return Fraction(lcm(one.numerator, other.numerator), gcd(one.denominator, other.denominator))


def fraction(number: Json) -> Fraction:
    """A JSON number exactly as it is written."""
    return Fraction(repr(number))


def _types(one: Json, other: Json) -> Json:
    """The types that both name; an integer is a number."""
    ones, others = ([kind] if isinstance(kind, str) else kind for kind in (one, other))
    common = [kind for kind in ones if kind in others or (kind == "integer" and "number" in others)]
    return common + [kind for kind in others if kind == "integer" and "number" in ones and kind not in common]


def _union(one: Json, other: Json) -> Json:
    return list(dict.fromkeys([*one, *other]))


def _both(one: Schema, other: Schema) -> Schema:
    return one if one == other else {"allOf": [one, other]}


def _each(one: Mapping[str, Schema], other: Mapping[str, Schema]) -> Schema:
    shared = {name: _both(one[name], other[name]) for name in one if name in other}
    return {**one, **other, **shared}


def _common(one: Json, other: Json) -> Json:
    return [value for value in one if value in other]


def _multiple(one: Json, other: Json) -> Json:
    step = whole_step(fraction(one), fraction(other))
    return step.numerator if step.denominator == 1 else float(step)


_COMBINED: Final[Mapping[str, Callable[[Json, Json], Json]]] = {
    "type": _types,
    "enum": _common,
    "required": _union,
    "properties": _each,
    "patternProperties": _each,
    "dependentRequired": _each,
    "items": _both,
    "additionalProperties": _both,
    "contains": _both,
    "propertyNames": _both,
    "multipleOf": _multiple,
    "uniqueItems": lambda one, other: one or other,
    **dict.fromkeys(("minimum", "exclusiveMinimum"), max),
    **dict.fromkeys(("minLength", "minItems", "minProperties", "minContains"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum"), min),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties", "maxContains"), min),
}
