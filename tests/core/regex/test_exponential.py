"""Regexes that take for ever on some texts, and those that only look like it."""

from __future__ import annotations

import pytest

from mockllm.core.regex.exponential import PLACES, doubtful, runaway

FOR_EVER = [
    "^(a|a)*$",
    "^(?:ab|ab|c)*$",
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


DOUBTFUL = [
    *FOR_EVER,
    "(?=(a+)+$)x",
    "(?!(a+)+$)x",
    "(?<=ab)(?=(?:a|aa)+$)x",
    r"(a*)*\1b",
    r"(a)(?(1)(b+)+c|d)",
    r"(a)?(?(1)b|(b+)+)c",
    "(?>(?:a+)+b)",
    "(?:(?:a+)+b)++",
    "(?:(?>a)|a)*$",
    "(a{1,9}){2,}b",
    "(a{20}|a{21})*b",
    f"(a+)+{'b' * PLACES}",
    "(",
]
"""What may take for ever, for all that can be told."""


@pytest.mark.parametrize("pattern", DOUBTFUL)
def test_a_pattern_may_be_doubted(pattern: str) -> None:
    assert doubtful(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        *(each for each in NOT if each not in DOUBTFUL),
        "(a++)+$",
        "(?>a+|b)+$",
        r"(a)?(?(1)b)c",
        r"(['\"]).*?\1",
        r"(?<!\\)(?:\w{8}-\w{4})+$",
        f"(?:{'|'.join(f'word{number}' for number in range(60))})",
        "(a{300}b)*c",
        "(?:ab){2,500}c",
    ],
)
def test_what_is_sure_to_end_is_not_doubted(pattern: str) -> None:
    assert not doubtful(pattern)


def test_it_is_doubted_for_the_case_that_is_ignored() -> None:
    assert doubtful("(?:ab|A|b)*!", ignore_case=True)
    assert not doubtful("(?:ab|A|b)*!")


def test_what_is_too_large_to_tell_is_doubted() -> None:
    places = "a" * 8
    for _ in range(3):
        places = f"(?:{places}){{8}}"
    assert doubtful(f"(?:{places})*b")
    words = "|".join(f"[^{chr(0x100 + n)}].{chr(0x200 + n)}" for n in range(80))
    assert doubtful(f"(?:{words})*!")


def test_many_words_are_not_too_large() -> None:
    words = "|".join(f"{chr(97 + n % 26)}word{n}" for n in range(300))
    assert not doubtful(rf"\b(?:{words})\b.*")
    few = "|".join(f"{chr(97 + n)}word{n}" for n in range(26))
    assert not doubtful(f"^(?:{few})+$")
