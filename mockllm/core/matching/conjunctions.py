"""Matchers as rows: each row a conjunction, a matcher with `any` several of them, one after another.

The index works on rows, so that each branch of a disjunction is found by what it asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.matching.conditions import AllOf, Condition
from mockllm.core.matching.fields import Field
from mockllm.core.matching.matchers import AllMatcher, AnyMatcher, FieldMatcher, Matcher, NotMatcher
from mockllm.core.request.request import Request

BRANCHES: Final = 32
"""A matcher that would make more rows keeps its further disjunctions as they are."""


class FieldTest(Struct, frozen=True):
    """One condition on one field, as it is asked (see `Test.met`)."""

    field: Field
    condition: Condition

    def matches(self, request: Request) -> bool:
        return self.condition.matches(self.field.read(request))


Part: TypeAlias = FieldTest | AnyMatcher | NotMatcher
Conjunction: TypeAlias = tuple[Part, ...]


def rows_of(matcher: Matcher) -> list[Conjunction]:
    """The rows of which any must hold. Leaves are what an index can work on; the rest it cannot."""
    if isinstance(matcher, FieldMatcher):
        return [
            tuple(FieldTest(matcher.field, condition) for condition in _split(matcher.condition_on_value))
        ]
    if isinstance(matcher, NotMatcher):
        return [(matcher,)]
    if isinstance(matcher, AnyMatcher):
        rows = [row for part in matcher.parts for row in rows_of(part)]
        return rows if len(rows) <= BRANCHES else [(matcher,)]
    whole: list[Conjunction] = [()]
    for part in matcher.parts:
        rows = rows_of(part)
        if len(whole) * len(rows) > BRANCHES and isinstance(part, AnyMatcher | AllMatcher):
            rows = [(AnyMatcher((part,)),)]
        whole = [left + right for left in whole for right in rows]
    return whole


def _split(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, AllOf):
        for part in condition.conditions:
            yield from _split(part)
    else:
        yield condition
