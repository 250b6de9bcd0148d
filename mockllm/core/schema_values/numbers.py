"""The generation of numbers: points of a grid within a schema's bounds, in the range that a reader expects."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from random import Random
from typing import Final

from msgspec import Struct

from mockllm.core.json.codec import Json
from mockllm.core.schema_values.document import Unsatisfiable
from mockllm.core.schema_values.merge import common_multiple, fraction

_MAX_DECIMALS: Final = 12
"""The most decimals that are tried between close bounds."""
_MIN: Final = -(2**63)
_MAX: Final = 2**63 - 1
"""The bounds that all JSON parsers support."""
_SPAN: Final = 100
"""The expected distance of a number from its bound."""


class NumberPoints(Struct, frozen=True):
    """The points of a grid from `first` to `last`, counted in steps of the grid."""

    first: int
    last: int
    grid: Fraction

    def draw(self, random: Random) -> int | float:
        """Return one of the numbers."""
        step, parts = self.grid.numerator, self.grid.denominator
        count = random.randint(self.first, self.last) * step
        return count / parts if count % parts else count // parts


def number_points(
    schema: Mapping[str, Json], whole: bool, usual: tuple[float, float, int] | None
) -> NumberPoints:
    """Return numbers of the schema. `usual`: the range and decimals that its name suggests. Raise Unsatisfiable
    where there is none."""
    low, above = _bound(schema, "minimum", "exclusiveMinimum", max)
    high, below = _bound(schema, "maximum", "exclusiveMaximum", min)
    decimals = 0 if whole else 2 if usual is None else usual[2]
    step = Fraction(1) if whole else None
    if "multipleOf" in schema:
        multiple = fraction(schema["multipleOf"])
        step = multiple if step is None else common_multiple(step, multiple)
    expected = (Fraction(1), Fraction(_SPAN)) if usual is None else (fraction(usual[0]), fraction(usual[1]))
    for digits in range(decimals, _MAX_DECIMALS):
        grid = step or Fraction(1, 10**digits)
        for start, end in (_window(expected, low, high), (low, high)):
            first, last = ceil(start / grid), floor(end / grid)
            first += above and first * grid == low
            last -= below and last * grid == high
            if first <= last:
                return NumberPoints(first, last, grid)
        if step is not None:
            break
    raise Unsatisfiable("no number is within the bounds")


def _bound(
    schema: Mapping[str, Json], inclusive: str, exclusive: str, tighter: object
) -> tuple[Fraction, bool]:
    """Return the tighter of the two bounds, and whether the bound itself is excluded."""
    lower = tighter is max
    bound, open_ = Fraction(_MIN if lower else _MAX), False
    for key in (inclusive, exclusive):
        if key in schema:
            value = fraction(schema[key])
            if (value >= bound) if lower else (value <= bound):
                bound, open_ = value, key == exclusive
    return bound, open_


def _window(expected: tuple[Fraction, Fraction], low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """Return the expected range within the bounds; a range near a bound where they do not overlap."""
    start, end = max(expected[0], low), min(expected[1], high)
    if start <= end:
        return start, end
    return (low, min(high, low + _SPAN)) if low > expected[1] else (max(low, high - _SPAN), high)
