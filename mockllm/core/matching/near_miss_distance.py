"""The distance of near misses: how much a value differs from the expected one (in case, a letter, a close number).

A distance is from 0 (nearly equal) to 1 (unlike). Separate from matching, because only unmatched requests need it: it
ranks the rules with equally many failed tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from mockllm.core.json.codec import Json, Missing
from mockllm.core.matching import hints
from mockllm.core.matching.conditions import (
    MAX_COMPARED,
    AllOf,
    AtPath,
    Compare,
    HasMembers,
    Members,
    OneOf,
    Some,
    meets,
    member,
)
from mockllm.core.matching.matchers import AllMatcher, AnyMatcher, FieldMatcher, Matcher
from mockllm.core.matching.text_conditions import Condition, Contains, EndsWith, Equals, Glob, StartsWith
from mockllm.core.regex.compile import fold_case
from mockllm.core.request.request import Request

FAR: Final = 1.0
CLOSE: Final = 0.5
"""The maximum distance of similar values."""
CASE: Final = 0.05
"""The distance where only the case or white space differs."""
_MAX_NAME_LENGTH: Final = 60
"""Longer texts are not names that may be misspelt."""


MatcherDistance: TypeAlias = tuple[int, float, int]
"""The number of failed tests, the sum of their distances, and (negative) the number of passed tests. Less is
nearer."""


def distance(matcher: Matcher, request: Request) -> MatcherDistance:
    """Return the distance of a request; for an any the distance of its nearest part."""
    if type(matcher) is AnyMatcher:
        return min((distance(part, request) for part in matcher.parts), default=(1, FAR, 0))
    failed, total, passed = 0, 0.0, 0
    for part in matcher.parts if type(matcher) is AllMatcher else (matcher,):
        if type(part) is FieldMatcher:  # nearly all parts; a recursive call would double the cost of a miss
            value = part.field.read(request)
            if part.condition_on_value.matches(value):
                passed -= 1
            else:
                failed += 1
                total += condition_distance(part.condition_on_value, value)
        elif type(part) is AllMatcher or type(part) is AnyMatcher:
            part_failed, part_total, part_passed = distance(part, request)
            failed += part_failed
            total += part_total
            passed += part_passed
        elif part.matches(request):
            passed -= 1
        else:
            failed += 1
            total += FAR
    return failed, total, passed


def condition_distance(condition: Condition, value: Json | Missing) -> float:
    """Return the distance of a value that does not meet a condition."""
    match condition:
        case Equals(expected):
            return _unequal(expected, value)
        case Glob(pattern):
            return _unequal(pattern.strip("*"), value)
        case Compare(_, number):
            return _unequal(number, value)
        case Contains() | StartsWith() | EndsWith():
            return FAR if condition.difference(value) not in (hints.CASE, hints.SPACE) else CASE
        case OneOf(parts):
            return min((condition_distance(part, value) for part in parts), default=FAR)
        case AllOf(parts):
            return _worst((part, value) for part in parts)
        case Some(inner) if isinstance(value, (list, tuple)):
            nearest = (condition_distance(inner, item) for item in value[:MAX_COMPARED])
            return min(nearest, default=FAR)
        case Members(members) if isinstance(value, (dict, HasMembers)):
            return _worst((part, member(value, name)) for name, part in members.items())
        case AtPath(path, inner):
            return condition_distance(inner, path.value(value))
    return FAR


def _worst(pairs: Iterable[tuple[Condition, Json | Missing]]) -> float:
    """Return the greatest distance of the unmet conditions."""
    return max(
        (condition_distance(part, value) for part, value in pairs if not meets(part, value)), default=FAR
    )


def _unequal(expected: Json, value: Json | Missing) -> float:
    if isinstance(expected, str) and isinstance(value, str):
        return _misspelt(expected, value)
    numbers = (expected, value)
    if all(isinstance(number, (int, float)) and not isinstance(number, bool) for number in numbers):
        left, right = float(expected), float(value)  # type: ignore[arg-type]  # both are numbers
        return _up_to_close(abs(left - right) / max(abs(left), abs(right), 1))
    return FAR


def _misspelt(expected: str, text: str) -> float:
    """Return the part of a text between the beginning and the end that it shares with the expected text. difflib
    finds more common letters, at ten times the cost."""
    if len(text) > hints.MAX_TEXT_LENGTH:
        return FAR
    left, forms = fold_case(expected), hints.forms(text)
    right = forms.folded
    if left == right or "".join(left.split()) == forms.folded_bare:
        return CASE
    short, long = len(left), len(right)
    if short > long:
        short, long = long, short
    if long > _MAX_NAME_LENGTH or long - short >= long * CLOSE:
        return FAR
    begins = _greatest(short, lambda count: left[:count] == right[:count])
    ends = _greatest(short - begins, lambda count: left[-count:] == right[-count:])
    return _up_to_close(1 - (begins + ends) / long)


def _greatest(most: int, predicate: Callable[[int], bool]) -> int:
    """Return the greatest number up to `most` that meets a predicate which all smaller numbers meet."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        if predicate(middle):
            least = middle
        else:
            most = middle - 1
    return least


def _up_to_close(difference: float) -> float:
    return CASE + difference if difference < CLOSE else FAR
