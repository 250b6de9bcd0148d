"""Filters as a table: results, and refused values."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json
from mockllm.core.request.request import Request
from mockllm.core.templates.compile_template import compile_template
from mockllm.core.templates.template import (
    MAX_OUTPUT_LENGTH,
    TemplateFailure,
    TemplateScope,
)

SCOPE = TemplateScope(Request(method="POST", path="/", headers={}))


def rendered(source: str, value: Json) -> Json:
    return compile_template(f"{{{{ v | {source} }}}}").render(TemplateScope(SCOPE.request, {"v": value}))


@pytest.mark.parametrize(
    ("value", "source", "built"),
    [
        ("aB c", "upper", "AB C"),
        ("aB c", "lower", "ab c"),
        ("aB c", "title", "Ab C"),
        ("it's a-b (cD", "title", "It's A-B (Cd"),
        ("aB c", "capitalize", "Ab c"),
        ("  a ", "trim", "a"),
        ("xax", "trim('x')", "a"),
        (12, "upper", "12"),
        ("abc", "length", 3),
        ([1, 2], "count", 2),
        ({"a": 1}, "length", 1),
        ("a b  c", "wordcount", 3),
        ("it's a-b c.", "wordcount", 5),
        ([1, 2], "first", 1),
        ("abc", "last", "c"),
        ([], "first | default('none')", "none"),
        ([1, "a", None], "join('-')", "1-a-null"),
        (["a", "b"], "join", "ab"),
        ("aaa", "replace('a', 'b')", "bbb"),
        ("aaa", "replace('a', 'b', 2)", "bba"),
        ("aaa", "replace('a', 'b', count=1)", "baa"),
        ("one two threes", "truncate(9)", "one two threes"),
        ("one two threesome", "truncate(9)", "one..."),
        ("one two three", "truncate(9, leeway=0)", "one..."),
        ("one two three", "truncate(9, true, '...', 0)", "one tw..."),
        ("one two threesome", "truncate(9, true, '')", "one two t"),
        ("short", "truncate(9)", "short"),
        ("abcdefg", "truncate(1)", "..."),
        ("a b  c", "split", ["a", "b", "c"]),
        ("a,b", "split(',')", ["a", "b"]),
        ("a,b", "split(',') | last", "b"),
        ("12", "int", 12),
        ("12.9", "int", 12),
        (12.9, "int", 12),
        ("x", "int(0)", 0),
        ("9" * 30, "int(default=1)", 1),
        ("2.5", "float", 2.5),
        (2, "float", 2.0),
        ("x", "float(0.5)", 0.5),
        (2.5, "round", 2.0),
        (3.5, "round", 4.0),
        (2.675, "round(2)", 2.67),
        (1.1, "round(1, 'ceil')", 1.1),
        (2.345, "round(2)", 2.35),
        (2.1, "round(method='ceil')", 3.0),
        (2.9, "round(0, 'floor')", 2.0),
        (1234, "round(-2)", 1200.0),
        (2.6, "round | int", 3),
        (-3, "abs", 3),
        (True, "string", "true"),
        ({"a": [1, "x"]}, "tojson", '{"a":[1,"x"]}'),
        ({"a": 1}, "tojson(indent=2)", '{\n  "a": 1\n}'),
    ],
)
def test_filter_returns_value(value: Json, source: str, built: Json) -> None:
    found = rendered(source, value)
    assert found == built
    assert type(found) is type(built)


@pytest.mark.parametrize(
    ("value", "source", "reason"),
    [
        (5, "length", "5 has no length"),
        (5, "first", "5 is neither a text nor a list"),
        ("abc", "join", '"abc" is not a list'),
        ("x", "int", '"x" is not a number'),
        (True, "int", "true is not a number"),
        (None, "int", "null is not a number"),
        ([], "int", "[] is not a number"),
        ("9" * 60, "int", '"' + "9" * 38 + "… is not a number"),
        ("nan", "float", '"nan" is not a number'),
        (True, "float", "true is not a number"),
        ("2", "round", 'it is "2", not a number'),
        (2.5, "round(99)", "99 is too fine a precision"),
        (2.5, "round(0, 'up')", 'round knows "common", "ceil" and "floor", not "up"'),
        ("2", "abs", 'it is "2", not a number'),
        ("a", "trim(5)", '"trim" cannot be applied to "a": strip arg must be None or str'),
        ("a" * 300, "truncate('x')", '"truncate" cannot be applied to "' + "a" * 38 + "…: "),
        (1e300, "round(2)", '"round" cannot be applied to 1e+300: '),
    ],
)
def test_filter_of_unsuitable_value_raises(value: Any, source: str, reason: str) -> None:
    with pytest.raises(TemplateFailure) as caught:
        rendered(source, value)
    assert caught.value.reason.startswith(reason)


def test_filter_numbers_stay_within_json() -> None:
    with pytest.raises(TemplateFailure, match="too large"):
        compile_template("{{ -v }}").render(TemplateScope(SCOPE.request, {"v": 2**64 - 1}))


def test_join_of_too_long_text_stops_early(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []

    def as_text(value: Json) -> str:
        written.append(value)
        return "a" * (MAX_OUTPUT_LENGTH // 4)

    monkeypatch.setattr("mockllm.core.templates.filters.as_text", as_text)
    with pytest.raises(TemplateFailure, match="the text is longer than"):
        rendered("join", [1] * 1000)
    assert len(written) < 10
