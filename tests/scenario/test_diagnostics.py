"""The texts of diagnostics, and suggestions."""

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


def test_diagnostic_text_has_place_path_and_message() -> None:
    diagnostic = Diagnostic("scenarios/a.yaml", 14, 7, "rules[2].match.modle", "unknown key")
    assert str(diagnostic) == "scenarios/a.yaml:14:7: rules[2].match.modle: unknown key"


def test_diagnostic_of_whole_file_has_no_path() -> None:
    assert str(Diagnostic("a.yaml", 1, 1, "", "no rules")) == "a.yaml:1:1: no rules"


def test_diagnostic_outside_of_files_has_no_position() -> None:
    assert str(Diagnostic("--set n=x", 0, 0, "p.n", "no number")) == "--set n=x: p.n: no number"


def test_diagnostics_sort_by_place_and_can_be_pickled() -> None:
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
def test_path_text_and_parse_path_are_inverse(path: Path, text: str) -> None:
    assert path_text(path) == text
    assert parse_path(text) == path


@pytest.mark.parametrize(
    ("key", "result"),
    [
        ("modle", "model"),
        ("Model", "model"),
        ("usr", "user"),
        ("temperature", None),
        ("mod", "model"),
        ("us", None),
    ],
)
def test_nearest_returns_most_similar_name(key: str, result: str | None) -> None:
    assert nearest(key, ["model", "user"]) == result


@pytest.mark.parametrize(
    ("key", "words", "text"),
    [
        ("modle", ["model", "user"], '; did you mean "model"?'),
        ("x", ["model", "user"], '; expected "model" or "user"'),
        ("x", list("abcdefghijklmnopq"), ""),
        ("x", [], ""),
    ],
)
def test_suggestion_names_similar_or_all_values(key: str, words: list[str], text: str) -> None:
    assert suggestion(key, words) == text


def test_quoted_values_are_written_as_in_yaml() -> None:
    assert [scalar_text(value) for value in (None, True, False, 1, 1.5, "a")] == [
        "null",
        "true",
        "false",
        "1",
        "1.5",
        "a",
    ]
    assert quoted_choice(["a", 1, True]) == '"a", 1 or true'


def test_diagnostic_text_escapes_controls_and_cuts_paths() -> None:
    message = str(Diagnostic("a.yaml", 1, 2, 'rules[0]["\x1b[2J\u202e"]', "unknown key\nin two lines"))
    assert message == 'a.yaml:1:2: rules[0]["\\x1b[2J\\u202e"]: unknown key\nin two lines'
    assert readable("é 中 →") == "é 中 →"
    assert len(str(Diagnostic("a.yaml", 1, 2, "x" * 10_000, "unknown key"))) < 400
