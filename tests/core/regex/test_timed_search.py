"""Patterns that RE2 cannot express: Python's matches, and searches that end."""

from __future__ import annotations

import re

import pytest

from mockllm.core.regex import timed_search
from mockllm.core.regex.compile import CompiledRegex
from mockllm.core.regex.timed_search import LIMIT, MAX_TEXT, SearchTooLong, TimedSearch

ENDLESS = [r"(?!x)(a+)+b", "(?=a*a*a*a*b)", "(?:a?){50}a{50}(?=b)", r"(?s)(?=.*a.*a.*a.*a.*z)"]
"""Patterns for which Python's `re` takes from seconds to ages, in 700 characters."""


@pytest.mark.parametrize("pattern", ENDLESS)
def test_search_that_backtracks_too_much_ends(pattern: str) -> None:
    compiled = CompiledRegex(pattern)
    assert not compiled.is_linear
    with pytest.raises(SearchTooLong):
        compiled.matches("a" * 700 + "!")
    with pytest.raises(SearchTooLong):
        compiled.captures("a" * 700 + "!")


def test_long_text_is_not_searched() -> None:
    """A single step of `regex` takes as long as the text, and the time is not compared within a step."""
    search = TimedSearch(r"(\w+)\s\1", 0)
    assert search.groups("a a" + "b" * (MAX_TEXT - 3)) == {0: "a a", 1: "a"}
    with pytest.raises(SearchTooLong):
        search.search("a a" + "b" * (MAX_TEXT - 2))


def test_other_text_is_searched_after_one_that_took_too_long() -> None:
    search = TimedSearch(ENDLESS[0], 0)
    for _ in range(2):
        with pytest.raises(SearchTooLong):
            search.search("a" * 700 + "!")
        assert search.groups("xaab") == {0: "aab", 1: "aa"}
        assert search.groups("x") is None


def test_time_of_other_threads_ends_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine counts the CPU time of all threads. Of the first two searches, this one used a part only."""
    timeouts: list[float] = []
    own_times = iter((0.0, LIMIT / 4, 0.0, LIMIT / 2, 0.0, LIMIT))

    class Interrupted:
        def search(self, text: str, timeout: float) -> None:
            timeouts.append(timeout)
            raise TimeoutError

    monkeypatch.setattr(timed_search, "thread_time", lambda: next(own_times))
    search = TimedSearch("(?!x)a", 0)
    search._compiled = Interrupted()
    with pytest.raises(SearchTooLong):
        search.search("a")
    assert timeouts == [LIMIT, 2 * LIMIT, 4 * LIMIT]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(?=x){e}", "{e}x{e}"),
        ("(?!x)a{e<=1}", "aaa a{e<=1}"),
        (r"(?!x)\{i}", "{i}"),
        (r"(?!x)\N{BULLET}{2}", "\u2022\u2022"),
        ("(?!x)b{2,}", "abbb"),
        ("(?!x)b{,2}c", "bbbc"),
        ("(?!x)b{}", "bb{}"),
        ("(?!x)[{i}]", "i"),
    ],
)
def test_braces_mean_what_they_mean_in_python(pattern: str, text: str) -> None:
    found, expected = TimedSearch(pattern, 0).search(text), re.search(pattern, text)
    assert (found and found.span()) == (expected and expected.span())


def test_case_is_ignored_where_python_ignores_it() -> None:
    assert TimedSearch("(?!x)é", re.IGNORECASE).search("É") is not None
    assert TimedSearch("(?!x)é", 0).search("É") is None
