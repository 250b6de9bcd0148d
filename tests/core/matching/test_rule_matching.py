"""The rule index has the result of a linear scan for all matchers and requests."""

from __future__ import annotations

from typing import Any as Anything

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockllm.core.json.codec import Json
from mockllm.core.json.jsonpath import compile_path
from mockllm.core.json.path_evaluation import MAX_VISITED, TOO_LARGE
from mockllm.core.matching.conditions import (
    OPERATORS,
    AllOf,
    AtPath,
    Compare,
    Condition,
    Contains,
    Each,
    EndsWith,
    Equals,
    Exists,
    Glob,
    Length,
    Members,
    OneOf,
    Regex,
    Some,
    StartsWith,
    Subset,
    ValidBySchema,
)
from mockllm.core.matching.matchers import AllMatcher, AnyMatcher, Field, FieldMatcher, Matcher, NotMatcher
from mockllm.core.matching.rule_matching import RuleIndex
from tests.core.json_requests import JsonRequest, json_request
from tests.core.matchers import (
    conditions,
    deep,
    fields,
    matchers,
    requests,
)
from tests.examples import examples


def found(index: RuleIndex, request: JsonRequest) -> list[int]:
    """Return the numbers of all matchers that match."""
    return list(index.matching(index.match_mask(request), request, 0, len(index._matchers)))


def linear(matchers: list[Matcher], request: JsonRequest) -> list[int]:
    return [number for number, matcher in enumerate(matchers) if matcher.matches(request)]


@settings(max_examples=examples(200), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(matchers, max_size=12), st.lists(requests(), min_size=1, max_size=4))
def test_index_equals_linear_scan(indexed_matchers: list[Matcher], sent: list[JsonRequest]) -> None:
    index = RuleIndex(indexed_matchers)
    for request in (*sent, *sent):
        assert found(index, request) == linear(indexed_matchers, request)


@settings(max_examples=examples(100), deadline=None, suppress_health_check=list(HealthCheck))
@given(fields, st.lists(conditions, min_size=5, max_size=40), st.lists(requests(), min_size=1, max_size=4))
def test_index_with_many_conditions_on_field_equals_scan(
    field: Field, requested_values: list[Condition], sent: list[JsonRequest]
) -> None:
    indexed_matchers: list[Matcher] = [FieldMatcher(field, condition) for condition in requested_values]
    index = RuleIndex(indexed_matchers)
    for request in sent:
        assert found(index, request) == linear(indexed_matchers, request)


EVERY: list[Condition] = [
    *map(Equals, ("a", "ab", "", 1, 2.5, True, None, [1], {"a": [True]}, deep(1))),
    Equals("AB", True),
    Equals(1, True),
    Equals([], True),
    *(Contains(value) for value in ("a", "ab", "b", "bc", "c", "", 1, None)),
    *(Contains(value, True) for value in ("A", "AB", "")),
    *(StartsWith(value) for value in ("a", "ab", "abcdef", "")),
    *(EndsWith(value) for value in ("c", "bc", "abcdef", "")),
    StartsWith("AB", True),
    EndsWith("BC", True),
    *(Glob(pattern) for pattern in ("a", "a*", "*c", "*b*", "a*c", "?b*", "*b?", "[ab]*", "*")),
    *(Glob(pattern, True) for pattern in ("AB", "A*", "*C", "*B*", "A?C")),
    *(Regex(pattern) for pattern in ("ab", "b.*c", "[ab]$", "(?i)AB", "(?i)[A]", "")),
    *(Compare(op, number) for op in OPERATORS for number in range(12)),
    Compare("gt", float("nan")),
    Exists(True),
    Exists(False),
    *(Length(condition) for condition in (Equals(2), Compare("gt", 1), Exists(False))),
    *(Some(condition) for condition in (Equals("a"), Compare("gt", 1), Contains("b"), Some(Equals(1)))),
    Each(Equals("a")),
    Subset({"a": 1}),
    ValidBySchema({"type": "string"}),
    *(Members(members) for members in ({}, {"a": Equals(1)}, {"a": Exists(False)}, {"name": Equals("a")})),
    Members({"b": Each(Equals(1)), "a": Some(Equals(1))}),
    AtPath(compile_path("$.a"), Equals(1)),
    *(OneOf(parts) for parts in ((), (Equals("a"), Equals("a")), (Regex("a"), Equals(1)))),
    OneOf((Exists(False), Contains("b"))),
    *(AllOf(parts) for parts in ((), (Exists(True),), (StartsWith("a"), EndsWith("c")))),
    *(Some(AllOf(parts)) for parts in ((), (StartsWith("a"), Exists(True), Length(Equals(2))))),
    Some(AllOf((OneOf((Glob("a*"), Regex("b"))), ValidBySchema(True), OneOf(()), Some(Equals(1))))),
]  # fmt: skip
VALUES: list[Json] = [
    "", "a", "ab", "AB", "abc", "aBc", "xbc", "abcdef", "c", 0, 1, 1.0, 2.5, 5, 11, 12, True, False, None,
    [], [1], [True], ["a"], ["a", "b"], ["AB", 3], [[1]], [deep(1)], deep(1), {}, {"a": 1}, {"a": [True]},
    {"a": [1], "b": [1]}, {"b": 2},
]  # fmt: skip


@pytest.mark.parametrize("copies", [1, 12])
def test_index_of_every_condition_equals_scan(copies: int) -> None:
    indexed_matchers: list[Matcher] = []
    for _ in range(copies):
        indexed_matchers += [FieldMatcher(Field("body", "$.v"), condition) for condition in EVERY]
    index = RuleIndex(indexed_matchers)
    for request in (
        *(json_request({"v": value}) for value in VALUES),
        json_request({}),
        json_request([]),
        json_request(None),
    ):
        assert found(index, request) == linear(indexed_matchers, request)


@pytest.mark.parametrize(
    "name", ["user", "model", "tools", "messages", "tool_result", "tool_choice", "response_format"]
)
def test_index_of_conditions_on_texts_and_sets_equals_scan(name: str) -> None:
    indexed_matchers: list[Matcher] = [FieldMatcher(Field(name), condition) for condition in EVERY]
    index = RuleIndex(indexed_matchers)
    for text in (value for value in VALUES if isinstance(value, str)):
        messages = [["user", text], ["tool", [text, "a"]]]
        request = json_request(
            {
                "model": text,
                "messages": messages,
                "tools": [text, "b"],
                "tool_choice": [text],
                "schema_name": text,
            }
        )
        assert found(index, request) == linear(indexed_matchers, request)
    for request in (json_request({}), json_request({"tools": [], "messages": [["assistant", "a"]]})):
        assert found(index, request) == linear(indexed_matchers, request)


# --- what the index reads, and how it is built -----------------------------------------------------


class Guarded(JsonRequest):
    """A request whose body may not be looked at."""

    @property
    def body(self) -> Anything:
        raise AssertionError("the body was read")


def test_index_does_not_read_unneeded_body() -> None:
    request = Guarded(method="POST", path="/v1/a", headers={"x": "1"})
    matchers: list[Matcher] = [
        AllMatcher(
            (FieldMatcher(Field("path"), Equals("/v1/b")), FieldMatcher(Field("body", "$.a"), Equals(1)))
        ),
        AllMatcher(
            (FieldMatcher(Field("headers", "x"), Equals("2")), FieldMatcher(Field("model"), Equals("m")))
        ),
        FieldMatcher(Field("method"), Equals("POST")),
    ]
    assert found(RuleIndex(matchers), request) == [2]


def test_index_reads_nothing_without_remaining_rule() -> None:
    index = RuleIndex(
        [
            AllMatcher(
                (FieldMatcher(Field("path"), Equals("/v1/b")), FieldMatcher(Field("body", "$.a"), Equals(1)))
            )
        ]
    )
    assert found(index, Guarded(method="POST", path="/v1/a", headers={})) == []


def test_index_without_matchers_finds_nothing() -> None:
    assert found(RuleIndex([]), json_request({})) == []
    assert RuleIndex([]).nearest(json_request({})) == []


def test_index_is_built_in_slices() -> None:
    matchers: list[Matcher] = [
        FieldMatcher(Field("user"), Contains(f"case {number}.")) for number in range(500)
    ]
    building = RuleIndex.in_slices(matchers)
    steps = 0
    while True:
        try:
            next(building)
        except StopIteration as done:
            index = done.value
            break
        steps += 1
    assert steps > 20
    assert found(index, json_request({"messages": [["user", "case 77. case 7."]]})) == [7, 77]


def test_index_hits_serve_rules_and_modifiers() -> None:
    post = FieldMatcher(Field("method"), Equals("POST"))
    index = RuleIndex(
        [post, AnyMatcher((post, post)), NotMatcher(post), post, AnyMatcher((NotMatcher(post), post))]
    )
    request = json_request({})
    hits = index.match_mask(request)
    assert list(index.matching(hits, request, 0, 3)) == [0, 1]
    assert list(index.matching(hits, request, 3, 5)) == [3, 4]
    for first in range(5):
        for end in range(first, 6):
            assert list(index.matching(hits, request, first, end)) == [
                n for n in (0, 1, 3, 4) if first <= n < end
            ]


@pytest.mark.parametrize(
    ("field", "key", "request_of"),
    [
        ("headers", "x-{}", lambda n: json_request({}, headers={f"X-{n}": "on", "x-other": "on"})),
        ("query", "q{}", lambda n: json_request({}, query_string=f"q{n}=on&other=on")),
        ("body", "$.deep['k-{}']", lambda n: json_request({"deep": {f"k-{n}": "on", "other": "on"}})),
        ("body", "$.list[{}]", lambda n: json_request({"list": [None] * n + ["on"] + [None] * (n % 3)})),
        ("body", "$.list[-{}]", lambda n: json_request({"list": ["on"] + [None] * (n - 1)})),
    ],
)
def test_index_with_many_keys_equals_scan(field: str, key: str, request_of: Anything) -> None:
    matchers: list[Matcher] = [FieldMatcher(Field(field, key.format(n)), Equals("on")) for n in range(1, 60)]
    matchers += [FieldMatcher(Field(field, key.format(n)), Exists(False)) for n in range(1, 60)]
    index = RuleIndex(matchers)
    for number in (1, 7, 40, 59, 80):
        request = request_of(number)
        assert found(index, request) == linear(matchers, request)


def test_index_cache_of_small_field_is_bounded() -> None:
    index = RuleIndex(
        [FieldMatcher(Field("model"), Regex("^m-[0-4]+$")), FieldMatcher(Field("model"), Glob("m-1*"))]
    )
    for number in range(1200):
        expected = [0] * (not set(str(number)) - set("01234")) + [1] * str(number).startswith("1")
        assert found(index, json_request({"model": f"m-{number}"})) == (
            expected if not expected or 0 in expected[:1] else [1]
        )
    assert found(index, json_request({"model": "m-" + "1" * 400})) == [0, 1]


def test_index_with_too_many_rows_equals_scan() -> None:
    words = [FieldMatcher(Field("user"), Contains(word)) for word in "abcdefg"]
    pairs = AnyMatcher(tuple(words))
    matchers: list[Matcher] = [
        AllMatcher((pairs, pairs, pairs)),
        AllMatcher((pairs, AllMatcher((pairs, pairs)))),
        AnyMatcher((pairs,) * 5),
    ]
    for text in ("a", "x"):
        request = json_request({"messages": [["user", text]]})
        assert found(RuleIndex(matchers), request) == linear(matchers, request)


def test_index_with_too_many_paths_equals_scan() -> None:
    matchers: list[Matcher] = [FieldMatcher(Field("body", f"$.k{n}[*]"), Some(Equals(n))) for n in range(80)]
    for number in (3, 79):
        assert found(RuleIndex(matchers), json_request({f"k{number}": [number]})) == [number]


def test_index_with_too_many_conditions_equals_scan() -> None:
    condition = AllOf(tuple(Contains(word) for word in "abcdef"))
    index = RuleIndex([FieldMatcher(Field("user"), condition)])
    assert found(index, json_request({"messages": [["user", "fedcba"]]})) == [0]
    assert found(index, json_request({"messages": [["user", "edcba"]]})) == []


@pytest.mark.parametrize("copies", [1, 5])
def test_index_of_too_large_path_finds_no_rule(copies: int) -> None:
    conditions: list[Condition] = [
        Exists(True),
        Exists(False),
        Equals([1]),
        Length(Equals(0)),
        Some(Equals(1)),
    ]
    matchers = [FieldMatcher(Field("body", "$..a"), each) for each in conditions * copies]
    request = json_request({"wide": [{"a": 1}] * (MAX_VISITED + 1)})
    index = RuleIndex(matchers)
    assert found(index, request) == []
    assert not any(matcher.matches(request) for matcher in matchers)
    (_, results), *_ = index.nearest(request)
    assert [result.actual for result in results] == [str(TOO_LARGE)]


def test_index_of_too_deep_values_equals_scan() -> None:
    matchers: list[Matcher] = [
        FieldMatcher(Field("body", "$.a"), Equals(deep(number))) for number in range(6)
    ]
    matchers += [FieldMatcher(Field("body", "$.a"), Equals([number])) for number in range(6)]
    for value in (deep(3), [3], deep(4, 500)):
        request = json_request({"a": value})
        assert found(RuleIndex(matchers), request) == linear(matchers, request)
