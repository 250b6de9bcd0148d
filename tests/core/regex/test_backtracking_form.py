"""Patterns for the engine that backtracks: they have the same matches and groups as Python's engine."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockllm.core.regex.timed_search import TimedSearch
from tests.core.regex.patterns import PATTERNS, TEXTS
from tests.examples import examples

CHARACTERS = ("m²", "①", "m", "\x1c", "é1", "a\u0903", "_", "\u3000", "K\u212a", "\ud800")
"""Most of these are of another class for the package `regex` than for Python."""


def groups(pattern: str, text: str, flags: int = 0) -> dict[int, str] | None:
    """The groups of Python's engine."""
    found = re.search(pattern, text, flags)
    if found is None:
        return None
    texts = (found[0], *found.groups())
    return {number: group for number, group in enumerate(texts) if group is not None}


@pytest.mark.parametrize(
    "pattern",
    [r"^\w+$", r"\w", r"m\W", r"^\s$", r"^\S", r"\d", r"\D", r"[^\W\d]", r"[\W1]", r"[^\s\d_]", r"\bm\b", r"m\B",
     "[a-\U0010ffff]"],
)  # fmt: skip
@pytest.mark.parametrize("flags", ["", "(?a)", "(?i)", "(?ia)"])
def test_classes_are_those_of_python(pattern: str, flags: str) -> None:
    pattern = f"{flags}(?=.){pattern}"
    for text in CHARACTERS:
        assert TimedSearch(pattern, 0).groups(text) == groups(pattern, text), text


@pytest.mark.parametrize(
    "pattern",
    [r"(?P<a>k)(?P=a)0?", r"(?i)(k)\1", r"(k)(?i:\1)", "(k)?(?(1)a|b)", "(k)?(?(1)a)", "(?<!k)a", "(?<=k)a+?b",
     "(?>a+)b", "a++b", "(?!)|b", "(?m)^b$", "(?x) a b  # [ a comment", "(?a:é)|(?s:.)b", r"k\Z", r"\Ak", "a$",
     "[^k]a", "(?i:k|É)a", "a{,2}b", "(?-i:K)a", "a[-^\\]&~|[]"],
)  # fmt: skip
@pytest.mark.parametrize("flags", [0, re.IGNORECASE])
def test_each_item_means_what_it_means_in_python(pattern: str, flags: int) -> None:
    for text in (
        "kk",
        "kK0",
        "ka",
        "kaab",
        "b",
        "xaaab",
        "a\nb\n",
        "Éa",
        "éb",
        "k",
        "a\n",
        "Ka",
        "a[",
        "a&",
        "a^",
    ):
        assert TimedSearch(pattern, flags).groups(text) == groups(pattern, text, flags), text


@settings(max_examples=examples(300), deadline=None)
@given(PATTERNS, TEXTS, st.sampled_from(["", "(?i)", "(?s)", "(?m)", "(?a)", "(?ai)"]))
@example(r"\W(é)?", "²é", "")
def test_pattern_has_the_groups_of_python(pattern: str, text: str, flags: str) -> None:
    pattern = f"{flags}(?!zz){pattern}"
    assert TimedSearch(pattern, 0).groups(text) == groups(pattern, text)
