"""How small a slip is by which a value is not what was wanted: another case, a letter, a number nearby.

From 0 (as good as equal) to 1 (nothing alike). Apart from matching, because it is asked on a miss only, to tell
which of the rules that fail equally often a person more likely had in mind.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any as Anything
from typing import Final

from mockllm.core import hints
from mockllm.core.condition import Condition
from mockllm.core.conditions import AllOf, At, Compare, Members, OneOf, Some, member, met
from mockllm.core.json import Json, Missing
from mockllm.core.matching import All, Any, Matcher, Test
from mockllm.core.regexes import fold
from mockllm.core.request import Request
from mockllm.core.text_conditions import Contains, EndsWith, Equals, Glob, StartsWith

FAR: Final = 1.0
CLOSE: Final = 0.5
"""What differs by more is not alike."""
CASE: Final = 0.05
"""Only the case differs, or white space."""
_NAME: Final = 60
"""Longer texts are not taken for names that may be misspelt."""


def slip(matcher: Matcher, request: Request) -> float:
    """The slips of all tests that fail, added up; of an any those of the branch that is nearest."""
    if isinstance(matcher, Test):
        value = matcher.field.read(request)
        return 0 if matcher.met.holds(value) else slip_of(matcher.met, value)
    if isinstance(matcher, All):
        return sum(slip(part, request) for part in matcher.parts)
    if isinstance(matcher, Any):
        branches = ((part.distance(request)[0], slip(part, request)) for part in matcher.parts)
        return min(branches, default=(1, FAR))[1]
    return 0 if matcher.holds(request) else FAR


def slip_of(condition: Condition, value: Json | Missing) -> float:
    """The slip by which a value does not meet a condition."""
    match condition:
        case Equals(wanted):
            return _unequal(wanted, value)
        case Glob(pattern):
            return _unequal(pattern.strip("*"), value)
        case Compare(_, number):
            return _unequal(number, value)
        case Contains() | StartsWith() | EndsWith():
            return FAR if condition.difference(value) not in (hints.CASE, hints.SPACE) else CASE
        case OneOf(parts):
            return min((slip_of(part, value) for part in parts), default=FAR)
        case AllOf(parts):
            return _worst((part, value) for part in parts)
        case Some(inner) if isinstance(value, (list, tuple)):
            return min((slip_of(inner, item) for item in value), default=FAR)
        case Members(members) if condition.difference(value) is not None:
            found = ((part, member(value, name)) for name, part in members.items())
            return _worst(found)
        case At(path, inner):
            return slip_of(inner, path.value(value))
    return FAR


def _worst(asked: Iterable[tuple[Condition, Anything]]) -> float:
    """The greatest slip of the conditions that are not met."""
    return max((slip_of(part, value) for part, value in asked if not met(part, value)), default=FAR)


def _unequal(wanted: Json, value: Json | Missing) -> float:
    if isinstance(wanted, str) and isinstance(value, str):
        return _misspelt(wanted, value)
    numbers = (wanted, value)
    if all(isinstance(each, (int, float)) and not isinstance(each, bool) for each in numbers):
        one, other = float(wanted), float(value)  # type: ignore[arg-type]  # both are numbers
        return _close(abs(one - other) / max(abs(one), abs(other), 1))
    return FAR


def _misspelt(wanted: str, text: str) -> float:
    """By what share of its letters a text is another one: what stands between the equal beginning and the equal
    end. That is less than difflib finds, and costs a tenth."""
    one, other = fold(wanted), fold(text)
    if one == other or "".join(one.split()) == "".join(other.split()):
        return CASE
    short, long = sorted((len(one), len(other)))
    if long > _NAME or long - short >= long * CLOSE:
        return FAR
    begins = _equal(one, other, short)
    ends = _equal(one[::-1], other[::-1], short - begins)
    return _close(1 - (begins + ends) / long)


def _equal(one: str, other: str, most: int) -> int:
    """How many letters are the same from the beginning on."""
    for at in range(most):
        if one[at] != other[at]:
            return at
    return most


def _close(difference: float) -> float:
    return CASE + difference if difference < CLOSE else FAR
