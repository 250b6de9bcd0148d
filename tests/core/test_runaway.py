"""Regexes that take for ever on some texts, and those that only look like it."""

from __future__ import annotations

import pytest

from mockllm.core.runaway import PLACES, runaway

FOR_EVER = [
    "^(a+)+$",
    "^(a*)*$",
    "(a*)*b",
    "(x+x+)+y",
    "(a|aa)+$",
    "(a|ab|b)*c",
    "(?:a*b*)*c",
    "((a+)+b)?",
    "(a+?)+?$",
    "(a{1,3})*b",
    "(?:a{2,}){3,}$",
    r"^(\w+\s?)*$",
    r"(?:\s*\w+\s*)*;",
    "([a-z]+-?)+!",
    "([^,]+,?)+;",
    "(.*)*x",
    r"(\w+\d+)+!",
    "(?i)(?:ab|A)(?:aB|a|b)*!",
    "(?i:(?:ab|a|B)*)!",
    "(é|ée|e)*!",
]
NOT = [
    "",
    "hello",
    "(",
    "(a+)+",
    "(a*)*",
    "a+b+$",
    "^(ab)+$",
    "(a|b)*c",
    "(a|ba)*c",
    "(a?)*b",
    "(a{0,2}b)*c",
    "(a{3}b|a{5}b)*c",
    r"(\d+,)*\d+$",
    r"^([a-z]+-)+[a-z]+$",
    r"(\w+-)+!",
    ".*foo.*bar",
    r"\b(foo|bar)\b",
    r'^(?:[^"\\]|\\.)*$',
    "(?=(a+)+$)x",
    "(a++)+$",
    "(?>(a+)+)$",
    r"(a)\1*b",
    "(ab|AB|b|B)*!",
    "(a$|b$)*!",
]


@pytest.mark.parametrize("pattern", FOR_EVER)
def test_it_takes_for_ever_on_some_texts(pattern: str) -> None:
    assert runaway(pattern)


@pytest.mark.parametrize("pattern", NOT)
def test_it_does_not(pattern: str) -> None:
    assert not runaway(pattern)


def test_case_is_the_conditions_to_ignore() -> None:
    assert runaway("(?:ab|A|b)*!", ignore_case=True)
    assert not runaway("(?:ab|A|b)*!")


def test_what_is_too_large_to_tell_is_left_alone() -> None:
    assert not runaway(f"(a+)+{'b' * PLACES}")
    words = "|".join(f"[^{chr(0x100 + n)}].{chr(97 + n)}" for n in range(21))
    assert not runaway(f"(?:{words})*!")
