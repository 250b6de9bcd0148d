"""Facts about matchers without a request, and uncertain cases without a result."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.matching.matchers import Matcher
from mockllm.scenario import matcher_logic
from mockllm.scenario.language.match import Match
from mockllm.scenario.match_compiler import matcher
from mockllm.scenario.matcher_logic import WiderMatchers, contradiction, implies


def build_matcher(match: dict[str, Any]) -> Any:
    return matcher(Match.model_validate(match))


NARROWER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("anything is narrower than nothing asked", {"user": "hi"}, {}),
    ("the same is narrower than itself", {"user": {"regex": "a+"}}, {"user": {"regex": "a+"}}),
    ("more is asked", {"user": "hi", "model": "m"}, {"model": "m"}),
    ("a literal that a glob takes", {"model": "gpt-4"}, {"model": "gpt-*"}),
    ("a literal out of several", {"model": "a"}, {"model": ["a", "b"]}),
    ("fewer literals out of several", {"model": ["a", "b"]}, {"model": ["c", "b", "a"]}),
    ("a literal that a condition takes", {"user": "hello there"}, {"user": {"contains": "there"}}),
    ("a literal of any case", {"user": "HI"}, {"user": {"equals": "hi", "ignore_case": True}}),
    ("a longer text contained", {"user": {"contains": "refund my"}}, {"user": {"contains": "refund"}}),
    ("a start with more in it", {"user": {"starts_with": "a refund"}}, {"user": {"contains": "refund"}}),
    ("a longer start", {"user": {"starts_with": "abc"}}, {"user": {"starts_with": "ab"}}),
    ("a longer end", {"user": {"ends_with": "abc"}}, {"user": {"ends_with": "bc"}}),
    (
        "a longer text contained, of any case",
        {"user": {"contains": "My Größe", "ignore_case": True}},
        {"user": {"contains": "GRÖSSE", "ignore_case": True}},
    ),
    (
        "a longer text where case does not count",
        {"user": {"contains": "My Order"}},
        {"user": {"contains": "order", "ignore_case": True}},
    ),
    (
        "each of several texts contains it",
        {"user": [{"contains": "abc"}, "xbc"]},
        {"user": [{"contains": "q"}, {"contains": "bc"}]},
    ),
    (
        "all of several texts, one of which is longer",
        {"user": {"contains": "abc", "starts_with": "x"}},
        {"user": {"contains": "bc"}},
    ),
    ("a value where there must be one", {"user": {"contains": "x"}}, {"user": {"exists": True}}),
    ("absence", {"system": {"exists": False}}, {"system": {"exists": False}}),
    ("one of a set", {"tools": "get_weather"}, {"tools": "get_*"}),
    ("one of a set where there must be one", {"tools": "get_*"}, {"tools": {"exists": True}}),
    ("a number within bounds", {"turn": 3}, {"turn": {"gt": 2}}),
    ("a number in the body", {"body": {"$.n": 3}}, {"body": {"$.n": {"gte": 3}}}),
    ("all of several", {"all": [{"user": "a"}, {"model": "b"}]}, {"user": "a", "model": "b"}),
    ("one of the alternatives", {"user": "a"}, {"any": [{"model": "x"}, {"user": "a"}]}),
    ("each of the alternatives", {"any": [{"user": "a"}, {"user": "ab"}]}, {"user": {"starts_with": "a"}}),
    ("alternatives beside more", {"model": "m", "any": [{"user": "a"}, {"user": "b"}]}, {"user": ["a", "b"]}),
    (
        "the same alternatives",
        {"any": [{"user": "a"}, {"model": "m"}]},
        {"any": [{"model": "m"}, {"user": "a"}]},
    ),
    ("the same that must not be", {"user": "a", "not": {"model": "m"}}, {"not": {"model": "m"}}),
]

NOT_NARROWER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("less is asked", {"model": "m"}, {"model": "m", "user": "hi"}),
    ("nothing is asked", {}, {"user": "hi"}),
    ("another literal", {"model": "a"}, {"model": "b"}),
    ("a glob is no literal", {"model": "gpt-*"}, {"model": "gpt-4"}),
    ("case counts", {"user": {"equals": "hi", "ignore_case": True}}, {"user": "hi"}),
    ("a shorter text contained", {"user": {"contains": "refund"}}, {"user": {"contains": "refund my"}}),
    ("a text contained is no start", {"user": {"contains": "abc"}}, {"user": {"starts_with": "abc"}}),
    ("an end is no start", {"user": {"ends_with": "abc"}}, {"user": {"starts_with": "abc"}}),
    (
        "a longer text of any case",
        {"user": {"contains": "my order", "ignore_case": True}},
        {"user": {"contains": "order"}},
    ),
    (
        "a longer item that a list contains",
        {"body": {"$.stop": {"contains": "abc"}}},
        {"body": {"$.stop": {"contains": "ab"}}},
    ),
    (
        "a combining dot that folding takes away",
        {"user": {"contains": "\u0307x"}},
        {"user": {"contains": "\u0307x", "ignore_case": True}},
    ),
    (
        "only one of several texts contains it",
        {"user": {"contains": ["abc", "x"]}},
        {"user": {"contains": "ab"}},
    ),
    ("what may be absent", {"user": {"exists": False}}, {"user": {"exists": True}}),
    ("an empty set", {"tools": {"exists": False}}, {"tools": {"exists": True}}),
    ("another field", {"user": "a"}, {"system": "a"}),
    ("another header", {"headers": {"a": "x"}}, {"headers": {"b": "x"}}),
    ("one is no true", {"body": {"$.n": 1}}, {"body": {"$.n": True}}),
    (
        "only some of the alternatives",
        {"any": [{"user": "a"}, {"user": "b"}]},
        {"user": {"starts_with": "a"}},
    ),
    ("another thing of the set", {"tools": ["a", "b"]}, {"tools": "a"}),
    ("no alternatives at all", {"any": []}, {"user": "a"}),
]

AT_ODDS: list[tuple[str, dict[str, Any], str]] = [
    ("two literals", {"model": "a", "all": [{"model": "b"}]}, 'model "b" and model "a"'),
    ("a literal and a condition", {"user": {"equals": "a", "contains": "b"}}, 'user "a", contains "b"'),
    ("absent, and a text", {"user": {"exists": False, "contains": "x"}}, 'user contains "x", nothing'),
    ("no tool result, and its name", {"tool_result": {"exists": False, "name": "x"}}, "tool_result nothing"),
    ("bounds the wrong way round", {"turn": {"gt": 3, "lt": 2}}, "turn more than 3, less than 2"),
    ("open bounds that meet", {"turn": {"gt": 3, "lte": 3}}, "turn more than 3, at most 3"),
    ("what must not be", {"user": "a", "model": "m", "not": {"user": "a"}}, 'user "a" and not (user "a")'),
    (
        "alternatives none of which can be",
        {"any": [{"user": "a", "all": [{"user": "b"}]}]},
        'user "b" and user "a"',
    ),
    ("no alternatives", {"any": []}, "an empty `any`"),
    ("no alternatives, beside more", {"user": "x", "any": []}, "an empty `any`"),
]

MAY_HOLD: list[tuple[str, dict[str, Any]]] = [
    ("nothing asked", {}),
    ("a literal that the other takes", {"model": "gpt-4", "all": [{"model": "gpt-*"}]}),
    ("two tools", {"all": [{"tools": "a"}, {"tools": "b"}]}),
    ("bounds that meet", {"turn": {"gte": 3, "lte": 3}}),
    ("bounds with room", {"input_tokens": {"gt": 3, "lt": 9}}),
    ("two texts contained", {"user": {"contains": "a"}, "all": [{"user": {"contains": "b"}}]}),
    (
        "one of the alternatives",
        {"model": "m", "any": [{"model": "x", "all": [{"model": "y"}]}, {"user": "a"}]},
    ),
    ("something else must not be", {"user": "a", "not": {"model": "m"}}),
    ("more must not be", {"user": "a", "not": {"user": "a", "model": "m"}}),
    ("a literal of any case", {"user": {"equals": "A", "ignore_case": True}, "all": [{"user": "a"}]}),
]


def build_index(*matchers: Matcher) -> WiderMatchers:
    build_matcher = WiderMatchers(matchers)
    for _ in build_matcher.fill():
        pass
    return build_matcher


@pytest.mark.parametrize(
    ("narrow", "wide"), [case[1:] for case in NARROWER], ids=[case[0] for case in NARROWER]
)
def test_implies_narrower_matcher_is_true(narrow: dict[str, Any], wide: dict[str, Any]) -> None:
    assert implies(build_matcher(narrow), build_matcher(wide))
    assert build_index(build_matcher(wide)).first(build_matcher(narrow), 1) == 0


@pytest.mark.parametrize(
    ("narrow", "wide"), [case[1:] for case in NOT_NARROWER], ids=[case[0] for case in NOT_NARROWER]
)
def test_implies_uncertain_matcher_is_false(narrow: dict[str, Any], wide: dict[str, Any]) -> None:
    assert not implies(build_matcher(narrow), build_matcher(wide))
    assert build_index(build_matcher(wide)).first(build_matcher(narrow), 1) is None


@pytest.mark.parametrize(
    ("match", "message"), [case[1:] for case in AT_ODDS], ids=[case[0] for case in AT_ODDS]
)
def test_contradiction_of_impossible_match_is_described(match: dict[str, Any], message: str) -> None:
    result = contradiction(build_matcher(match))
    assert result is not None
    assert result.startswith(message)


@pytest.mark.parametrize("match", [case[1] for case in MAY_HOLD], ids=[case[0] for case in MAY_HOLD])
def test_contradiction_of_possible_match_is_none(match: dict[str, Any]) -> None:
    assert contradiction(build_matcher(match)) is None


def test_wider_matchers_first_considers_earlier_only() -> None:
    wider = build_index(build_matcher({"user": "b"}), build_matcher({"model": "m"}), build_matcher({}))
    assert wider.first(build_matcher({"model": "m", "user": "a"}), 3) == 1
    assert wider.first(build_matcher({"model": "m", "user": "a"}), 1) is None
    assert wider.first(build_matcher({"model": "x"}), 3) == 2


def test_wider_matchers_compare_less_than_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []

    def count_call(narrow: object, wide: object) -> bool:
        sent.append(wide)
        return False

    monkeypatch.setattr(matcher_logic, "implies", count_call)
    many = [build_matcher({"model": "m", "user": {"contains": f"word {number}"}}) for number in range(1000)]
    build_index(*many).first(build_matcher({"model": "m", "user": "something else"}), 1000)
    assert 0 < len(sent) <= matcher_logic.MAX_COMPARED
