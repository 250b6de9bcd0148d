"""Distances of near misses: their order, and unlike values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.json.codec import MISSING, Json
from mockllm.core.json.jsonpath import compile_path
from mockllm.core.matching import hints
from mockllm.core.matching.conditions import (
    MAX_COMPARED,
    AllOf,
    AtPath,
    Compare,
    Condition,
    Contains,
    EndsWith,
    Equals,
    Exists,
    Glob,
    Members,
    OneOf,
    Regex,
    Some,
)
from mockllm.core.matching.matchers import (
    AllMatcher,
    AnyMatcher,
    Field,
    FieldMatcher,
    Matcher,
    NotMatcher,
    rank_key,
)
from mockllm.core.matching.near_miss_distance import CASE, CLOSE, FAR, condition_distance, distance
from mockllm.core.matching.rule_matching import RuleIndex
from tests.core.json_requests import json_request

LONG = "word " * 20
CLOSER: list[tuple[str, Condition, Json, Condition, Json]] = [
    ("case before a letter", Equals("gpt-4o"), "GPT-4o", Equals("gpt-4o"), "gpt-4p"),
    ("one letter before three", Equals("gpt-4o-mini"), "gpt-4o-mimi", Equals("gpt-4o-mini"), "gpt-4o-maxi"),
    ("a letter before another name", Equals("gpt-4o"), "gpt-4", Equals("claude"), "gpt-4"),
    ("a number near", Compare("gt", 10), 9, Compare("gt", 12), 9),
    ("an equal number near", Equals(10), 9, Equals(10), 900),
    ("a glob by what it spells", Glob("gpt-4*"), "gtp-4", Glob("claude-*"), "gtp-4"),
    ("the nearest of several", OneOf((Equals("x"), Equals("gpt-4o"))), "gpt-4p", Equals("x"), "gpt-4p"),
    ("the nearest item", Some(Equals("weather")), ("time", "wether"), Some(Equals("weather")), ("time",)),
    ("a member", Members({"a": Equals("yes")}), {"a": "Yes"}, Members({"a": Equals("yes")}), {"a": "no"}),
    ("what stands at a path", AtPath(compile_path("$.a"), Equals(1)), {"a": 1.1}, Equals(1), {"a": 1.1}),
    ("a part in another case", Contains("Hello"), "hello you", Contains("Hello"), "good day"),
    ("an end with another space", EndsWith("a b"), "c a  b", EndsWith("a b"), "c"),
    ("a long text in another case", Equals(LONG), LONG.upper(), Equals(LONG), LONG + "!"),
]


@pytest.mark.parametrize(
    ("one", "near", "other", "far"), [case[1:] for case in CLOSER], ids=[case[0] for case in CLOSER]
)
def test_condition_distance_orders_values(one: Condition, near: Json, other: Condition, far: Json) -> None:
    assert 0 < condition_distance(one, near) < condition_distance(other, far) <= FAR


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        (Exists(True), MISSING),
        (Regex("^a$"), "A"),
        (Equals("1"), 1),
        (Equals(1), True),
        (Equals("a"), MISSING),
        (Equals("a"), "a" * 50),
        (OneOf(()), "a"),
        (AllOf(()), "a"),
        (Some(Equals(1)), ()),
        (Some(Equals(1)), 1),
        (Members({"a": Equals(1)}), "text"),
        (Contains("x"), 7),
        (Equals("weather"), "station"),
    ],
)
def test_condition_distance_of_unlike_values_is_far(condition: Condition, value: Json) -> None:
    assert condition_distance(condition, value) == FAR


def test_condition_distance_of_all_is_the_greatest() -> None:
    both = AllOf((Equals("A"), Equals("b"), Exists(True)))
    assert condition_distance(both, "a") == FAR
    assert condition_distance(AllOf((Equals("A"), Exists(True))), "a") == CASE


def model(name: str) -> FieldMatcher:
    return FieldMatcher(Field("model"), Equals(name))


REQUEST = json_request({"model": "gpt-4o", "messages": [["user", "hi"]]})


@pytest.mark.parametrize(
    ("matcher", "far"),
    [
        (model("gpt-4o"), (0, 0, -1)),
        (model("GPT-4o"), (1, CASE, 0)),
        (AllMatcher((model("GPT-4o"), model("claude"), model("gpt-4o"))), (2, CASE + FAR, -1)),
        (AnyMatcher((model("claude"), model("GPT-4o"))), (1, CASE, 0)),
        (AnyMatcher((AllMatcher((model("GPT-4o"), model("gpt-4o"))), model("claude"))), (1, CASE, -1)),
        (AnyMatcher(()), (1, FAR, 0)),
        (NotMatcher(model("claude")), (0, 0, -1)),
        (NotMatcher(model("gpt-4o")), (1, FAR, 0)),
    ],
)
def test_distance_counts_failed_and_passed_tests(matcher: Matcher, far: tuple[int, float, int]) -> None:
    assert distance(matcher, REQUEST) == far
    assert rank_key(matcher.test_results(REQUEST)) == (far[0], far[2])


@given(st.text("ab ", max_size=12), st.text("ab ", max_size=12))
def test_distance_of_texts_is_part_between_equal_ends(one: str, other: str) -> None:
    begins = equal_from_the_beginning(one, other)
    short, long = sorted((len(one), len(other)))
    ends = equal_from_the_beginning(one[begins:][::-1], other[begins:][::-1])
    share = 1 - (begins + ends) / max(long, 1)
    same = "".join(one.split()) == "".join(other.split())
    expected = CASE if same else CASE + share if share < CLOSE and long - short < long / 2 else FAR
    assert condition_distance(Equals(one), other) == pytest.approx(expected)


def equal_from_the_beginning(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))


def test_distance_of_long_texts_is_far() -> None:
    assert condition_distance(Equals("A" * 90_000), "a" * 90_000) == CASE
    assert condition_distance(Equals("A" * 110_000), "a" * 110_000) == FAR


def test_nearest_of_many_rules_is_the_intended_one() -> None:
    index = RuleIndex([*(model(f"other-{number}") for number in range(60)), model("gpt-4p")])
    assert index.nearest(REQUEST)[0][0] == 60


@pytest.mark.parametrize(("place", "is_close"), [(0, True), (MAX_COMPARED, False)])
def test_distance_of_a_list_compares_a_bounded_number_of_items(place: int, is_close: bool) -> None:
    items: list[Json] = [{"text": "unlike"}] * MAX_COMPARED
    items.insert(place, {"text": "hello numbr 1"})
    found = condition_distance(Some(Members({"text": Equals("hello number 1")})), items)
    assert (found < CLOSE) is is_close


def test_regex_is_compiled_once_for_the_hint_of_its_case() -> None:
    regex = Regex("Hello")
    assert [regex.difference(text) for text in ("hello", "HELLO")] == [hints.CASE, hints.CASE]
    assert regex.in_any_case is regex.in_any_case
