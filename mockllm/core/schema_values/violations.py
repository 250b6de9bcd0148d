"""JSON that is well formed and breaks the schema it was asked to fit: one change to a value that did fit.

What a model does that was not held to its schema: a field left out, a number as a text, a word that is in no
list, a field that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from random import Random
from typing import Any, Final, Literal, TypeAlias

from mockllm.core.json.codec import Json
from mockllm.core.json.schema_validator import Validator, validator

Way: TypeAlias = Literal["missing", "type", "value", "extra"]
MOST: Final = 500
"""How many changes are tried in one way; a schema that lets all of them pass asks for next to nothing."""
DEEPEST: Final = 30
"""How deep inside a value a place is looked for."""
EXTRA: Final = "unexpected_field"


def checker(schema: Json) -> Validator:
    """What checks a schema of any provider's form. Raises ValueError on one that is none."""
    from mockllm.core.schema_values.document import plain  # which a start does not need

    return validator(plain(schema))


def invalid_value(
    value: Json, holds: Callable[[Json], bool], ways: tuple[Way, ...], random: Random
) -> Json | None:
    """The value with one change that breaks the schema, in the first of the ways that can (`[value]` is the
    last resort of `type`); None where none does. Which place is changed is drawn."""
    for way in ways:
        for changed in islice(_WAYS[way](value, random), MOST):
            if not holds(changed):
                return changed
    return None


def _shuffled(keys: Any, random: Random) -> list[Any]:
    drawn = list(keys)
    random.shuffle(drawn)
    return drawn


def _places(
    value: Json, random: Random, depth: int = DEEPEST
) -> Iterator[tuple[Json, Callable[[Json], Json]]]:
    """Each value inside this one, the outer ones first, with what puts another in its place."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = _shuffled(value, random)
    elif isinstance(value, list):
        keys = _shuffled(range(len(value)), random)
    for key in keys:
        yield value[key], lambda other, key=key: _put(value, key, other)  # type: ignore[misc]
    for key in keys if depth else ():
        for inner, put in _places(value[key], random, depth - 1):
            yield inner, lambda other, key=key, put=put: _put(value, key, put(other))  # type: ignore[misc]


def _put(value: Any, key: Any, other: Json) -> Json:
    made = value.copy()
    made[key] = other
    return made


def _objects(value: Json, random: Random) -> Iterator[tuple[dict[str, Json], Callable[[Json], Json]]]:
    if isinstance(value, dict):
        yield value, lambda other: other
    for inner, put in _places(value, random):
        if isinstance(inner, dict):
            yield inner, put


def _missing(value: Json, random: Random) -> Iterator[Json]:
    for inner, put in _objects(value, random):
        for name in _shuffled(inner, random):
            yield put({key: held for key, held in inner.items() if key != name})


def _extra(value: Json, random: Random) -> Iterator[Json]:
    for inner, put in _objects(value, random):
        yield put({**inner, EXTRA: True})


def _retyped(value: Json) -> tuple[Json, ...]:
    """The value as another type, the likeliest slip first."""
    match value:
        case bool():
            return (str(value).lower(), int(value), None)
        case int() | float():
            return (str(value), None)
        case str():
            return (7, [value], None)
        case None:
            return ("null", 0)
        case list():
            return (value[0] if value else "", {"items": value})
    return ([value], "{}", None)


def _type(value: Json, random: Random) -> Iterator[Json]:
    for inner, put in _places(value, random):
        yield from map(put, _retyped(inner))
    yield from _retyped(value)


def _other(value: Json) -> tuple[Json, ...]:
    """Another value of the same type, further and further off."""
    match value:
        case bool():
            return (not value,)
        case int():
            return (value + 1, -value - 1, value + 1_000_000, -value - 1_000_000)
        case float():
            return (value + 0.5, -value - 0.5, value + 1e6, -value - 1e6)
        case str():
            return (f"not-{value}", "", value + "!" * 2000)
        case list():
            return ([], [*value, *value], value * 100)
    return ()


def _value(value: Json, random: Random) -> Iterator[Json]:
    for inner, put in _places(value, random):
        yield from map(put, _other(inner))
    yield from _other(value)


_WAYS: Final[Mapping[Way, Callable[[Json, Random], Iterator[Json]]]] = {
    "missing": _missing,
    "type": _type,
    "value": _value,
    "extra": _extra,
}
WAYS: Final = tuple(_WAYS)
