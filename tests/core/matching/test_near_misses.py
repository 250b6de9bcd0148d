"""Near misses: the rules that differ least from a match."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mockllm.core.matching.conditions import (
    Contains,
    Equals,
    OneOf,
    Regex,
)
from mockllm.core.matching.matchers import AllMatcher, AnyMatcher, Field, FieldMatcher, Matcher
from mockllm.core.matching.near_miss_distance import distance
from mockllm.core.matching.rule_matching import RuleIndex, rows_of
from mockllm.core.request.request import Request
from tests.core.json_requests import JsonRequest, json_request
from tests.core.matchers import (
    matchers,
    requests,
)
from tests.examples import examples

GPT, POST, SYSTEM = (
    FieldMatcher(Field("model"), Equals("gpt-4o")),
    FieldMatcher(Field("method"), Equals("POST")),
    FieldMatcher(Field("system"), Contains("kind")),
)
HELLO = FieldMatcher(Field("user"), Contains("hello"))


def test_nearest_order_of_near_misses() -> None:
    matchers: list[Matcher] = [
        AllMatcher((GPT, HELLO, SYSTEM)),
        HELLO,
        AllMatcher((GPT, POST)),
        AllMatcher((POST, HELLO)),
        AllMatcher((POST, GPT, HELLO)),
        AllMatcher((GPT, POST, SYSTEM)),
        HELLO,
    ]
    request = json_request({"model": "gpt-4o", "messages": [["user", "Hello"]]})
    index = RuleIndex(matchers)
    assert [number for number, _ in index.nearest(request, 9)] == [4, 3, 1, 6, 5, 0]
    assert [number for number, _ in index.nearest(request)] == [4, 3, 1]
    assert [number for number, _ in index.nearest(request, end=4)] == [3, 1, 0]
    (_, results), *_ = index.nearest(request, 1)
    assert [(each.field, each.matched, each.hint) for each in results] == [
        ("method", True, None),
        ("model", True, None),
        ("user", False, "only the case differs"),
    ]


def test_nearest_leaves_out_matching_rules() -> None:
    matchers: list[Matcher] = [POST for _ in range(50)]
    matchers += [FieldMatcher(Field("user"), Regex("^order [0-9]+$")), AnyMatcher((POST, HELLO))]
    index = RuleIndex(matchers)
    assert [number for number, _ in index.nearest(json_request({"messages": [["user", "my order 5"]]}))] == [
        50
    ]


@settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(matchers.filter(lambda matcher: 0 < len(rows_of(matcher)) <= 4), max_size=8), requests())
def test_nearest_of_few_rules_is_exact(indexed_matchers: list[Matcher], request: JsonRequest) -> None:
    found = [number for number, _ in RuleIndex(indexed_matchers).nearest(request, 10)]
    assert found == ranked(indexed_matchers, request)


def ranked(matchers: Sequence[Matcher], request: Request) -> list[int]:
    """Those that do not hold, the nearest first, compared one by one."""
    far = sorted((*distance(matcher, request), number) for number, matcher in enumerate(matchers))
    return [number for failed, *_, number in far if failed]


ALIKE: dict[str, Callable[[int], Matcher]] = {
    "equal texts": lambda number: FieldMatcher(Field("user"), Equals(f"question number {number} of many")),
    "parts": lambda number: FieldMatcher(Field("user"), Contains(f"Number {number} of")),
    "one of two": lambda number: FieldMatcher(
        Field("user"), OneOf((Equals(f"Question {number}"), Contains(f"NUMBER {number} of")))
    ),
    "either": lambda number: AnyMatcher((FieldMatcher(Field("user"), Equals(f"number {number}")), GPT)),
    "models": lambda number: AllMatcher((POST, FieldMatcher(Field("model"), Equals(f"model-{number}")))),
    "numbers": lambda number: FieldMatcher(Field("body", "$.seed"), Equals(number)),
}


@settings(max_examples=examples(15), deadline=None)
@given(
    st.sampled_from(
        ["question number {} of many", "questoin number {}of many", "number {} of", "Question {}"]
    ),
    st.integers(0, 320),
)
@example("number {} of", 256)
@pytest.mark.parametrize("alike", ALIKE.values(), ids=ALIKE.keys())
def test_nearest_of_hundreds_of_alike_rules_is_exact(
    alike: Callable[[int], Matcher], content: str, number: int
) -> None:
    matchers = [AllMatcher((POST, alike(each), HELLO)) for each in range(300)]
    text = content.format(number)
    request = json_request({"model": f"model-{number}x", "seed": number + 0.5, "messages": [["user", text]]})
    found = [each for each, _ in RuleIndex(matchers).nearest(request)]
    assert found == ranked(matchers, request)[:3]


def test_nearest_of_thousands_of_alike_rules_ranks_some() -> None:
    matchers: list[Matcher] = [
        FieldMatcher(Field("user"), Equals(f"question {number}")) for number in range(2000)
    ]
    index = RuleIndex(matchers)

    def nearest(text: str) -> int:
        return index.nearest(json_request({"messages": [["user", text]]}))[0][0]

    assert nearest("Question 300") == 300
    assert nearest("Question 1700") in range(320)
    assert nearest("question 500" + " " * 10_000) == 0


def test_difference_shortens_the_last_user_text() -> None:
    (found,) = RuleIndex([HELLO]).nearest(json_request({"messages": [["user", "x" * 5000]]}))
    assert found[1][0].actual == f'"{"x" * 60} … {"x" * 40}" (5000 characters)'
