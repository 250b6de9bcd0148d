"""The distributions of the language: how each is written, and its errors, each at the part that is wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct
from pydantic import ValidationError, ValidationInfo
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError, SchemaValidator, core_schema

from mockllm.core.quantities.parse import (
    BoundedDistribution,
    Distribution,
    Empirical,
    Exponential,
    LogNormal,
    Normal,
    Uniform,
)
from mockllm.core.quantities.types import quantity_error

SHAPES: Final[Mapping[str, tuple[str, ...]]] = {
    "normal": ("mean", "stddev"),
    "lognormal": ("median", "p99"),
    "exponential": ("mean",),
}
BOUND_KEYS: Final = frozenset(("min", "max"))
_FORMS: Final = ("uniform", *SHAPES, "empirical")
_EXPECTED: Final = (
    "expected a value, [low, high], or one of {uniform: [low, high]}, {normal: {mean, stddev}}, "
    "{lognormal: {median, p99}}, {exponential: {mean}}, {empirical: [...]}"
)
DEVIATION: Final = "stddev"
"""The key of a distance, not of a value: the bounds of its place do not hold for it."""

Read: TypeAlias = Callable[[object], float]
"""Parses one number or duration, and raises pydantic's errors."""


class Readers(Struct, frozen=True):
    """What reads the parts of a distribution: its values, its deviation, and the words of a file with values."""

    constant: Read
    deviation: Read
    word: Read
    info: ValidationInfo


_DEVIATIONS: Final = SchemaValidator(core_schema.float_schema(ge=0, allow_inf_nan=False, strict=True))


def read_deviation(value: object) -> float:
    """Return the standard deviation of a number. It may be a fraction where the number itself is a whole one."""
    number: float = _DEVIATIONS.validate_python(value)
    return number


def _read_at(place: tuple[str | int, ...], read: Read, value: object) -> float:
    """Read a part of a distribution. An error about it has this place below the setting."""
    try:
        return read(value)
    except ValidationError as errors:
        raise ValidationError.from_exception_data(
            errors.title, [_located(place, error) for error in errors.errors(include_url=False)]
        ) from None


def _located(place: tuple[str | int, ...], error: ErrorDetails) -> InitErrorDetails:
    kind: str | PydanticCustomError = error["type"]
    if kind == "value":
        kind = quantity_error(error["msg"])
    return InitErrorDetails(
        type=kind, loc=(*place, *error["loc"]), input=error["input"], ctx=error.get("ctx", {})
    )


def read_distribution(value: object, readers: Readers) -> Distribution | None:
    """Return the distribution of a list or an object; None for a constant. Raise an error for an invalid one."""
    if isinstance(value, list):
        return _uniform(value, readers.constant)
    if not isinstance(value, dict):
        return None
    if len(value) != 1:
        raise quantity_error(_EXPECTED)
    form, settings = next(iter(value.items()))
    if form == "uniform":
        return _uniform(settings, readers.constant, "uniform")
    if form == "empirical":
        return Empirical(_measured(settings, readers))
    if form in SHAPES:
        return _shaped(form, settings, readers)
    raise quantity_error(f'unknown distribution "{form}"{suggest(str(form), _FORMS)} ({_EXPECTED})')


def _uniform(settings: object, constant: Read, *place: str) -> Uniform:
    if not isinstance(settings, list) or len(settings) != 2:
        raise quantity_error("a range has two ends: write [low, high]")
    low, high = (_read_at((*place, end), constant, settings[end]) for end in (0, 1))
    if low > high:
        raise quantity_error(
            f"the range [{settings[0]}, {settings[1]}] is upside down: the lower end comes first"
        )
    return Uniform(low, high)


def _shaped(form: str, settings: object, readers: Readers) -> Distribution:
    keys = SHAPES[form]
    if not isinstance(settings, dict) or settings.keys() - BOUND_KEYS != set(keys):
        written = ", ".join(f"{key}: …" for key in keys)
        raise quantity_error(f"write {form}: {{{written}}} (and min, max)")
    values = {
        key: _read_at((form, key), readers.deviation if key == DEVIATION else readers.constant, settings[key])
        for key in (*keys, *sorted(BOUND_KEYS & settings.keys()))
    }
    inner = _unbounded(form, [values[key] for key in keys])
    if settings.keys().isdisjoint(BOUND_KEYS):
        return inner
    least, most = values.get("min", 0.0), values.get("max", math.inf)
    if least > most:
        raise quantity_error("min is above max")
    return BoundedDistribution(inner, least, most)


def _unbounded(form: str, numbers: Sequence[float]) -> Normal | LogNormal | Exponential:
    if form == "normal":
        return Normal(*numbers)
    if form == "exponential":
        return Exponential(*numbers)
    if not 0 < numbers[0] <= numbers[1]:
        raise quantity_error("a lognormal's median is more than 0, and its p99 not less than that")
    return LogNormal(*numbers)


def _measured(settings: object, readers: Readers) -> tuple[float, ...]:
    """Return the values of a list, or of a file with values between white space or commas."""
    context = readers.info.context
    if isinstance(settings, list):
        values = tuple(
            _read_at(("empirical", number), readers.constant, value) for number, value in enumerate(settings)
        )
    elif isinstance(settings, str) and context and "file" in context:
        try:
            values = tuple(
                readers.word(word) for word in re.split(r"[\s,]+", context["file"](settings).strip()) if word
            )
        except ValueError as error:
            raise quantity_error(f"{settings}: {error}") from None
    else:
        raise quantity_error("write empirical: [value, value, …], or the name of a file with such values")
    if not values:
        raise quantity_error("an empirical distribution needs at least one value")
    return values


def suggest(name: str, names: Iterable[str]) -> str:
    """Return the end of a message that names the nearest of these names; an empty text where none is near."""
    from difflib import get_close_matches  # needed only for an error

    near = get_close_matches(name, names, 1)
    return f'; did you mean "{near[0]}"?' if near else ""
