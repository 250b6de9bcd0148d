"""Numbers within a schema's bounds: points of a grid, chosen where a reader would expect them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from random import Random
from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.schema_values.document import Unsatisfiable
from mockllm.core.schema_values.merge import fraction, whole_step

_FINEST: Final = 12
"""Decimals that are tried where bounds leave little room."""
_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1
"""What JSON's readers agree on."""
_SPAN: Final = 100
"""How far from a bound a number is expected."""


def made_number(
    schema: Mapping[str, Json], random: Random, whole: bool, usual: tuple[float, float, int] | None = None
) -> int | float:
    """A number of the schema; `usual`: the range and decimals that its name suggests. Raises Impossible."""
    low, above = _bound(schema, "minimum", "exclusiveMinimum", max)
    high, below = _bound(schema, "maximum", "exclusiveMaximum", min)
    decimals = 0 if whole else 2 if usual is None else usual[2]
    step = Fraction(1) if whole else None
    if "multipleOf" in schema:
        multiple = fraction(schema["multipleOf"])
        step = multiple if step is None else whole_step(step, multiple)
    wanted = (Fraction(1), Fraction(_SPAN)) if usual is None else (fraction(usual[0]), fraction(usual[1]))
    for finer in range(decimals, _FINEST):
        grid = step or Fraction(1, 10**finer)
        for start, end in (_window(wanted, low, high), (low, high)):
            first, last = ceil(start / grid), floor(end / grid)
            first += above and first * grid == low
            last -= below and last * grid == high
            if first <= last:
                return _number(random.randint(first, last) * grid)
        if step is not None:
            break
    raise Unsatisfiable("no number stands within the bounds")


def _bound(
    schema: Mapping[str, Json], inclusive: str, exclusive: str, tighter: object
) -> tuple[Fraction, bool]:
    """The tighter of the two bounds, and whether it is itself left out."""
    lower = tighter is max
    bound, open_ = Fraction(_LEAST if lower else _MOST), False
    for key in (inclusive, exclusive):
        if key in schema:
            value = fraction(schema[key])
            if (value >= bound) if lower else (value <= bound):
                bound, open_ = value, key == exclusive
    return bound, open_


def _window(wanted: tuple[Fraction, Fraction], low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """What is expected, within the bounds; where they do not meet, what is near a bound."""
    start, end = max(wanted[0], low), min(wanted[1], high)
    if start <= end:
        return start, end
    return (low, min(high, low + _SPAN)) if low > wanted[1] else (max(low, high - _SPAN), high)


def _number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)
