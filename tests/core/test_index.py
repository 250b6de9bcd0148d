"""The index finds exactly what a linear scan finds, whatever the matchers and the request."""

from __future__ import annotations

from typing import Any as Anything

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockllm.core.conditions import (
    OPERATORS,
    AllOf,
    At,
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
    Schema,
    Some,
    StartsWith,
    Subset,
)
from mockllm.core.index import Index
from mockllm.core.json import Json
from mockllm.core.jsonpath import compile_path
from mockllm.core.matching import All, Any, Field, Matcher, Not, Test
from mockllm.core.rows import rows_of
from mockllm.core.slips import slip
from tests.core.asking import Asked, ask

WORDS = [
    "",
    "a",
    "b",
    "ab",
    "aB",
    "Ab",
    "abc",
    "gpt-4",
    "GPT-4",
    "ba",
    "a b",
    "İ",
    "ı",
    "I",
    "ß",
    "SS",
    "x/y",
]
NUMBERS = [0, 1, 1.0, 2, 2.5, -1, 3]
PATHS = ["$", "$.a", "$.b", "$.a.b", "$.a[0]", "$.a[-1]", "$['x y']", "$.messages[0][1]"]
MANY = ["$.a[*]", "$..b", "$.messages[*][0]", "$.a[?@.b == 1]"]
GLOBS = ["*", "a*", "*b", "*b*", "a*b", "g?t*", "[ab]*", "", "ab", "*a?b*", "?b"]
REGEXES = ["ab", "^a", "b$", "(?i)AB", "a.b", "a|b", "(?:ab)+", "[ab]", "gpt-\\d", "(?i:a)b", "(ab)?", ""]

words = st.sampled_from(WORDS)
scalars = st.one_of(words, st.sampled_from(NUMBERS), st.booleans(), st.none())
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=5,
)
bools = st.booleans()


def nested(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, max_size=3).map(tuple)
    members = st.dictionaries(st.sampled_from(["a", "b", "role", "text", "name", "json"]), inner, max_size=2)
    return st.one_of(
        st.builds(OneOf, several),
        st.builds(AllOf, several),
        st.builds(Some, inner),
        st.builds(Each, inner),
        st.builds(Length, inner),
        st.builds(Members, members),
        st.builds(At, st.sampled_from(PATHS).map(compile_path), inner),
    )


conditions = st.recursive(
    st.one_of(
        st.builds(Equals, values, bools),
        st.builds(Contains, scalars, bools),
        st.builds(StartsWith, words, bools),
        st.builds(EndsWith, words, bools),
        st.builds(Glob, st.sampled_from(GLOBS), bools),
        st.builds(Regex, st.sampled_from(REGEXES), bools),
        st.builds(Compare, st.sampled_from(["gt", "gte", "lt", "lte"]), st.sampled_from(NUMBERS)),
        st.builds(Exists, bools),
        st.builds(Subset, values),
        st.builds(Schema, st.sampled_from([{"type": "string"}, {"type": "array"}, True])),
    ),
    nested,
    max_leaves=4,
)
PLAIN = [
    "method", "path", "provider", "dialect", "api", "generates", "host", "session", "api_key", "model",
    "stream", "response_format", "tool_choice", "turn", "user", "system", "tools", "tool_result",
    "has_image", "messages", "raw_body", "input_tokens", "hash",
]  # fmt: skip
fields = st.one_of(
    st.sampled_from(["user", "model", "tools", "messages", "tool_result", "turn"]).map(Field),
    st.sampled_from(PLAIN).map(Field),
    st.builds(Field, st.sampled_from(["headers", "query"]), st.sampled_from(["a", "b", "c"])),
    st.builds(Field, st.just("body"), st.sampled_from(PATHS)),
    st.builds(Field, st.just("body"), st.sampled_from(MANY)),
)
tests = st.builds(Test, fields, conditions)
matchers: st.SearchStrategy[Matcher] = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, max_size=4).map(tuple)),
        st.builds(Any, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)
roles = st.sampled_from(["user", "assistant", "system"])
turns = st.tuples(roles, words | st.none()) | st.tuples(st.just("tool"), st.lists(words, max_size=2))
bodies = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "model": words,
            "messages": st.lists(turns, max_size=3),
            "tools": st.lists(words, max_size=2),
            "tool_choice": st.lists(words, max_size=2),
            "schema_name": words,
            "stream": bools,
            "a": values,
            "b": values,
            "x y": values,
        },
    ),
    values.filter(lambda value: not isinstance(value, dict)),
)


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    pairs = st.dictionaries(st.sampled_from(["a", "b", "d", "host", "x-api-key"]), words, max_size=3)
    query = draw(pairs)
    return ask(
        draw(bodies),
        headers=draw(pairs),
        query_string="&".join(f"{name}={value}".replace(" ", "+") for name, value in query.items()),
        session=draw(st.none() | words),
        path=draw(words),
    )


def deep(value: Json, levels: int = 80) -> Json:
    for _ in range(levels):
        value = [value]
    return value


def linear(matchers: list[Matcher], request: Asked) -> list[int]:
    return [number for number, matcher in enumerate(matchers) if matcher.holds(request)]


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(matchers, max_size=12), st.lists(requests(), min_size=1, max_size=4))
def test_finds_what_a_linear_scan_finds(given_matchers: list[Matcher], asked: list[Asked]) -> None:
    index = Index(given_matchers)
    for request in (*asked, *asked):
        assert list(index.find(request)) == linear(given_matchers, request)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(fields, st.lists(conditions, min_size=5, max_size=40), st.lists(requests(), min_size=1, max_size=4))
def test_finds_the_same_among_many_conditions_on_one_field(
    field: Field, asked_for: list[Condition], asked: list[Asked]
) -> None:
    given_matchers: list[Matcher] = [Test(field, condition) for condition in asked_for]
    index = Index(given_matchers)
    for request in asked:
        assert list(index.find(request)) == linear(given_matchers, request)


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
    Schema({"type": "string"}),
    *(Members(members) for members in ({}, {"a": Equals(1)}, {"a": Exists(False)}, {"name": Equals("a")})),
    Members({"b": Each(Equals(1)), "a": Some(Equals(1))}),
    At(compile_path("$.a"), Equals(1)),
    *(OneOf(parts) for parts in ((), (Equals("a"), Equals("a")), (Regex("a"), Equals(1)))),
    OneOf((Exists(False), Contains("b"))),
    *(AllOf(parts) for parts in ((), (Exists(True),), (StartsWith("a"), EndsWith("c")))),
    *(Some(AllOf(parts)) for parts in ((), (StartsWith("a"), Exists(True), Length(Equals(2))))),
    Some(AllOf((OneOf((Glob("a*"), Regex("b"))), Schema(True), OneOf(()), Some(Equals(1))))),
]  # fmt: skip
VALUES: list[Json] = [
    "", "a", "ab", "AB", "abc", "aBc", "xbc", "abcdef", "c", 0, 1, 1.0, 2.5, 5, 11, 12, True, False, None,
    [], [1], [True], ["a"], ["a", "b"], ["AB", 3], [[1]], [deep(1)], deep(1), {}, {"a": 1}, {"a": [True]},
    {"a": [1], "b": [1]}, {"b": 2},
]  # fmt: skip


@pytest.mark.parametrize("copies", [1, 12])
def test_every_condition_on_every_value(copies: int) -> None:
    given_matchers: list[Matcher] = []
    for _ in range(copies):
        given_matchers += [Test(Field("body", "$.v"), condition) for condition in EVERY]
    index = Index(given_matchers)
    for request in (*(ask({"v": value}) for value in VALUES), ask({}), ask([]), ask(None)):
        assert list(index.find(request)) == linear(given_matchers, request)


@pytest.mark.parametrize(
    "name", ["user", "model", "tools", "messages", "tool_result", "tool_choice", "response_format"]
)
def test_every_condition_on_texts_and_sets(name: str) -> None:
    given_matchers: list[Matcher] = [Test(Field(name), condition) for condition in EVERY]
    index = Index(given_matchers)
    for text in (value for value in VALUES if isinstance(value, str)):
        messages = [["user", text], ["tool", [text, "a"]]]
        request = ask(
            {
                "model": text,
                "messages": messages,
                "tools": [text, "b"],
                "tool_choice": [text],
                "schema_name": text,
            }
        )
        assert list(index.find(request)) == linear(given_matchers, request)
    for request in (ask({}), ask({"tools": [], "messages": [["assistant", "a"]]})):
        assert list(index.find(request)) == linear(given_matchers, request)


# --- what the index reads, and how it is built -----------------------------------------------------


class Guarded(Asked):
    """A request whose body may not be looked at."""

    @property
    def body(self) -> Anything:
        raise AssertionError("the body was read")


def test_a_body_that_no_rule_left_asks_for_is_not_read() -> None:
    request = Guarded(method="POST", path="/v1/a", headers={"x": "1"})
    matchers: list[Matcher] = [
        All((Test(Field("path"), Equals("/v1/b")), Test(Field("body", "$.a"), Equals(1)))),
        All((Test(Field("headers", "x"), Equals("2")), Test(Field("model"), Equals("m")))),
        Test(Field("method"), Equals("POST")),
    ]
    assert list(Index(matchers).find(request)) == [2]


def test_nothing_is_read_when_no_rule_is_left() -> None:
    index = Index([All((Test(Field("path"), Equals("/v1/b")), Test(Field("body", "$.a"), Equals(1))))])
    assert list(index.find(Guarded(method="POST", path="/v1/a", headers={}))) == []


def test_an_index_of_nothing_finds_nothing() -> None:
    assert list(Index([]).find(ask({}))) == []
    assert Index([]).nearest(ask({})) == []


def test_it_can_be_built_in_slices() -> None:
    matchers: list[Matcher] = [Test(Field("user"), Contains(f"case {number}.")) for number in range(500)]
    building = Index.in_slices(matchers)
    steps = 0
    while True:
        try:
            next(building)
        except StopIteration as done:
            index = done.value
            break
        steps += 1
    assert steps > 20
    assert list(index.find(ask({"messages": [["user", "case 77. case 7."]]}))) == [7, 77]


def test_the_hits_of_a_request_serve_rules_and_modifiers() -> None:
    post = Test(Field("method"), Equals("POST"))
    index = Index([post, Any((post, post)), Not(post), post, Any((Not(post), post))])
    request = ask({})
    hits = index.hits(request)
    assert list(index.among(hits, request, 0, 3)) == [0, 1]
    assert list(index.among(hits, request, 3, 5)) == [3, 4]
    for first in range(5):
        for end in range(first, 6):
            assert list(index.among(hits, request, first, end)) == [
                n for n in (0, 1, 3, 4) if first <= n < end
            ]


@pytest.mark.parametrize(
    ("field", "key", "request_of"),
    [
        ("headers", "x-{}", lambda n: ask({}, headers={f"X-{n}": "on", "x-other": "on"})),
        ("query", "q{}", lambda n: ask({}, query_string=f"q{n}=on&other=on")),
        ("body", "$.deep['k-{}']", lambda n: ask({"deep": {f"k-{n}": "on", "other": "on"}})),
        ("body", "$.list[{}]", lambda n: ask({"list": [None] * n + ["on"] + [None] * (n % 3)})),
        ("body", "$.list[-{}]", lambda n: ask({"list": ["on"] + [None] * (n - 1)})),
    ],
)
def test_rules_with_keys_of_their_own(field: str, key: str, request_of: Anything) -> None:
    matchers: list[Matcher] = [Test(Field(field, key.format(n)), Equals("on")) for n in range(1, 60)]
    matchers += [Test(Field(field, key.format(n)), Exists(False)) for n in range(1, 60)]
    index = Index(matchers)
    for number in (1, 7, 40, 59, 80):
        request = request_of(number)
        assert list(index.find(request)) == linear(matchers, request)


def test_many_values_of_one_small_field_are_forgotten_in_time() -> None:
    index = Index([Test(Field("model"), Regex("^m-[0-4]+$")), Test(Field("model"), Glob("m-1*"))])
    for number in range(1200):
        expected = [0] * (not set(str(number)) - set("01234")) + [1] * str(number).startswith("1")
        assert list(index.find(ask({"model": f"m-{number}"}))) == (
            expected if not expected or 0 in expected[:1] else [1]
        )
    assert list(index.find(ask({"model": "m-" + "1" * 400}))) == [0, 1]


def test_disjunctions_beyond_measure_are_checked_one_by_one() -> None:
    words = [Test(Field("user"), Contains(word)) for word in "abcdefg"]
    pairs = Any(tuple(words))
    matchers: list[Matcher] = [
        All((pairs, pairs, pairs)),
        All((pairs, All((pairs, pairs)))),
        Any((pairs,) * 5),
    ]
    for text in ("a", "x"):
        request = ask({"messages": [["user", text]]})
        assert list(Index(matchers).find(request)) == linear(matchers, request)


def test_more_paths_to_several_nodes_than_have_layers() -> None:
    matchers: list[Matcher] = [Test(Field("body", f"$.k{n}[*]"), Some(Equals(n))) for n in range(80)]
    for number in (3, 79):
        assert list(Index(matchers).find(ask({f"k{number}": [number]}))) == [number]


def test_more_conditions_on_one_field_than_have_layers() -> None:
    condition = AllOf(tuple(Contains(word) for word in "abcdef"))
    index = Index([Test(Field("user"), condition)])
    assert list(index.find(ask({"messages": [["user", "fedcba"]]}))) == [0]
    assert list(index.find(ask({"messages": [["user", "edcba"]]}))) == []


def test_values_nested_beyond_measure() -> None:
    matchers: list[Matcher] = [Test(Field("body", "$.a"), Equals(deep(number))) for number in range(6)]
    matchers += [Test(Field("body", "$.a"), Equals([number])) for number in range(6)]
    for value in (deep(3), [3], deep(4, 500)):
        request = ask({"a": value})
        assert list(Index(matchers).find(request)) == linear(matchers, request)


# --- near misses -----------------------------------------------------------------------------------

GPT, POST, SYSTEM = (
    Test(Field("model"), Equals("gpt-4o")),
    Test(Field("method"), Equals("POST")),
    Test(Field("system"), Contains("kind")),
)
HELLO = Test(Field("user"), Contains("hello"))


def test_nearest_are_those_with_the_fewest_failures_then_the_smallest_slips_then_the_most_held_then_in_order() -> (
    None
):
    matchers: list[Matcher] = [
        All((GPT, HELLO, SYSTEM)),
        HELLO,
        All((GPT, POST)),
        All((POST, HELLO)),
        All((POST, GPT, HELLO)),
        All((GPT, POST, SYSTEM)),
        HELLO,
    ]
    request = ask({"model": "gpt-4o", "messages": [["user", "Hello"]]})
    index = Index(matchers)
    assert [number for number, _ in index.nearest(request, 9)] == [4, 3, 1, 6, 5, 0]
    assert [number for number, _ in index.nearest(request)] == [4, 3, 1]
    assert [number for number, _ in index.nearest(request, end=4)] == [3, 1, 0]
    (_, differences), *_ = index.nearest(request, 1)
    assert [(each.field, each.held, each.hint) for each in differences] == [
        ("method", True, None),
        ("model", True, None),
        ("user", False, "only the case differs"),
    ]


def test_rules_that_hold_are_not_near_misses_but_those_that_nearly_do_are() -> None:
    matchers: list[Matcher] = [POST for _ in range(50)]
    matchers += [Test(Field("user"), Regex("^order [0-9]+$")), Any((POST, HELLO))]
    index = Index(matchers)
    assert [number for number, _ in index.nearest(ask({"messages": [["user", "my order 5"]]}))] == [50]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(matchers.filter(lambda matcher: 0 < len(rows_of(matcher)) <= 4), max_size=8), requests())
def test_among_few_rules_the_nearest_are_exact(given_matchers: list[Matcher], request: Asked) -> None:
    far = [(*matcher.distance(request), slip(matcher, request)) for matcher in given_matchers]
    ranked = sorted((failed, slips, held, number) for number, (failed, held, slips) in enumerate(far))
    expected = [number for failed, *_, number in ranked if failed]
    assert [number for number, _ in Index(given_matchers).nearest(request, 10)] == expected


def test_the_last_user_text_is_cut_short_in_a_difference() -> None:
    (found,) = Index([HELLO]).nearest(ask({"messages": [["user", "x" * 5000]]}))
    assert found[1][0].actual == '"' + "x" * 79 + '…"'
