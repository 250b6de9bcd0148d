"""Conditions on one value: matches, descriptions and hints."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.json.jsonpath import compile_path
from mockllm.core.json.path_evaluation import MAX_VISITED, TOO_LARGE
from mockllm.core.matching.conditions import (
    MAX_TIMEOUTS,
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
    HasMembers,
    Length,
    Members,
    OneOf,
    Regex,
    Some,
    StartsWith,
    Subset,
    ValidBySchema,
    meets,
    member,
    of_set,
)

AT = compile_path("$.a")
MANY = compile_path("$[*].a")


class Point(HasMembers):
    def member(self, name: str) -> Json | Missing:
        return {"x": 1, "words": ("a", "b")}.get(name, MISSING)


@pytest.mark.parametrize(
    ("condition", "met_by", "not_by"),
    [
        (Equals("a"), ["a"], ["A", "ab", 1, None, ["a"], MISSING]),
        (Equals("Straße", True), ["STRASSE", "straße"], ["Strase", 1, MISSING]),
        (Equals(1), [1, 1.0], ["1", True, MISSING]),
        (Equals(1, True), [1], [True, "1"]),
        (Equals(None), [None], [MISSING, 0, False, ""]),
        (Equals({"a": [1]}), [{"a": [1.0]}], [{"a": [True]}, {}]),
        (OneOf((Equals("a"), Glob("b*"))), ["a", "bc"], ["c", MISSING]),
        (OneOf(()), [], ["a", None, MISSING]),
        (Contains("b"), ["abc", ["a", "b"], ("b",)], ["ABC", ["abc"], {"b": 1}, 1, None, MISSING]),
        (Contains("B", True), ["abc", ["b"]], ["ac", ["ab"]]),
        (Contains(1), [[2, 1.0]], ["1", [True], {"1": 1}]),
        (StartsWith("ab"), ["abc", "ab"], ["ABC", "cab", 1, ["ab"], MISSING]),
        (StartsWith("AB", True), ["abc"], ["cab"]),
        (EndsWith("bc"), ["abc"], ["aBC", "bcd", 1, MISSING]),
        (EndsWith("BC", True), ["abc"], ["bcd"]),
        (Glob("gpt-4*"), ["gpt-4", "gpt-4o/mini"], ["GPT-4", "my-gpt-4", 4, MISSING]),
        (Glob("/v1/*"), ["/v1/a/b", "/v1/"], ["/v1", "/v2/a"]),
        (Glob("a?[bc]"), ["axb", "a\nc"], ["axd", "ab"]),
        (Glob("GPT-*", True), ["gpt-4"], ["claude"]),
        (Regex("b+"), ["abbc"], ["aBc", 1, ["b"], MISSING]),
        (Regex("^B", True), ["bc"], ["ab"]),
        (Compare("gt", 1), [1.5, 2], [1, True, "2", None, MISSING]),
        (Compare("gte", 1), [1, 2], [0.9]),
        (Compare("lt", 1), [0.9], [1, False]),
        (Compare("lte", 1), [1.0, -1], [1.1]),
        (Exists(True), ["", 0, None, [], {}], [MISSING, ()]),
        (Exists(False), [MISSING, ()], ["", None, []]),
        (
            Length(Compare("gt", 1)),
            ["ab", [1, 2], {"a": 1, "b": 2}, ("a", "b")],
            ["a", 12, None, (), MISSING],
        ),
        (Length(Equals(0)), ["", [], ()], ["a", MISSING]),
        (ValidBySchema({"type": "array", "minItems": 1}), [[1], ("a",)], [[], "a", MISSING]),
        (Subset({"a": 1}), [{"a": 1.0, "b": 2}], [{"a": 2}, [], MISSING]),
        (Each(Equals(1)), [[1, 1.0], (1,)], [[], (), [1, 2], 1, {"a": 1}, MISSING]),
        (Some(Equals(1)), [[2, 1], (1,)], [[], [2], 1, MISSING]),
        (Members({"a": Equals(1)}), [{"a": 1, "b": 2}], [{"a": 2}, {}, [], "a", None, MISSING]),
        (Members({"a": Exists(False)}), [{}, {"b": 1}], [{"a": None}, "text", MISSING]),
        (Members({"x": Equals(1), "y": Exists(False)}), [Point()], [{"x": 1, "y": 2}]),
        (Members({"words": Equals("b")}), [Point()], [{"words": ["b"]}]),
        (AtPath(AT, Equals(1)), [{"a": 1}], [{"a": 2}, {}, [], MISSING]),
        (AtPath(AT, Exists(False)), [{}, [], "a"], [{"a": 1}, MISSING]),
        (AtPath(MANY, Some(Equals(1))), [[{"a": 2}, {"a": 1}]], [[{"a": 2}], [], {}]),
        (AllOf((StartsWith("a"), EndsWith("c"))), ["abc"], ["ab", "bc", MISSING]),
        (AllOf(()), ["a", MISSING], []),
    ],
    ids=lambda case: case.describe() if isinstance(case, Condition) else "",
)
def test_condition_matches(condition: Condition, met_by: list[Json], not_by: list[Json]) -> None:
    assert [value for value in met_by if not condition.matches(value)] == []
    assert [value for value in not_by if condition.matches(value)] == []
    assert condition.matches(TOO_LARGE) is (condition == AllOf(()))


def test_path_that_is_too_large_is_named_in_the_difference() -> None:
    wide: Json = [{"a": 1}] * (MAX_VISITED + 1)
    condition = AtPath(MANY, Exists(True))
    assert not condition.matches(wide)
    assert condition.difference(wide) == str(TOO_LARGE)
    assert Equals("a").difference(TOO_LARGE) is None


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Equals("a"), '"a"'),
        (Equals("a", True), '"a" in any case'),
        (Equals({"a": [1, None, True]}), '{"a": [1, null, true]}'),
        (OneOf((Equals("a"), Glob("b*"))), 'one of "a", like "b*"'),
        (OneOf(tuple(map(Equals, range(6)))), "one of 0, 1, 2, 3 more"),
        (Contains("x"), 'contains "x"'),
        (StartsWith("x", True), 'starts with "x" in any case'),
        (EndsWith("x"), 'ends with "x"'),
        (Regex("^a$"), "matches /^a$/"),
        (Compare("gt", 1), "more than 1"),
        (Compare("gte", 1), "at least 1"),
        (Compare("lt", 0.5), "less than 0.5"),
        (Compare("lte", 1), "at most 1"),
        (Exists(True), "anything"),
        (Exists(False), "nothing"),
        (Length(Compare("gt", 3)), "length more than 3"),
        (ValidBySchema(True), "valid by the schema"),
        (Subset({"a": 1}), 'holds all of {"a": 1}'),
        (Each(Equals("a")), 'each "a"'),
        (Some(Equals("a")), 'some "a"'),
        (Members({"role": Equals("user"), "text": Contains("x")}), 'role "user", text contains "x"'),
        (AtPath(AT, Equals(1)), "$.a 1"),
        (AllOf((Compare("gt", 1), Compare("lt", 5))), "more than 1, less than 5"),
    ],
)
def test_condition_describes_itself(condition: Condition, words: str) -> None:
    assert condition.describe() == words


@pytest.mark.parametrize(
    ("condition", "value", "hint"),
    [
        (Equals("gpt-4o"), "GPT-4o", "only the case differs"),
        (Equals("a b"), "a  b", "only white space differs"),
        (Equals("gpt-4o-mini"), "gpt-4o-mni", "nearly the same: a typing error?"),
        (Equals("*hello*"), "hello", '"*" is plain text here; for a pattern write {glob: …}'),
        (Equals("*hello*"), "bye", None),
        (Equals("gpt-4o"), "claude", None),
        (Equals("a" * 100), "a" * 99, None),
        (Equals("1"), 1, "it is a number, not a text"),
        (Equals(True), "true", "it is a text, not true or false"),
        (Equals(1), None, "it is null, not a number"),
        (Equals({}), [], "it is a list, not an object"),
        (Equals("a"), MISSING, None),
        (Equals(1), 2, None),
        (OneOf((Equals("get_weather"), Equals(5))), "get_wether", 'nearest is "get_weather"'),
        (OneOf((Equals("a"), Contains("X"))), "xyz", "only the case differs"),
        (OneOf((Equals("a"),)), "x" * 70, None),
        (OneOf((Equals(1),)), 2, None),
        (Contains("Hello"), "oh hello", "only the case differs"),
        (Contains("a b"), "x a\n b y", "only white space differs"),
        (Contains("abc"), "xyz", None),
        (Contains("abc"), ["x"], None),
        (Contains("abc"), 5, "it is a number, not a text"),
        (Contains(5), "5", "it is a text, not a number"),
        (StartsWith("He"), "hello", "only the case differs"),
        (EndsWith("LO"), "hello", "only the case differs"),
        (Glob("gpt-*"), "GPT-4", "only the case differs"),
        (
            Glob("http://[::1]/a"),
            "http://[::1]/a",
            "[…] is a set of characters in a pattern: write [[] for [",
        ),
        (Glob("gpt-4?"), "gpt-4", "nearly the same: a typing error?"),
        (Glob("GPT-4?", True), "gpt-4", "nearly the same: a typing error?"),
        (Regex("^hello"), "Hello", "only the case differs"),
        (Regex("^hello", True), "oh", None),
        (Regex("a"), ["a"], "it is a list, not a text"),
        (Compare("gt", 1), "2", "it is a text, not a number"),
        (Compare("gt", 1), 0, None),
        (Exists(True), MISSING, None),
        (Length(Equals(3)), "ab", "its length is 2"),
        (Length(Equals(3)), 5, None),
        (ValidBySchema({"type": "string"}), 5, '5 is not of type "string"'),
        (ValidBySchema({"type": "string"}), MISSING, None),
        (Subset({"a": 1}), {"b": 1}, '"a" is missing'),
        (Subset({"b": 1, "a": {"c": 1}}), {"a": {"c": 2}, "b": 1}, '"a" is {"c": 2}'),
        (Subset({"a": 1}), {"a": 1}, None),
        (Subset({"a": 1}), [1], "it is a list, not an object"),
        (Each(Equals(1)), [1, 2], "item 1 is 2"),
        (Each(Equals(1)), [], "there are none"),
        (Each(Equals(1)), [1], None),
        (Each(Equals(1)), 1, "it is a number, not a list"),
        (Some(Equals("get_weather")), ("other", "get_wether"), 'did you mean "get_wether"?'),
        (Some(Equals("get_weather")), ("x",) * 200 + ("get_wether",), None),
        (Some(Equals("get_weather")), ("other", 5), "it is a number, not a text"),
        (Some(Equals("a")), [], None),
        (Some(Equals("a")), "a", "it is a text, not a list"),
        (Members({"a": Equals(1), "b": Equals("X")}), {"a": 1, "b": "x"}, 'b is "x" (only the case differs)'),
        (Members({"a": Equals(1)}), {}, "a is missing"),
        (Members({"a": Equals(1)}), {"a": 1}, None),
        (Members({"a": Equals(1)}), "a", "it is a text, not an object"),
        (AtPath(AT, Equals("X")), {"a": "x"}, "only the case differs"),
        (AllOf((StartsWith("a"), EndsWith("C"))), "abc", "only the case differs"),
        (AllOf(()), "abc", None),
    ],
)
def test_condition_difference_returns_hint(condition: Condition, value: Json, hint: str | None) -> None:
    assert condition.difference(value) == hint


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Regex("("), "not a valid regex"),
        (lambda: ValidBySchema({"type": "strng"}), "not a valid JSON Schema"),
    ],
)
def test_condition_with_invalid_value_raises(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("condition", "things", "expected"),
    [
        (Equals("b"), ("a", "b"), True),
        (Equals("c"), ("a", "b"), False),
        (Equals("b"), (), False),
        (Exists(False), (), True),
        (Exists(True), ("a",), True),
        (Length(Equals(0)), (), True),
        (Length(Equals(2)), ("a", "b"), True),
        (Each(StartsWith("a")), ("a", "ab"), True),
        (Each(StartsWith("a")), ("a", "b"), False),
        (Some(Equals("b")), ("a", "b"), True),
        (AllOf((StartsWith("a"), EndsWith("c"))), ("ab", "bc"), False),
        (AllOf((StartsWith("a"), EndsWith("c"))), ("ab", "abc"), True),
        (AllOf((StartsWith("a"), Length(Equals(2)))), ("b", "ab"), True),
        (AllOf((StartsWith("a"), Length(Equals(1)))), ("b", "ab"), False),
        (AllOf((Length(Equals(1)), Exists(True))), ("a",), True),
        (OneOf((Equals("a"), Exists(False))), (), True),
        (OneOf((Equals("a"), Exists(False))), ("b",), False),
        (OneOf((Equals("a"), Equals("b"))), ("b",), True),
        (Contains("eath"), ("get_weather",), True),
        (Subset({"a": 1}), ({"b": 1}, {"a": 1, "c": 1}), True),
        (Subset([{"a": 1}]), ({"b": 1}, {"a": 1, "c": 1}), True),
        (Equals(["a", "b"]), ("a", "b"), True),
        (ValidBySchema({"type": "array", "minItems": 2}), ("a", "b"), True),
    ],
)
def test_condition_on_set_matches_any_element_or_whole(
    condition: Condition, things: tuple[Json, ...], expected: bool
) -> None:
    assert of_set(condition).matches(things) is expected
    assert meets(condition, things) is expected


def test_member_of_object_or_structured_value() -> None:
    assert member({"a": None}, "a") is None
    assert member({}, "a") is MISSING
    assert member(Point(), "x") == 1
    assert member("text", "a") is MISSING


def test_conditions_with_equal_fields_are_equal() -> None:
    assert Regex("a") == Regex("a") != Regex("b")
    assert ValidBySchema({"type": "string"}) == ValidBySchema({"type": "string"})
    assert Regex("(?i)Abc").folded
    assert Regex("Abc").literal == "Abc"


def test_regex_whose_search_takes_too_long_is_not_met() -> None:
    endless, text = Regex("(?!x)(a+)+b"), "a" * 700 + "!"
    assert not endless.matches(text)
    assert endless.captures(text) is None
    assert endless.difference(text) == (
        "the search ended without a result: the regex needs an engine that backtracks, "
        "which gets 20 ms, and texts of 100,000 characters at most"
    )
    assert endless.captures("aab") == {"0": "aab", "1": "aa"}
    assert endless.captures(1) is None


def test_list_is_searched_until_two_items_took_too_long() -> None:
    some = Some(Regex("(?!x)(a+)+b"))
    endless = ["a" * (700 + number) + "!" for number in range(MAX_TIMEOUTS)]
    assert some.matches(["a" * 900 + "!", "c", "aab"])
    assert not some.matches([*endless, "aab"])
    assert some.matches(["aab"])
