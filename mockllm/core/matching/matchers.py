"""Matchers: compiled `match` blocks of rules and modifiers. They test fields, and combine tests by all, any and not.

A matcher returns whether a request matches, the groups of its regexes, and the results of its tests, for a near miss.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.display import brief_ends
from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.matching.conditions import (
    AllOf,
    AtPath,
    Condition,
    Each,
    Length,
    Members,
    OneOf,
    Regex,
    Some,
    member,
    of_set,
)
from mockllm.core.matching.fields import Field, ToolResultFields
from mockllm.core.matching.misplaced_text import misplaced_text
from mockllm.core.matching.missing_member import missing_member
from mockllm.core.request.messages import ResultPart
from mockllm.core.request.request import Request

__all__ = [
    "AllMatcher",
    "AnyMatcher",
    "Field",
    "FieldMatcher",
    "FieldTestResult",
    "Matcher",
    "NotMatcher",
    "captures",
    "matched_tool_result",
    "rank_key",
    "slow_regexes",
]

HASHES: Final = ("hash", "older_hash")
"""The fields whose values are hashes; a rule lists many, and a reader needs to recognise one only."""
_HASH: Final = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")


class FieldTestResult(Struct, frozen=True):
    """The result of one test, also of a passed one: the expected and the actual value of a field. `matched`: they
    agree. `hint` explains why they do not."""

    field: str
    expected: str
    actual: str
    hint: str | None
    matched: bool


def rank_key(results: Sequence[FieldTestResult]) -> tuple[int, int]:
    """Return the number of failed tests, and (negative) of passed tests. Less is nearer."""
    passed = sum(result.matched for result in results)
    return len(results) - passed, -passed


@dataclass(frozen=True)
class FieldMatcher:
    """A condition on a field."""

    __test__ = False  # pytest does not collect it as a test case

    field: Field
    condition: Condition
    condition_on_value: Condition = dataclasses.field(init=False, repr=False, compare=False)
    """The condition on the field's value: on any element of a set, or on the whole value."""

    def __post_init__(self) -> None:
        is_set = self.field.info.kind == "set"
        object.__setattr__(self, "condition_on_value", of_set(self.condition) if is_set else self.condition)

    def matches(self, request: Request) -> bool:
        return self.condition_on_value.matches(self.field.read(request))

    def describe(self) -> str:
        return f"{self.field} {self.condition.describe()}"

    def test_results(self, request: Request) -> list[FieldTestResult]:
        value = self.field.read(request)
        matched = self.condition_on_value.matches(value)
        field, expected = str(self.field), self.condition.describe()
        if value is not MISSING and self.field.is_secret:  # results are stored and logged
            return [FieldTestResult(field, expected, "one that is not shown", None, matched)]
        if self.field.name in HASHES:
            expected = _HASH.sub(r"\1…", expected)
        hint = None if matched else self._hint(value, request)
        actual = brief_ends(value)
        if self.field.name == "path" and request.path_prefix:
            actual += f" (without the prefix {request.path_prefix})"
        return [FieldTestResult(field, expected, actual, hint, matched)]

    def _hint(self, value: Json | Missing, request: Request) -> str | None:
        field = self.field
        hint = self.condition_on_value.difference(value)
        if hint is None and value is MISSING and field.name == "body" and field.path is not None:
            return missing_member(field.path, request.body)
        return hint or misplaced_text(field.name, self.condition, request)


class AllMatcher(Struct, frozen=True):
    """Matches where all parts match; without parts, any request."""

    parts: tuple[Matcher, ...]

    def matches(self, request: Request) -> bool:
        return all(part.matches(request) for part in self.parts)

    def describe(self) -> str:
        return _joined(" and ", self.parts)

    def test_results(self, request: Request) -> list[FieldTestResult]:
        return [result for part in self.parts for result in part.test_results(request)]


class AnyMatcher(Struct, frozen=True):
    """Matches where at least one part matches; without parts, no request."""

    parts: tuple[Matcher, ...]

    def matches(self, request: Request) -> bool:
        return any(part.matches(request) for part in self.parts)

    def describe(self) -> str:
        return _joined(" or ", self.parts)

    def test_results(self, request: Request) -> list[FieldTestResult]:
        """Return the results of the part that matches, or is nearest."""
        if not self.parts:
            return [FieldTestResult("any", "one of none", "nothing", None, False)]
        return min((part.test_results(request) for part in self.parts), key=rank_key)


class NotMatcher(Struct, frozen=True):
    """Matches where the part does not."""

    part: Matcher

    def matches(self, request: Request) -> bool:
        return not self.part.matches(request)

    def describe(self) -> str:
        return f"not ({self.part.describe()})"

    def test_results(self, request: Request) -> list[FieldTestResult]:
        inside = self.part.test_results(request)
        fields = ", ".join(dict.fromkeys(result.field for result in inside))
        actual = ", ".join(dict.fromkeys(result.actual for result in inside))
        return [FieldTestResult(fields, self.describe(), actual, None, self.matches(request))]


Matcher: TypeAlias = FieldMatcher | AllMatcher | AnyMatcher | NotMatcher


def captures(matcher: Matcher, request: Request) -> dict[str, str]:
    """Return the groups of the regexes for a request that matches, by name and by number (0 the whole match). The
    first of equal names counts. A group without a match is left out."""
    result: dict[str, str] = {}
    for test in _matching_field_matchers(matcher, request):
        for groups in _groups(test.condition_on_value, test.field.read(request)):
            result = groups | result
    return result


def matched_tool_result(matcher: Matcher, request: Request) -> ResultPart | None:
    """Return the first tool result that the matcher matches; None where it has no condition on one."""
    for test in _matching_field_matchers(matcher, request):
        if test.field.name == "tool_result":
            for part in request.tool_results:
                if test.condition_on_value.matches((ToolResultFields(part),)):
                    return part
    return None


def slow_regexes(matcher: Matcher) -> Iterator[tuple[Field, Regex]]:
    """Yield the regexes without a required literal on fields that are not small (of few different values): each must
    try every text."""
    for test in _field_matchers(matcher):
        if not test.field.info.small:
            yield from ((test.field, regex) for regex in _regexes(test.condition) if regex.literal is None)


def _field_matchers(matcher: Matcher) -> Iterator[FieldMatcher]:
    if isinstance(matcher, FieldMatcher):
        yield matcher
    elif isinstance(matcher, NotMatcher):
        yield from _field_matchers(matcher.part)
    else:
        for part in matcher.parts:
            yield from _field_matchers(part)


def _matching_field_matchers(matcher: Matcher, request: Request) -> Iterator[FieldMatcher]:
    """Yield the tests of a matcher that matches: of an any, the tests of its first part that matches."""
    if isinstance(matcher, FieldMatcher):
        yield matcher
    elif isinstance(matcher, AllMatcher):
        for part in matcher.parts:
            yield from _matching_field_matchers(part, request)
    elif isinstance(matcher, AnyMatcher):
        for part in matcher.parts:
            if part.matches(request):
                yield from _matching_field_matchers(part, request)
                return


def _inner(condition: Condition) -> tuple[Condition, ...]:
    if isinstance(condition, (OneOf, AllOf)):
        return condition.conditions
    if isinstance(condition, (Some, Each, Length, AtPath)):
        return (condition.condition,)
    return tuple(condition.members.values()) if isinstance(condition, Members) else ()


def _regexes(condition: Condition) -> Iterator[Regex]:
    if isinstance(condition, Regex):
        yield condition
    for inner in _inner(condition):
        yield from _regexes(inner)


def _groups(condition: Condition, value: Json | Missing) -> Iterator[dict[str, str]]:
    """Yield the groups of every regex of a condition that the value meets."""
    if isinstance(condition, Regex):
        groups = condition.captures(value)
        if groups is not None:
            yield groups
    elif isinstance(condition, AllOf):
        for part in condition.conditions:
            yield from _groups(part, value)
    elif isinstance(condition, OneOf):
        for part in condition.conditions:
            if part.matches(value):
                yield from _groups(part, value)
                return
    elif isinstance(condition, Some):
        if isinstance(value, (list, tuple)):
            for item in value:
                if condition.condition.matches(item):
                    yield from _groups(condition.condition, item)
                    return
    elif isinstance(condition, Members):
        for name, part in condition.members.items():
            yield from _groups(part, member(value, name))
    elif isinstance(condition, AtPath):
        yield from _groups(condition.condition, condition.path.value(value))


def _joined(word: str, parts: tuple[Matcher, ...]) -> str:
    return word.join(
        f"({part.describe()})" if isinstance(part, (AllMatcher, AnyMatcher)) else part.describe()
        for part in parts
    )
