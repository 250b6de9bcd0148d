"""YAML becomes plain data and positions; no content of a file can do harm."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from mockllm.scenario.diagnostics import Path
from mockllm.scenario.source_file import MAX_ALIAS_VALUES, MAX_FILE_SIZE, Source
from mockllm.scenario.yaml_nodes import MAX_DEPTH
from mockllm.scenario.yaml_reader import read_source

TEXT = """\
# a comment
mockllm: 1
rules:
  - name: greeting
    match: {user: {contains: hello}, "$.a b": [1, two]}
    reply: |
      Hello,
      world
  - é: "ü", {}
""".replace('"ü", {}', '"ü"')


def only_diagnostic(source: Source) -> str:
    assert len(source.diagnostics) == 1
    return str(source.diagnostics[0])


def test_read_source_returns_plain_data() -> None:
    assert read_source(TEXT, "a.yaml").data == {
        "mockllm": 1,
        "rules": [
            {
                "name": "greeting",
                "match": {"user": {"contains": "hello"}, "$.a b": [1, "two"]},
                "reply": "Hello,\nworld\n",
            },
            {"é": "ü"},
        ],
    }


@pytest.mark.parametrize(
    ("path", "key", "place"),
    [
        ((), False, (2, 1)),
        (("mockllm",), False, (2, 10)),
        (("mockllm",), True, (2, 1)),
        (("rules",), False, (4, 3)),
        (("rules", 0), False, (4, 5)),
        (("rules", 0, "match"), True, (5, 5)),
        (("rules", 0, "match", "user", "contains"), False, (5, 30)),
        (("rules", 0, "match", "$.a b", 1), False, (5, 51)),
        (("rules", 0, "match", "$.a b", 1), True, (5, 51)),
        (("rules", 1, "é"), False, (9, 8)),
        (("rules", 0, "modle"), True, (4, 5)),
        (("rules", 7, "x"), False, (4, 3)),
        (("mockllm", "x", 3), True, (2, 10)),
    ],
)
def test_source_position_of_every_place(path: Path, key: bool, place: tuple[int, int]) -> None:
    assert read_source(TEXT, "a.yaml").position(path, key) == place


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", None),
        ("# nothing\n", None),
        ("---\na: 1\n...\n", {"a": 1}),
        ("\ufeffa: 1", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("{1: a, true: b, ~: c}", {"1": "a", "true": "b", "~": "c"}),
        ('a: !!str 7\nb: ! 7\nc: "7"', {"a": "7", "b": "7", "c": "7"}),
        (
            "a: &x {b: [1]}\nc: *x\nd: [*x, *x]",
            {"a": {"b": [1]}, "c": {"b": [1]}, "d": [{"b": [1]}, {"b": [1]}]},
        ),
        ("a: said {{ user }} and ${name}", {"a": "said {{ user }} and ${name}"}),
        ("'<<': 1", {"<<": 1}),
        ('"": 1', {"": 1}),
    ],
)
def test_read_source_accepts_legal_yaml(text: str, data: Any) -> None:
    source = read_source(text, "a.yaml")
    assert source.diagnostics == ()
    assert source.data == data


def test_alias_value_has_position_of_alias() -> None:
    source = read_source("a: &x {b: [1]}\nc: *x\n", "a.yaml")
    assert source.position(("c",)) == (2, 4)
    assert source.position(("c",), key=True) == (2, 1)
    assert source.position(("c", "b", 0)) == (1, 12)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{" * 100_000, "- " * 100_000, "? " * 100_000, "a: [" * 100_000]
)
def test_absurd_depth_is_refused_before_building(text: str) -> None:
    source = read_source(text, "a.yaml")
    assert source.data is None
    assert "nested more than 100 levels deep" in str(source.diagnostics[-1])
    assert len(source.diagnostics) <= 2  # of nested non-text keys, only the outermost is reported


def test_deep_indentation_is_refused() -> None:
    text = "\n".join(" " * level + "a:" for level in range(1_000))
    assert only_diagnostic(read_source(text, "a.yaml")) == "a.yaml:101:101: nested more than 100 levels deep"


def test_maximum_depth_is_read_and_can_be_pickled() -> None:
    source = read_source("[" * MAX_DEPTH + "]" * MAX_DEPTH, "a.yaml")
    assert source.diagnostics == ()
    assert pickle.loads(pickle.dumps(source)) == source


def test_nested_aliases_count_for_depth() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200))]
    assert "or 100 levels" in only_diagnostic(read_source("\n".join(lines), "a.yaml"))


def test_alias_expansion_is_limited() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    assert f"more than {MAX_ALIAS_VALUES:,} values" in only_diagnostic(
        read_source("\n".join(lines), "a.yaml")
    )


def test_many_aliases_of_large_text_are_cheap() -> None:
    source = read_source(f'a: &x "{"y" * 100_000}"\nb: [{", ".join(["*x"] * 10_000)}]', "a.yaml")
    assert source.diagnostics == ()


def test_too_large_file_is_refused() -> None:
    assert only_diagnostic(read_source(b"#" * (MAX_FILE_SIZE + 1), "a.yaml")).startswith(
        "a.yaml:1:1: the file has 16 MiB"
    )


def test_lone_surrogate_is_refused() -> None:
    assert "is not UTF-8" in only_diagnostic(read_source("a: \ud800", "a.yaml"))


def test_columns_count_characters() -> None:
    assert only_diagnostic(read_source('é: ééé\nü: "é" x', "a.yaml")).startswith("a.yaml:2:8: ")


def test_all_errors_are_reported_beside_readable_data() -> None:
    source = read_source("a: 1\na: {{ x }}\nb: !t c\nd: .nan\n", "a.yaml")
    assert [str(diagnostic).split(": ")[1] for diagnostic in source.diagnostics] == ["a", "a", "b", "d"]
    assert source.data == {"a": 1, "b": "c", "d": 0}


def test_errors_before_syntax_error_are_reported() -> None:
    source = read_source("a: 1\na: 2\nb: [", "a.yaml")
    assert source.data is None
    assert [diagnostic.line for diagnostic in source.diagnostics] == [2, 3]


@pytest.mark.parametrize(
    "text", ["{{", "a: {{ x", "- {{ x }}: y", "{{a}: b}", "[{{ x }}, {y}]", "{{ [a] }}: {{ b }}"]
)
def test_text_in_braces_has_diagnostics(text: str) -> None:
    assert read_source(text, "a.yaml").diagnostics


@pytest.mark.parametrize(
    "text",
    [
        "%YAML 9.9\n---\na: b",
        "%TAG ! x\n",
        "a: !<",
        "a: !x!y z",
        "|",
        "a: >9x",
        "&",
        "*",
        "a: 'x",
        '"\\x',
        "\\",
        "? a\n? b",
        "a:\n- b\n  c",
        "[a, b]]",
        "}",
        "- a\nb: c",
        "a: b\n...\nc",
        "--- a\n--- b",
        'a: "\\uD800"',
        "!!binary x: y",
    ],
)
def test_strange_files_never_raise(text: str) -> None:
    source = read_source(text, "a.yaml")
    assert isinstance(source, Source)
    assert all("Error" not in str(diagnostic) for diagnostic in source.diagnostics)


def test_many_rules_have_no_diagnostic() -> None:
    rule = "  - name: r{}\n    match: {{user: {{contains: hello}}, model: gpt-*}}\n    reply: Hi\n"
    source = read_source("rules:\n" + "".join(rule.format(number) for number in range(500)), "a.yaml")
    assert source.diagnostics == ()
    assert len(source.data["rules"]) == 500
