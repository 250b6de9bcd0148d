"""How small a slip is: what is nearer than something else, and what is not alike at all."""

from __future__ import annotations

import pytest

from mockllm.core.conditions import (
    AllOf,
    At,
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
from mockllm.core.index import Index
from mockllm.core.json import MISSING, Json
from mockllm.core.jsonpath import compile_path
from mockllm.core.matching import All, Any, Field, Matcher, Not, Test
from mockllm.core.slips import CASE, FAR, slip, slip_of
from tests.core.asking import ask

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
    ("what stands at a path", At(compile_path("$.a"), Equals(1)), {"a": 1.1}, Equals(1), {"a": 1.1}),
    ("a part in another case", Contains("Hello"), "hello you", Contains("Hello"), "good day"),
    ("an end with another space", EndsWith("a b"), "c a  b", EndsWith("a b"), "c"),
    ("a long text in another case", Equals(LONG), LONG.upper(), Equals(LONG), LONG + "!"),
]


@pytest.mark.parametrize(
    ("one", "near", "other", "far"), [case[1:] for case in CLOSER], ids=[case[0] for case in CLOSER]
)
def test_which_slip_is_smaller(one: Condition, near: Json, other: Condition, far: Json) -> None:
    assert 0 < slip_of(one, near) < slip_of(other, far) <= FAR


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
def test_what_is_not_alike_at_all(condition: Condition, value: Json) -> None:
    assert slip_of(condition, value) == FAR


def test_of_several_conditions_the_worst_slip_counts() -> None:
    both = AllOf((Equals("A"), Equals("b"), Exists(True)))
    assert slip_of(both, "a") == FAR
    assert slip_of(AllOf((Equals("A"), Exists(True))), "a") == CASE


def model(name: str) -> Test:
    return Test(Field("model"), Equals(name))


REQUEST = ask({"model": "gpt-4o", "messages": [["user", "hi"]]})


@pytest.mark.parametrize(
    ("matcher", "size"),
    [
        (model("gpt-4o"), 0),
        (model("GPT-4o"), CASE),
        (All((model("GPT-4o"), model("claude"), model("gpt-4o"))), CASE + FAR),
        (Any((model("claude"), model("GPT-4o"))), CASE),
        (Any(()), FAR),
        (Not(model("claude")), 0),
        (Not(model("gpt-4o")), FAR),
    ],
)
def test_the_slips_of_a_matcher(matcher: Matcher, size: float) -> None:
    assert slip(matcher, REQUEST) == size


def test_among_many_rules_the_one_that_was_meant_is_named_first() -> None:
    index = Index([*(model(f"other-{number}") for number in range(60)), model("gpt-4p")])
    assert index.nearest(REQUEST)[0][0] == 60
