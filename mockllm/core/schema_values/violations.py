"""Schema violations: one change that makes a valid value invalid, while it stays well-formed JSON.

The changes are typical mistakes of models that no schema constrains. Examples are a missing field, a number as
a text, a value outside of the enumeration, and an additional field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from random import Random
from typing import Final, Literal, TypeAlias

from mockllm.core.budget import Budget
from mockllm.core.json.codec import Json
from mockllm.core.schema_values.sizes import value_size, written_schema

ViolationKind: TypeAlias = Literal["missing", "type", "value", "extra"]
MAX_CHANGES: Final = 500
"""The most changes of one kind that are tried; a schema that allows all of them requires nearly nothing."""
MAX_DEPTH: Final = 30
"""The depth inside a value up to which changes are tried."""
EXTRA: Final = "unexpected_field"


class BudgetedCheck:
    """The check of values against a schema of any provider, within a budget."""

    def __init__(self, schema: Json, budget: Budget) -> None:
        """Raise ValueError where the schema is invalid, BudgetExceeded where it is too much work to compile."""
        from mockllm.core.schema_values.document import normalize, patterns  # not needed at start
        from mockllm.core.schema_values.patterns import budgeted_validator

        written_schema(schema, budget)
        try:
            root = normalize(schema)
            self._validator, self._patterns = budgeted_validator(root, budget), tuple(patterns(root))
        except RecursionError:
            raise ValueError("the schema is nested too deep") from None
        self._budget = budget

    def matches(self, value: Json) -> bool:
        """Return whether a value is valid. Raise BudgetExceeded."""
        from mockllm.core.schema_values.patterns import match_cost

        length = value_size(value)
        cost = max((match_cost(pattern, length) for pattern in self._patterns), default=0)
        self._budget.add_matching(length + cost)
        return self._validator.matches_within(self._budget, value)


def invalid_value(
    value: Json, matches: Callable[[Json], bool], kinds: tuple[ViolationKind, ...], random: Random
) -> Json | None:
    """Return the value with one change that violates the schema, of the first kind that is possible. `[value]` is
    the last resort of `type`. The changed place is drawn. Return None where no change violates it."""
    for kind in kinds:
        for changed in islice(_CHANGES[kind](value, random), MAX_CHANGES):
            if not matches(changed):
                return changed
    return None


def _shuffled(keys: Iterable[str | int], random: Random) -> list[str | int]:
    result = list(keys)
    random.shuffle(result)
    return result


def _places(
    value: Json, random: Random, depth: int = MAX_DEPTH
) -> Iterator[tuple[Json, Callable[[Json], Json]]]:
    """Yield each value inside a value, the outer ones first, with a function that replaces it."""
    keys: list[str | int] = []
    if isinstance(value, dict):
        keys = _shuffled(value, random)
    elif isinstance(value, list):
        keys = _shuffled(range(len(value)), random)
    for key in keys:
        yield value[key], lambda new, key=key: _replaced(value, key, new)  # type: ignore[misc]
    for key in keys if depth else ():
        for inner, put in _places(value[key], random, depth - 1):
            yield inner, lambda new, key=key, put=put: _replaced(value, key, put(new))  # type: ignore[misc]


def _replaced(value: Json, key: str | int, new: Json) -> Json:
    result = value.copy()
    result[key] = new
    return result


def _objects(value: Json, random: Random) -> Iterator[tuple[dict[str, Json], Callable[[Json], Json]]]:
    if isinstance(value, dict):
        yield value, lambda new: new
    for inner, put in _places(value, random):
        if isinstance(inner, dict):
            yield inner, put


def _missing(value: Json, random: Random) -> Iterator[Json]:
    for inner, put in _objects(value, random):
        for name in _shuffled(inner, random):
            yield put({key: member for key, member in inner.items() if key != name})


def _extra(value: Json, random: Random) -> Iterator[Json]:
    for inner, put in _objects(value, random):
        yield put({**inner, EXTRA: True})


def _retyped(value: Json) -> tuple[Json, ...]:
    """Return the value as other types, the likeliest mistake first."""
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
    """Return other values of the same type, each further from the value."""
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


_CHANGES: Final[Mapping[ViolationKind, Callable[[Json, Random], Iterator[Json]]]] = {
    "missing": _missing,
    "type": _type,
    "value": _value,
    "extra": _extra,
}
VIOLATION_KINDS: Final = tuple(_CHANGES)
