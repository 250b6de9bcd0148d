"""The division into sentences, and the one list that a long sentence may end with."""

from __future__ import annotations

import pytest

from tests.docs.sentences import long_sentences, sentences, without_list


def test_sentence_ends_only_at_stops() -> None:
    assert sentences('One: two; three. Four `a. b`? **Five.** "Six." (Seven.) Eight') == [
        "One: two; three.", "Four code?", "Five.", '"Six."', "(Seven.)", "Eight",
    ]  # fmt: skip
    assert sentences('It prints "Third time lucky." twice') == ['It prints "Third time lucky." twice']


def test_sentence_ends_with_its_part_of_the_page() -> None:
    page = "## One\ntwo\nthree:\n- four:\n  five\n1. six\n\n| a | `b\\|c`<br>d |\n|---|--:|\n\n```\nno: code\n```\n"
    assert sentences(page) == ["One", "two three:", "four: five", "six", "a", "code", "d"]


def test_comments_addresses_and_targets_are_no_words() -> None:
    text = (
        "A <!-- not. this --> [link](page.md) to <https://a.b/c?d=e> and https://a.b/c. ![A picture](x.svg)"
    )
    assert sentences(text) == ["A link to address and address.", "A picture"]


def test_long_sentence_has_more_than_25_words() -> None:
    assert long_sentences("word " * 26) == [("word " * 26).strip()]
    assert long_sentences("word " * 25) == []
    assert long_sentences("word " * 13 + ": " + "word; " * 13) != []
    assert long_sentences("`many words` " * 25) == []


@pytest.mark.parametrize(
    ("sentence", "counted"),
    [
        ("These: `a`, `b` and, at most six words of item.", "These"),
        ("These: `a`, `b`.", "These: `a`, `b`."),
        ("These: `a`, `b`, and so seven words of one item.", "These: `a`, `b`, and so seven words of one item."),
        ("One: two, three, four: five, six.", "One: two, three, four: five, six."),
        ("One, two, three.", "One, two, three."),
    ],
    ids=["list", "two items", "long item", "two colons", "no colon"],
)  # fmt: skip
def test_list_after_a_colon_is_not_counted(sentence: str, counted: str) -> None:
    assert without_list(sentence) == counted
