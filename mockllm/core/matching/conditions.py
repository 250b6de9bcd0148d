"""What a scenario may ask of one value: is it this, does it contain that, how long is it …

A value that is missing meets no condition but `exists: false`. A tuple is a set of things (the tools that
were offered): a condition on it holds where it holds for any of them, unless it is about the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import ge, gt, le, lt
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from mockllm.core.display import brief, cut
from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.json.equality import subset
from mockllm.core.json.jsonpath import JsonPath
from mockllm.core.json.schema import Validator, validator
from mockllm.core.matching import hints
from mockllm.core.matching.condition import Condition, Structured
from mockllm.core.matching.text_conditions import Contains, EndsWith, Equals, Glob, Regex, StartsWith

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
    "Length",
    "Members",
    "OneOf",
    "Regex",
    "Schema",
    "Some",
    "StartsWith",
    "Structured",
    "Subset",
    "member",
    "met",
    "of_set",
    "takes_nodes",
]

Operator: TypeAlias = Literal["gt", "gte", "lt", "lte"]
OPERATORS: Final[Mapping[Operator, tuple[Any, str]]] = {
    "gt": (gt, "more than"),
    "gte": (ge, "at least"),
    "lt": (lt, "less than"),
    "lte": (le, "at most"),
}


class OneOf(Struct, Condition, frozen=True):
    """Any of several."""

    conditions: tuple[Condition, ...]

    def matches(self, value: Json | Missing) -> bool:
        return any(condition.matches(value) for condition in self.conditions)

    def describe(self) -> str:
        return "one of " + (_listed([condition.describe() for condition in self.conditions]) or "nothing")

    def difference(self, value: Json | Missing) -> str | None:
        words = [
            each.value for each in self.conditions if isinstance(each, Equals) and isinstance(each.value, str)
        ]
        nearest = hints.nearest_word(value, words)
        if nearest is not None:
            return f"nearest is {brief(nearest)}"
        found = (condition.difference(value) for condition in self.conditions)
        return next((hint for hint in found if hint is not None), None)


class Compare(Struct, Condition, frozen=True):
    """A number against a number; nothing else is taken for one."""

    op: Operator
    number: int | float

    def matches(self, value: Json | Missing) -> bool:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        return bool(OPERATORS[self.op][0](value, self.number))

    def describe(self) -> str:
        return f"{OPERATORS[self.op][1]} {self.number}"

    def difference(self, value: Json | Missing) -> str | None:
        return hints.of_type(self.number, value)


class Exists(Struct, Condition, frozen=True):
    """Whether there is a value at all (null is one; an empty set is none)."""

    wanted: bool

    def matches(self, value: Json | Missing) -> bool:
        return (value is not MISSING and value != ()) is self.wanted

    def describe(self) -> str:
        return "anything" if self.wanted else "nothing"


class Length(Struct, Condition, frozen=True):
    """A condition on how many characters, items or members there are."""

    condition: Condition

    def matches(self, value: Json | Missing) -> bool:
        return isinstance(value, (str, list, tuple, dict)) and self.condition.matches(len(value))

    def describe(self) -> str:
        return f"length {self.condition.describe()}"

    def difference(self, value: Json | Missing) -> str | None:
        return f"its length is {len(value)}" if isinstance(value, (str, list, tuple, dict)) else None


@dataclass(frozen=True)
class Schema(Condition):
    """Valid by a JSON Schema. Raises ValueError on a schema that is none."""

    schema: Json
    _validator: Validator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_validator", validator(self.schema))

    def matches(self, value: Json | Missing) -> bool:
        return value is not MISSING and self._validator.matches(value)

    def describe(self) -> str:
        return "valid by the schema"

    def difference(self, value: Json | Missing) -> str | None:
        return None if value is MISSING else cut(self._validator.error_message(value))


class Subset(Struct, Condition, frozen=True):
    """All of this is in it: an object's members and a list's items, at any depth."""

    value: Json

    def matches(self, value: Json | Missing) -> bool:
        return subset(self.value, value)

    def describe(self) -> str:
        return f"holds all of {brief(self.value)}"

    def difference(self, value: Json | Missing) -> str | None:
        return hints.of_subset(self.value, value)


class Each(Struct, Condition, frozen=True):
    """Every item of a list that has at least one."""

    condition: Condition

    def matches(self, value: Json | Missing) -> bool:
        return (
            isinstance(value, (list, tuple))
            and len(value) > 0
            and all(met(self.condition, each) for each in value)
        )

    def describe(self) -> str:
        return f"each {self.condition.describe()}"

    def difference(self, value: Json | Missing) -> str | None:
        if not isinstance(value, (list, tuple)):
            return hints.of_type([], value)
        for number, item in enumerate(value):
            if not met(self.condition, item):
                return f"item {number} is {brief(item)}"
        return "there are none" if not value else None


class Some(Struct, Condition, frozen=True):
    """At least one item of a list."""

    condition: Condition

    def matches(self, value: Json | Missing) -> bool:
        return isinstance(value, (list, tuple)) and any(met(self.condition, item) for item in value)

    def describe(self) -> str:
        return f"some {self.condition.describe()}"

    def difference(self, value: Json | Missing) -> str | None:
        if not isinstance(value, (list, tuple)):
            return hints.of_type([], value)
        found = (self.condition.difference(item) for item in value)
        return next((hint for hint in found if hint is not None), None)


class Members(Struct, Condition, frozen=True):
    """Conditions on an object's members by name; one that is not there is missing."""

    members: Mapping[str, Condition]

    def matches(self, value: Json | Missing) -> bool:
        if not isinstance(value, (dict, Structured)):
            return False
        return all(met(condition, member(value, name)) for name, condition in self.members.items())

    def describe(self) -> str:
        return ", ".join(f"{name} {condition.describe()}" for name, condition in self.members.items())

    def difference(self, value: Json | Missing) -> str | None:
        if not isinstance(value, (dict, Structured)):
            return hints.of_type({}, value)
        for name, condition in self.members.items():
            found = member(value, name)
            if not met(condition, found):
                hint = condition.difference(found)
                return f"{name} is {brief(found)}" + (f" ({hint})" if hint else "")
        return None


class AtPath(Struct, Condition, frozen=True):
    """A condition on what stands at a path inside the value; on the list of it where it may be several."""

    path: JsonPath
    condition: Condition

    def matches(self, value: Json | Missing) -> bool:
        return value is not MISSING and self.condition.matches(self.path.value(value))

    def describe(self) -> str:
        return f"{self.path.text} {self.condition.describe()}"

    def difference(self, value: Json | Missing) -> str | None:
        return self.condition.difference(self.path.value(value))


class AllOf(Struct, Condition, frozen=True):
    """Several at once."""

    conditions: tuple[Condition, ...]

    def matches(self, value: Json | Missing) -> bool:
        return all(condition.matches(value) for condition in self.conditions)

    def describe(self) -> str:
        return ", ".join(condition.describe() for condition in self.conditions)

    def difference(self, value: Json | Missing) -> str | None:
        found = (each.difference(value) for each in self.conditions if not each.matches(value))
        return next((hint for hint in found if hint is not None), None)


# --- sets ------------------------------------------------------------------------------------------


def met(condition: Condition, value: Json | Missing) -> bool:
    """Whether the value, or (of a tuple) any of the things in it, meets the condition."""
    return (of_set(condition) if isinstance(value, tuple) else condition).matches(value)


def of_set(condition: Condition) -> Condition:
    """The condition as it stands for a set: for any one of its things, unless it is about the whole."""
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
    return isinstance(condition, (Exists, Length, Each, Some, Schema))


def member(value: Json, name: str) -> Json | Missing:
    """What stands under a name: in an object, or in a thing of a set (a tool result has name, id, text …)."""
    if isinstance(value, dict):
        return value.get(name, MISSING)
    if isinstance(value, Structured):
        return value.member(name)
    return MISSING


def takes_nodes(condition: Condition) -> bool:
    """Whether it may stand on a path that can give several nodes: `each`, `some` and `exists` may."""
    if isinstance(condition, (OneOf, AllOf)):
        return all(map(takes_nodes, condition.conditions))
    return isinstance(condition, (Each, Some, Exists))


def _listed(words: list[str]) -> str:
    shown = words if len(words) <= 4 else [*words[:3], f"{len(words) - 3} more"]
    return ", ".join(shown)
