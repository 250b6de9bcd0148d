"""How mistakes are written, and what is suggested."""

from __future__ import annotations

import pickle

import pytest

from mockllm.scenario.diagnostics import (
    Diagnostic,
    Path,
    nearest,
    parse_path,
    path_text,
    quoted_choice,
    readable,
    scalar_text,
    suggestion,
)


def test_a_mistake_says_where_and_what() -> None:
    mistake = Diagnostic("scenarios/a.yaml", 14, 7, "rules[2].match.modle", "unknown key")
    assert str(mistake) == "scenarios/a.yaml:14:7: rules[2].match.modle: unknown key"


def test_a_mistake_of_a_whole_file_has_no_path() -> None:
    assert str(Diagnostic("a.yaml", 1, 1, "", "no rules")) == "a.yaml:1:1: no rules"


def test_a_mistake_outside_of_files_has_no_position() -> None:
    assert str(Diagnostic("--set n=x", 0, 0, "p.n", "no number")) == "--set n=x: p.n: no number"


def test_mistakes_sort_by_place_and_can_be_pickled() -> None:
    early, late = Diagnostic("a.yaml", 2, 9, "", "x"), Diagnostic("a.yaml", 10, 1, "", "x")
    assert sorted([late, early]) == [early, late]
    assert pickle.loads(pickle.dumps(early)) == early


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("rules", 2, "match", "user"), "rules[2].match.user"),
        (("match", "headers", "x-case"), "match.headers.x-case"),
        (("body", "$.a"), 'body["$.a"]'),
        (("$.a", 0), '["$.a"][0]'),
        (("", 'say "hi"', "a\\b"), '[""]["say \\"hi\\""]["a\\\\b"]'),
        (("é", "7"), 'é["7"]'),
    ],
)
def test_paths_read_as_a_person_writes_them(path: Path, text: str) -> None:
    assert path_text(path) == text
    assert parse_path(text) == path


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("modle", "model"),
        ("Model", "model"),
        ("usr", "user"),
        ("temperature", None),
        ("mod", "model"),
        ("us", None),
    ],
)
def test_the_nearest_word_is_found(word: str, found: str | None) -> None:
    assert nearest(word, ["model", "user"]) == found


@pytest.mark.parametrize(
    ("word", "words", "text"),
    [
        ("modle", ["model", "user"], '; did you mean "model"?'),
        ("x", ["model", "user"], '; expected "model" or "user"'),
        ("x", list("abcdefghijklmnopq"), ""),
        ("x", [], ""),
    ],
)
def test_what_was_meant_is_said(word: str, words: list[str], text: str) -> None:
    assert suggestion(word, words) == text


def test_values_are_shown_as_yaml_writes_them() -> None:
    assert [scalar_text(value) for value in (None, True, False, 1, 1.5, "a")] == [
        "null",
        "true",
        "false",
        "1",
        "1.5",
        "a",
    ]
    assert quoted_choice(["a", 1, True]) == '"a", 1 or true'


def test_what_would_steer_a_terminal_is_written_out_and_long_paths_are_cut() -> None:
    said = str(Diagnostic("a.yaml", 1, 2, 'rules[0]["\x1b[2J\u202e"]', "unknown key\nin two lines"))
    assert said == 'a.yaml:1:2: rules[0]["\\x1b[2J\\u202e"]: unknown key\nin two lines'
    assert readable("é 中 →") == "é 中 →"
    assert len(str(Diagnostic("a.yaml", 1, 2, "x" * 10_000, "unknown key"))) < 400
