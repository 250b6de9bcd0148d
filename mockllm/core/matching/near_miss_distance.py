"""How small a slip is by which a value is not what was wanted: another case, a letter, a number nearby.

From 0 (as good as equal) to 1 (nothing alike). Apart from matching, because it is asked on a miss only, to tell
which of the rules that fail equally often a person more likely had in mind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any as Anything
from typing import Final, TypeAlias

from mockllm.core.json.codec import Json, Missing
from mockllm.core.matching import hints
from mockllm.core.matching.condition import Condition
from mockllm.core.matching.conditions import AllOf, AtPath, Compare, Members, OneOf, Some, member, met
from mockllm.core.matching.matchers import AllMatcher, AnyMatcher, FieldMatcher, Matcher
from mockllm.core.matching.text_conditions import Contains, EndsWith, Equals, Glob, StartsWith
from mockllm.core.regex.compile import fold
from mockllm.core.request.request import Request

FAR: Final = 1.0
CLOSE: Final = 0.5
"""What differs by more is not alike."""
CASE: Final = 0.05
"""Only the case differs, or white space."""
_NAME: Final = 60
"""Longer texts are not taken for names that may be misspelt."""


Off: TypeAlias = tuple[int, float, int]
"""How far a request is off: how many tests failed, their slips added up, and (negative) how many held. Less is
nearer."""


def distance(matcher: Matcher, request: Request) -> Off:
    """How far a request is off; of an any its branch that is nearest."""
    if type(matcher) is AnyMatcher:
        return min((distance(part, request) for part in matcher.parts), default=(1, FAR, 0))
    failed, slips, held = 0, 0.0, 0
    for part in matcher.parts if type(matcher) is AllMatcher else (matcher,):
        if type(part) is FieldMatcher:  # nearly all are; a call for each would double what a miss costs
            value = part.field.read(request)
            if part.condition_on_value.matches(value):
                held -= 1
            else:
                failed += 1
                slips += condition_distance(part.condition_on_value, value)
        elif type(part) is AllMatcher or type(part) is AnyMatcher:
            one, slip, other = distance(part, request)
            failed += one
            slips += slip
            held += other
        elif part.matches(request):
            held -= 1
        else:
            failed += 1
            slips += FAR
    return failed, slips, held


def condition_distance(condition: Condition, value: Json | Missing) -> float:
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
            return min((condition_distance(part, value) for part in parts), default=FAR)
        case AllOf(parts):
            return _worst((part, value) for part in parts)
        case Some(inner) if isinstance(value, (list, tuple)):
            return min((condition_distance(inner, item) for item in value), default=FAR)
        case Members(members) if condition.difference(value) is not None:
            found = ((part, member(value, name)) for name, part in members.items())
            return _worst(found)
        case AtPath(path, inner):
            return condition_distance(inner, path.value(value))
    return FAR


def _worst(asked: Iterable[tuple[Condition, Anything]]) -> float:
    """The greatest slip of the conditions that are not met."""
    return max(
        (condition_distance(part, value) for part, value in asked if not met(part, value)), default=FAR
    )


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
    if len(text) > hints.MAX_TEXT_LENGTH:
        return FAR
    one, known = fold(wanted), hints.forms(text)
    other = known.folded
    if one == other or "".join(one.split()) == known.folded_bare:
        return CASE
    short, long = len(one), len(other)
    if short > long:
        short, long = long, short
    if long > _NAME or long - short >= long * CLOSE:
        return FAR
    begins = _most(short, lambda count: one[:count] == other[:count])
    ends = _most(short - begins, lambda count: one[-count:] == other[-count:])
    return _close(1 - (begins + ends) / long)


def _most(most: int, holds: Callable[[int], bool]) -> int:
    """The greatest number up to `most` for which it holds, as it does for all that are smaller."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        if holds(middle):
            least = middle
        else:
            most = middle - 1
    return least


def _close(difference: float) -> float:
    return CASE + difference if difference < CLOSE else FAR
