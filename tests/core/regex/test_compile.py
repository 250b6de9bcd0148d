"""Regexes: a person's message for a bad one, and the literal that each cannot do without."""

from __future__ import annotations

import re
import string
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.regex.compile import compile_regex, fold_case, required_literal


@pytest.mark.parametrize(
    ("pattern", "literal"),
    [
        ("refund", "refund"),
        ("^refund$", "refund"),
        (r"order \d+ of", "order "),
        (r"a\.b", "a.b"),
        (r"\bhello\b", "hello"),
        ("(?:hello) world", "hello world"),
        ("(?P<name>hello) world", "hello world"),
        ("(?>hello) world", "hello world"),
        ("(?:ab)+cd", "ab"),
        ("(?:ab)+xyz", "xyz"),
        ("(?:ab)++xyz", "xyz"),
        ("(?:abc)*", None),
        ("(?:abc)?de", "de"),
        ("abc|abd", "ab"),
        ("abc|xyz", None),
        ("[ab]cd", "cd"),
        (".*", None),
        ("", None),
        ("a.b.c", None),
        ("中", "中"),
        ("(?i)Refund", "refund"),
        ("(?i)straße", "stra"),
        ("(?i:Refund) me", " me"),
        ("(?=abc)x", None),
        ("(?<!abc)de", "de"),
        ("a\\0bc", "bc"),
        ("(", None),
    ],
)
def test_required_literal_is_the_longest(pattern: str, literal: str | None) -> None:
    assert required_literal(pattern) == literal


def test_required_literal_with_ignore_case_is_folded() -> None:
    assert required_literal("REFUND", ignore_case=True) == "refund"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(abc", "not a valid regex: missing ), unterminated subpattern at character 1"),
        ("(?<n>a)", "not a valid regex: unknown extension ?<n at character 2; a named group is (?P<name>…)"),
        ("a**", "not a valid regex: multiple repeat at character 3"),
        ("(" * 5000 + ")" * 5000, "not a valid regex: it is too large or nested too deep"),
    ],
    ids=["an open bracket", "another syntax", "a repeat of a repeat", "absurd depth"],
)
def test_compile_regex_of_invalid_pattern_raises(pattern: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        compile_regex(pattern)
    assert str(caught.value) == message
    assert required_literal(pattern) is None


def test_fold_agrees_with_re() -> None:
    letters = {letter: re.compile(letter, re.IGNORECASE) for letter in string.ascii_lowercase}
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if re.match("[a-z]", character, re.IGNORECASE):
            assert [each for each, regex in letters.items() if regex.match(character)] == [
                fold_case(character)
            ]


FRAGMENTS = [
    "a",
    "b",
    "ab",
    ".",
    "a?",
    "(ab)+",
    "[ab]",
    "(?:a|b)",
    "^",
    "$",
    "ı",
    "S",
    "ß",
    "(?i:B)",
    "\\b",
    "k",
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=6), st.text("abABıİsSſßkK i", max_size=8), st.booleans())
def test_regex_matches_contain_required_literal(chunks: list[str], text: str, ignore_case: bool) -> None:
    pattern = "".join(chunks)
    literal = required_literal(pattern, ignore_case)
    if literal is not None and compile_regex(pattern, ignore_case).matches(text):
        assert literal in (fold_case(text) if ignore_case else text)
