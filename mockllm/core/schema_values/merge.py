"""The merge of two schemas into one that requires both, as far as generation needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import gcd, lcm
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.schema_values.document import Schema


def merged(left: Mapping[str, Json], right: Mapping[str, Json]) -> dict[str, Json]:
    """Return one schema for both. The first one's annotations (title, format, examples …) take precedence."""
    result = dict(left)
    for key, value in right.items():
        if key in result:
            result[key] = _MERGES[key](result[key], value) if key in _MERGES else result[key]
        else:
            result[key] = value
    return result


def common_multiple(left: Fraction, right: Fraction) -> Fraction:
    """Return the smallest number that both divide."""
    return Fraction(lcm(left.numerator, right.numerator), gcd(left.denominator, right.denominator))


def fraction(number: Json) -> Fraction:
    """Return a JSON number exactly as it is written."""
    return Fraction(repr(number))


def _types(left: Json, right: Json) -> Json:
    """Return the types that both allow; an integer is a number."""
    lefts, rights = ([kind] if isinstance(kind, str) else kind for kind in (left, right))
    common = [kind for kind in lefts if kind in rights or (kind == "integer" and "number" in rights)]
    return common + [
        kind for kind in rights if kind == "integer" and "number" in lefts and kind not in common
    ]


def _union(left: Json, right: Json) -> Json:
    return list(dict.fromkeys([*left, *right]))


def _both(left: Schema, right: Schema) -> Schema:
    return left if left == right else {"allOf": [left, right]}


def _each_member(left: Mapping[str, Schema], right: Mapping[str, Schema]) -> Schema:
    shared = {name: _both(left[name], right[name]) for name in left if name in right}
    return {**left, **right, **shared}


def _common(left: Json, right: Json) -> Json:
    return [value for value in left if value in right]


def _multiple(left: Json, right: Json) -> Json:
    step = common_multiple(fraction(left), fraction(right))
    return step.numerator if step.denominator == 1 else float(step)


_MERGES: Final[Mapping[str, Callable[[Json, Json], Json]]] = {
    "type": _types,
    "enum": _common,
    "required": _union,
    "properties": _each_member,
    "patternProperties": _each_member,
    "dependentRequired": _each_member,
    "items": _both,
    "additionalProperties": _both,
    "contains": _both,
    "propertyNames": _both,
    "multipleOf": _multiple,
    "uniqueItems": lambda left, right: left or right,
    **dict.fromkeys(("minimum", "exclusiveMinimum"), max),
    **dict.fromkeys(("minLength", "minItems", "minProperties", "minContains"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum"), min),
    **dict.fromkeys(("maxLength", "maxItems", "maxProperties", "maxContains"), min),
}
