"""The bounds of a distribution's parts: those of its place, but for the standard deviation."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from mockllm.core.quantities.parse import Normal
from mockllm.core.values.types import Drawable, DrawnNumber

WIDE = TypeAdapter(Drawable[Annotated[int, Field(ge=2, le=9)]])


@pytest.mark.parametrize("deviation", [0, 0.5, 1, 20])
def test_deviation_has_not_the_bounds_of_its_place(deviation: float) -> None:
    found: Any = WIDE.validate_python({"normal": {"mean": 4, "stddev": deviation}})
    assert found == DrawnNumber(Normal(4, deviation), whole=True, least=2, most=9)


@pytest.mark.parametrize(
    ("written", "place", "content"),
    [
        ({"normal": {"mean": 4, "stddev": -1}}, ("normal", "stddev"), "greater than or equal to 0"),
        ({"normal": {"mean": 4, "stddev": "1"}}, ("normal", "stddev"), "valid number"),
        ({"normal": {"mean": 4, "stddev": float("inf")}}, ("normal", "stddev"), "finite number"),
        ({"normal": {"mean": 1, "stddev": 1}}, ("normal", "mean"), "greater than or equal to 2"),
        ({"normal": {"mean": 4, "stddev": 1, "max": 10}}, ("normal", "max"), "less than or equal to 9"),
        ([2, 10], (1,), "less than or equal to 9"),
        ({"uniform": [1, 4]}, ("uniform", 0), "greater than or equal to 2"),
        ({"empirical": [2, 1]}, ("empirical", 1), "greater than or equal to 2"),
    ],
)
def test_error_is_at_the_part_of_a_distribution(
    written: object, place: tuple[str | int, ...], content: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        WIDE.validate_python(written)
    (error,) = caught.value.errors()
    assert error["loc"] == place
    assert content in error["msg"]


ABOVE: list[tuple[Any, bool, float]] = [
    (Drawable[Annotated[int, Field(gt=0)]], True, 1),
    (Drawable[Annotated[float, Field(gt=0)]], False, 0.1),
]


@pytest.mark.parametrize(("kind", "whole", "least"), ABOVE)
def test_draw_stays_above_bound_that_is_excluded(kind: Any, whole: bool, least: float) -> None:
    found: Any = TypeAdapter(kind).validate_python({"normal": {"mean": 40, "stddev": 40}})
    assert found == DrawnNumber(Normal(40, 40), whole=whole, least=least)
