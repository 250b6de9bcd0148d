"""Patterns in RE2's syntax: the same matches as Python's engine, and linear time where that engine backtracks."""

from __future__ import annotations

import re
import sys
from types import FrameType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockllm.core.regex.compile import CompiledRegex, backtracks_little, compile_regex
from mockllm.core.regex.translate import Untranslatable, translate
from tests.core.regex.patterns import PATTERNS, TEXTS
from tests.examples import examples

HOSTILE = (
    ".*.*.*x", "(a*)(a*)(a*)b", r"\w+\s*\w+\s*\w+!", "^(a+)+$", "^(a|aa)+$", r"(\w+\s?)*$", "(x+x+)+y",
)  # fmt: skip


@settings(max_examples=examples(500), deadline=None)
@given(PATTERNS, TEXTS, st.booleans())
@example(r"(?:\Z)\b", "aé", False)
@example(r"$\b", "!a\n", False)
@example(r"(a$)", "a\n", False)
@example(r"a$", "é a\n", True)
@example(r"\bcafé\b", "un café, deux", False)
@example(r"\bcafé\b", "cafés", False)
@example("ſ", "S", True)
@example("[a-i]", "İ", True)
@example(r"\b(é)\b", "é", False)
@example(r"(?m)^a$", "b\na\né", False)
@example(r"[^\W]", "é", False)
@example(r"(?a)[a-k]+", "É K", True)
@example(r"(?a)é", "É", True)
@example("[\u0100-\uffff]", "k", True)
@example("[\u0400-\u1000]", "Ꙋ", True)
def test_pattern_matches_exactly_where_python_matches(pattern: str, text: str, ignore_case: bool) -> None:
    expected = re.search(pattern, text, re.IGNORECASE if ignore_case else 0)
    compiled = compile_regex(pattern, ignore_case)
    assert compiled.matches(text) is (expected is not None)
    if not re.search(r"[*?}][?)]*[*+?{]", pattern):  # engines differ in what an empty repetition captures
        captured = compiled.captures(text)
        assert (None if captured is None else captured.get("0")) == (
            None if expected is None else expected[0]
        )


@pytest.mark.parametrize("pattern", HOSTILE)
def test_backtracking_pattern_is_searched_in_linear_time(pattern: str) -> None:
    compiled = CompiledRegex(pattern)
    assert compiled.is_linear
    assert compiled.matches("a" * 200_000 + "!") is (re.search(pattern, "aaaa!") is not None)
    assert compiled.matches("é" * 200_000) is (re.search(pattern, "éééé") is not None)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)b",
        "(?<!a)b",
        r"(a)\1",
        "(?>a+)b",
        "a++b",
        "(a)?(?(1)b|c)",
        "a{1,1001}",
        "(?:a{40}){40}",
        r"\Ba",
        "(a*)+",
        "(?:b|(a)?)*",
        "a$b",
    ],
)
def test_pattern_without_re2_form_is_left_to_python(pattern: str) -> None:
    with pytest.raises(Untranslatable):
        translate(pattern)
    assert not CompiledRegex(pattern).is_linear
    assert CompiledRegex(pattern).matches("abcbaab") is (re.search(pattern, "abcbaab") is not None)


def test_captures_have_numbers_and_names() -> None:
    pattern = compile_regex(r"order (?P<what>\w+)( now)?( éa)?$")
    assert pattern.captures("order tea\n") == {"0": "order tea", "1": "tea", "what": "tea"}
    assert pattern.captures("the order café now") == {
        "0": "order café now", "1": "café", "2": " now", "what": "café",
    }  # fmt: skip
    assert pattern.captures("nothing") is None


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("(a*)+", "aab"), (r"(?P<x>\w*)+!", "ab!"), ("(?:(b)|a?)*?c", "abc"), ("(a*)?b", "b")],
)
def test_groups_of_empty_repeats_are_those_of_python(pattern: str, text: str) -> None:
    found = re.search(pattern, text)
    assert found is not None
    numbered = {str(number): group for number, group in enumerate((found[0], *found.groups()))}
    assert compile_regex(pattern).captures(text) == numbered | found.groupdict()


def test_repeat_that_may_be_empty_is_linear_without_groups() -> None:
    assert CompiledRegex("(?:a*b?)+!").is_linear
    assert CompiledRegex("(a+|b)+!").is_linear
    assert CompiledRegex("(a*)?!").is_linear


def test_lone_surrogate_in_a_text_is_no_error() -> None:
    assert compile_regex("b").matches("\ud800b")
    assert not compile_regex("c").matches("\ud800b")


@pytest.mark.parametrize(
    ("pattern", "little"),
    [("a+(?=b)", True), (r"(a|b)c{3}\1", True), ("(?=a+)b*", False), ("((?:a{2})+)", True), ("(?!x)(a+)+", False),
     ("(?=a{1,2000})", True), ("(?:a+|b+)(?=c)", False), ("(a)?(?(1)b+|c+)", False)],
)  # fmt: skip
def test_backtracks_little_counts_variable_repeats(pattern: str, little: bool) -> None:
    assert backtracks_little(pattern) is little


@pytest.mark.parametrize(
    "pattern", [r"(?a)\ba", r"\b(?:x)?\b", r"(?:\ba)+", r"(\ba)\b", r"\b(\ba)", r"\b\A", r"\Z\b"]
)
def test_unmarkable_pattern_searches_non_ascii_texts_with_python(pattern: str) -> None:
    with pytest.raises(Untranslatable):
        translate(pattern, marked=True)
    compiled = CompiledRegex(pattern)
    assert not compiled.is_linear
    assert compiled.matches("é a") is (re.search(pattern, "é a") is not None)


@pytest.mark.parametrize("pattern", [f"(?:{'a' * 50}){{100}}", r"[^\W\d]", "\ud800"])
def test_pattern_of_too_many_items_or_odd_classes_has_no_form(pattern: str) -> None:
    with pytest.raises(Untranslatable):
        translate(pattern)


def calls_of(pattern: str) -> int:
    """Return the number of function calls that a translation takes."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for marked in (False, True):
            translate(pattern, marked=marked)
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("part", ["a", r"a\b", "(?:a|b)*", r"a\b(?:c|d)", r"\Z", "(a)"])
def test_translation_takes_linear_time(part: str) -> None:
    assert calls_of("x" + part * 400) < 5 * calls_of("x" + part * 100)
