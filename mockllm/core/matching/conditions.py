"""The conditions that a scenario may have on one value: equality, containment, length …

A missing value meets no condition but `exists: false`. A tuple is a set (such as the offered tools). It meets a
condition where any of its elements does, unless the condition is on the whole set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import ge, gt, le, lt
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from mockllm.core.display import brief, shortened
from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.json.equality import subset
from mockllm.core.json.jsonpath import JsonPath
from mockllm.core.json.path_evaluation import TOO_LARGE
from mockllm.core.json.schema import ValidationTooLong, Validator, validator
from mockllm.core.json.schema_work import MAX_CONDITION_STEPS
from mockllm.core.matching import hints
from mockllm.core.matching.text_conditions import (
    Condition,
    Contains,
    EndsWith,
    Equals,
    Glob,
    HasMembers,
    Regex,
    StartsWith,
)
from mockllm.core.regex.timed_search import TimedSearch

__all__ = [
    "AllOf",
    "AtPath",
    "Compare",
    "Condition",
    "Contains",
    "Each",
    "EndsWith",
    "Equals",
    "Exists",
    "Glob",
    "HasMembers",
    "Length",
    "Members",
    "OneOf",
    "Regex",
    "Some",
    "StartsWith",
    "Subset",
    "ValidBySchema",
    "meets",
    "member",
    "of_set",
]

MAX_TIMEOUTS: Final = 2
"""The most searches of a list's items that may take too long; later items are not searched."""
MAX_COMPARED: Final = 200
"""Most items of a list that a hint is searched in: a client chooses their number."""
Operator: TypeAlias = Literal["gt", "gte", "lt", "lte"]
OPERATORS: Final[Mapping[Operator, tuple[Callable[[float, float], bool], str]]] = {
    "gt": (gt, "more than"),
    "gte": (ge, "at least"),
    "lt": (lt, "less than"),
    "lte": (le, "at most"),
}


class OneOf(Struct, Condition, frozen=True):
    """The value meets any of several conditions."""

    conditions: tuple[Condition, ...]

    def matches(self, value: Json | Missing) -> bool:
        return any(condition.matches(value) for condition in self.conditions)

    def describe(self) -> str:
        return "one of " + (_shortened([condition.describe() for condition in self.conditions]) or "nothing")

    def difference(self, value: Json | Missing) -> str | None:
        equals = [condition for condition in self.conditions if isinstance(condition, Equals)]
        words = [condition.value for condition in equals if isinstance(condition.value, str)]
        nearest = hints.nearest_word(value, words)
        if nearest is not None:
            return f"nearest is {brief(nearest)}"
        return _first(condition.difference(value) for condition in self.conditions)


class Compare(Struct, Condition, frozen=True):
    """The value is a number, and compares with a number."""

    op: Operator
    number: int | float

    def matches(self, value: Json | Missing) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return OPERATORS[self.op][0](value, self.number)

    def describe(self) -> str:
        return f"{OPERATORS[self.op][1]} {self.number}"

    def difference(self, value: Json | Missing) -> str | None:
        return hints.type_hint(self.number, value)


class Exists(Struct, Condition, frozen=True):
    """There is a value, or none (null is a value; an empty set is none)."""

    expected: bool

    def matches(self, value: Json | Missing) -> bool:
        if value is TOO_LARGE:  # a path that visits too many nodes; it meets no condition
            return False
        return (value is not MISSING and value != ()) is self.expected

    def describe(self) -> str:
        return "anything" if self.expected else "nothing"


class Length(Struct, Condition, frozen=True):
    """The number of characters, items or members meets a condition."""

    condition: Condition

    def matches(self, value: Json | Missing) -> bool:
        return isinstance(value, (str, list, tuple, dict)) and self.condition.matches(len(value))

    def describe(self) -> str:
        return f"length {self.condition.describe()}"

    def difference(self, value: Json | Missing) -> str | None:
        return f"its length is {len(value)}" if isinstance(value, (str, list, tuple, dict)) else None


@dataclass(frozen=True)
class ValidBySchema(Condition):
    """The value is valid against a JSON Schema. Raises ValueError on an invalid schema."""

    schema: Json
    _validator: Validator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_validator", validator(self.schema))

    def matches(self, value: Json | Missing) -> bool:
        try:
            return value is not MISSING and self._validator.matches(value, MAX_CONDITION_STEPS)
        except ValidationTooLong:
            return False

    def describe(self) -> str:
        return "valid by the schema"

    def difference(self, value: Json | Missing) -> str | None:
        return (
            None if value is MISSING else shortened(self._validator.error_message(value, MAX_CONDITION_STEPS))
        )


class Subset(Struct, Condition, frozen=True):
    """The value contains all of another value: an object's members and a list's items, at any depth."""

    value: Json

    def matches(self, value: Json | Missing) -> bool:
        return subset(self.value, value)

    def describe(self) -> str:
        return f"holds all of {brief(self.value)}"

    def difference(self, value: Json | Missing) -> str | None:
        return hints.subset_hint(self.value, value)


class Each(Struct, Condition, frozen=True):
    """The list has at least one item, and every item meets a condition."""

    condition: Condition

    def matches(self, value: Json | Missing) -> bool:
        return (
            isinstance(value, (list, tuple))
            and len(value) > 0
            and all(meets(self.condition, item) for item in value)
        )

    def describe(self) -> str:
        return f"each {self.condition.describe()}"

    def difference(self, value: Json | Missing) -> str | None:
        if not isinstance(value, (list, tuple)):
            return hints.type_hint([], value)
        for number, item in enumerate(value):
            if not meets(self.condition, item):
                return f"item {number} is {brief(item)}"
        return "there are none" if not value else None


class Some(Struct, Condition, frozen=True):
    """At least one item of the list meets a condition."""

    condition: Condition

    def matches(self, value: Json | Missing) -> bool:
        if not isinstance(value, (list, tuple)):
            return False
        max_count = TimedSearch.timeouts + MAX_TIMEOUTS
        for item in value:
            if meets(self.condition, item):
                return True
            if TimedSearch.timeouts >= max_count:
                break
        return False

    def describe(self) -> str:
        return f"some {self.condition.describe()}"

    def difference(self, value: Json | Missing) -> str | None:
        if not isinstance(value, (list, tuple)):
            return hints.type_hint([], value)
        items = value[:MAX_COMPARED]
        if isinstance(self.condition, Equals):
            near = hints.nearest_word(self.condition.value, [item for item in items if isinstance(item, str)])
            if near is not None:
                return f"did you mean {brief(near)}?"
        return _first(self.condition.difference(item) for item in items)


class Members(Struct, Condition, frozen=True):
    """The members of an object meet conditions by name."""

    members: Mapping[str, Condition]

    def matches(self, value: Json | Missing) -> bool:
        if not isinstance(value, (dict, HasMembers)):
            return False
        return all(meets(condition, member(value, name)) for name, condition in self.members.items())

    def describe(self) -> str:
        return ", ".join(f"{name} {condition.describe()}" for name, condition in self.members.items())

    def difference(self, value: Json | Missing) -> str | None:
        if not isinstance(value, (dict, HasMembers)):
            return hints.type_hint({}, value)
        for name, condition in self.members.items():
            actual = member(value, name)
            if not meets(condition, actual):
                hint = condition.difference(actual)
                return f"{name} is {brief(actual)}" + (f" ({hint})" if hint else "")
        return None


class AtPath(Struct, Condition, frozen=True):
    """The value at a path meets a condition; the list of values, where the path may have several."""

    path: JsonPath
    condition: Condition

    def matches(self, value: Json | Missing) -> bool:
        if value is MISSING or value is TOO_LARGE:  # TOO_LARGE: a path that visits too many nodes
            return False
        return self.condition.matches(self.path.value(value))

    def describe(self) -> str:
        return f"{self.path.text} {self.condition.describe()}"

    def difference(self, value: Json | Missing) -> str | None:
        actual = self.path.value(value)
        return str(actual) if actual is TOO_LARGE else self.condition.difference(actual)


class AllOf(Struct, Condition, frozen=True):
    """The value meets all of several conditions."""

    conditions: tuple[Condition, ...]

    def matches(self, value: Json | Missing) -> bool:
        return all(condition.matches(value) for condition in self.conditions)

    def describe(self) -> str:
        return ", ".join(condition.describe() for condition in self.conditions)

    def difference(self, value: Json | Missing) -> str | None:
        unmet = (condition for condition in self.conditions if not condition.matches(value))
        return _first(condition.difference(value) for condition in unmet)


def _first(hints: Iterable[str | None]) -> str | None:
    return next((hint for hint in hints if hint is not None), None)


def meets(condition: Condition, value: Json | Missing) -> bool:
    """Return whether the value, or any element of a tuple, meets the condition."""
    return (of_set(condition) if isinstance(value, tuple) else condition).matches(value)


def of_set(condition: Condition) -> Condition:
    """Return the condition on a set: on any element, unless the condition is on the whole set."""
    if not _is_whole(condition):
        return Some(condition)
    if isinstance(condition, OneOf):
        return OneOf(tuple(map(of_set, condition.conditions)))
    if isinstance(condition, AllOf):
        whole = tuple(of_set(part) for part in condition.conditions if _is_whole(part))
        single = tuple(part for part in condition.conditions if not _is_whole(part))
        return AllOf((*whole, Some(AllOf(single)))) if single else AllOf(whole)
    return condition


def _is_whole(condition: Condition) -> bool:
    if isinstance(condition, (OneOf, AllOf)):
        return any(map(_is_whole, condition.conditions))
    if isinstance(condition, (Equals, Contains, Subset)):
        return isinstance(condition.value, (list, tuple))
    return isinstance(condition, (Exists, Length, Each, Some, ValidBySchema))


def member(value: Json, name: str) -> Json | Missing:
    """Return the member of an object, or of an element of a set (a tool result has name, id, text …)."""
    if isinstance(value, dict):
        return value.get(name, MISSING)
    if isinstance(value, HasMembers):
        return value.member(name)
    return MISSING


def _shortened(words: list[str]) -> str:
    shown = words if len(words) <= 4 else [*words[:3], f"{len(words) - 3} more"]
    return ", ".join(shown)
