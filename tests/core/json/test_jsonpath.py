"""JSONPath: singular paths, paths with several nodes, and refused queries."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.json.codec import MISSING, Json
from mockllm.core.json.jsonpath import JsonPathError, compile_path
from mockllm.core.json.path_evaluation import MAX_VISITED, TOO_LARGE, PathEvaluation, find_nodes

BODY = {
    "a": {"b": [1, 2, {"x y": "deep"}], "": "empty", "0": "zero"},
    "messages": [
        {"role": "user", "content": "hi", "n": 1},
        {"role": "assistant", "content": None, "n": 2, "ok": True},
        {"role": "user", "content": "bye", "n": 3, "tags": ["t"]},
    ],
    "it's": 'say "hi"',
    "naïve": 1,
    "true": 1,
    "where": 2,
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", BODY),
        ("$.a.b[0]", 1),
        ("$.a.b[-1]['x y']", "deep"),
        ('$["a"]["b"][-3]', 1),
        ("$ ['a'] [ 'b' ] [1]", 2),
        ("$.a['']", "empty"),
        ("$.a['0']", "zero"),
        ("$.a[0]", MISSING),
        ("$.a.b[3]", MISSING),
        ("$.a.b[-4]", MISSING),
        ("$.a.b.c", MISSING),
        ("$.nothing.at.all", MISSING),
        ("$.messages[1].content", None),
        (r"$['it\'s']", 'say "hi"'),
        ('$["it\'s"]', 'say "hi"'),
        ("$.naïve", 1),
        (r"$['na\u00efve']", 1),
        ("$.true", 1),
        ("$.where", 2),
    ],
)
def test_singular_path_returns_its_node(path: str, found: Json) -> None:
    compiled = compile_path(path)
    assert compiled.singular
    assert compiled.first(BODY) == found
    assert compiled.value(BODY) == found


def test_singular_path_has_keys() -> None:
    assert compile_path("$.a.b[-1]['x y']").keys == ("a", "b", -1, "x y")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.messages[*].role", ["user", "assistant", "user"]),
        ("$.messages.*.n", [1, 2, 3]),
        ("$.messages[0:2].n", [1, 2]),
        ("$.messages[-2:].n", [2, 3]),
        ("$.messages[::2].n", [1, 3]),
        ("$.messages[0, -1].n", [1, 3]),
        ("$.messages[0]['n','role']", [1, "user"]),
        ("$..role", ["user", "assistant", "user"]),
        ("$..['x y']", ["deep"]),
        ("$..tags[0]", ["t"]),
        ("$.messages[?@.n > 1].n", [2, 3]),
        ("$.messages[?@.n>=2 && @.role == 'user'].n", [3]),
        ("$.messages[?(@.n == 1 || @['n'] == 3)].n", [1, 3]),
        ("$.messages[?@.tags].n", [3]),
        ("$.messages[?!@.tags].n", [1, 2]),
        ("$.messages[?@.tags[*]].n", [3]),
        ("$.messages[?@.content == null].n", [2]),
        ("$.messages[?@.ok == true].n", [2]),
        ("$.messages[?@.n == true].n", []),
        ("$.messages[?@.n == '1'].n", []),
        ("$.messages[?@.n == 1.0].n", [1]),
        ("$.messages[?@.n < -1].n", []),
        ("$.messages[?@.n == $.a.b[0]].n", [1]),
        ("$.messages[?@.role < 'b'].n", [2]),
        ("$.messages[?@.role >= 'user'].n", [1, 3]),
        ("$.messages[?@.n <= 2].n", [1, 2]),
        ("$.messages[?@.content <= null].n", [2]),
        ("$.messages[?@.ok < 2].n", []),
        ("$.messages[?@.nothing == @.none].n", [1, 2, 3]),
        ("$.messages[?$.where].n", [1, 2, 3]),
        ("$.messages[?$.a.b[*]].n", [1, 2, 3]),
        ("$.a.b[:].x", []),
        ("$.where[0:1]", []),
        ("$.where[*]", []),
        ("$.a..*", [[1, 2, {"x y": "deep"}], "empty", "zero", 1, 2, {"x y": "deep"}, "deep"]),
        ('$.messages[?@.role != "user"].n', [2]),
        ("$.nothing[*]", []),
    ],
)
def test_path_with_several_nodes_returns_all(path: str, found: list[Json]) -> None:
    compiled = compile_path(path)
    assert not compiled.singular
    assert compiled.keys == ()
    assert compiled.value(BODY) == (found or MISSING)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("model", "a JSONPath begins with $; write $.model (character 1)"),
        ("", "a JSONPath begins with $, like $.temperature (character 1)"),
        ("$.", "a name or * is missing behind the dot (character 3)"),
        ("$.a-b", "a name with a dash needs brackets: ['x-y'] (character 4)"),
        ("$.a ", "white space behind the path (character 4)"),
        ("$a", "not understood from 'a' (character 2)"),
        ("$.a.`len`", "a name or * is missing behind the dot (character 5)"),
        ("$.a | $.b", "not understood from '| $.b' (character 4)"),
        ("$.a where b", "not understood from 'where b' (character 4)"),
        ("$.a(1)", "functions like a() are not supported (character 4)"),
        ("$['a'](1)", "functions are not supported (character 7)"),
        ("$.messages[?length(@.a) > 1]", "functions like length() are not supported (character 20)"),
        ("$.messages[?n > 1]", "a filter's comparison begins with a path: @.name == 'x' (character 14)"),
        ("$.messages[?@.length() > 1]", "functions like length() are not supported (character 21)"),
        ("$..a..b", "at most one .. (more of them take minutes on a deep body) (character 7)"),
        ("$.a[?@..b]", "a filter's path has no filter and no .. (character 10)"),
        ("$.a[?@[?@.b]]", "a filter's path has no filter and no .. (character 13)"),
        ("$.a[?@.b =~ 'x']", "=~ is not part of JSONPath; use a regex condition (character 10)"),
        ("$.a[?@.b = 'x']", "write == for equality (character 10)"),
        ("$.a[?@.* == 1]", "a comparison needs a path to one value (character 12)"),
        ("$.a[?@.b == @.*]", "a comparison needs a path to one value (character 16)"),
        (
            "$.a[?@.b == x]",
            "compare with a quoted text, a number, true, false, null or a path (character 13)",
        ),
        ("$.a[?!(@.b)]", "! is allowed only before a path: write !@.a (character 7)"),
        ("$.a[?!b]", "a path that begins with @ is missing (character 7)"),
        ("$.a[?(@.b]", ") is missing (character 10)"),
        ("$.a[?" + "(" * 30 + "@.b" + ")" * 30 + "]", "the filter is nested too deep (character 26)"),
        ("$.a[0", "] is missing (character 6)"),
        ("$.a[b]", "brackets need a number, a quoted name, *, a slice or ?(a filter) (character 5)"),
        ("$.a[01]", "] is missing (character 6)"),
        ("$.a[::-1]", "a slice's step is 1 or more (character 9)"),
        ("$.a[::0]", "a slice's step is 1 or more (character 8)"),
        ("$.a[0,'b']", "several selectors in one bracket must be all names or all indices (character 11)"),
        ("$.a[*,*]", "several selectors in one bracket must be all names or all indices (character 9)"),
        (r"$['\q']", "not a valid quoted name or text (character 7)"),
        (r"$['\ud800']", "not a valid quoted name or text (character 11)"),
        ("$.a[/b]", "brackets need a number, a quoted name, *, a slice or ?(a filter) (character 5)"),
        ("$.a + 1", "not understood from '+ 1' (character 4)"),
    ],
)
def test_compile_path_refuses_invalid_query(path: str, message: str) -> None:
    with pytest.raises(JsonPathError) as caught:
        compile_path(path)
    assert str(caught.value) == f"{path}: {message}"


def test_path_in_missing_or_deep_body_finds_nothing() -> None:
    deep: Json = 1
    for _ in range(5000):
        deep = [deep]
    several = compile_path("$..a[?@.b]")
    assert several.value(MISSING) is MISSING
    assert several.value(deep) is MISSING
    assert compile_path("$.a").value(MISSING) is MISSING


def nested(depth: int, width: int) -> Json:
    """Return nested objects: `width` members `a0`, `a1` … on each of `depth` levels, equal ones."""
    return (
        dict.fromkeys([f"a{place}" for place in range(width)], nested(depth - 1, width))
        if depth
        else {"leaf": 1}
    )


WIDE = nested(9, 4)


def test_descent_visits_each_object_once() -> None:
    body = nested(8, 3)
    evaluation = PathEvaluation(body)
    assert len(find_nodes(compile_path("$..leaf").segments, body, evaluation)) == 3**8
    objects = sum(3**level for level in range(9))
    assert MAX_VISITED - evaluation.left == objects + 3**8


@pytest.mark.parametrize(
    "path", ["$..a0", "$..*", "$..[?@.leaf == 1]", "$.*.*.*.*.*.*.*.*.*", "$..['a0','a1']"]
)
def test_path_that_visits_too_many_nodes_is_too_large(path: str) -> None:
    assert compile_path(path).value(WIDE) is TOO_LARGE


def test_filter_that_visits_too_many_nodes_is_too_large() -> None:
    body = {"a": [{"b": 1}] * 1000}
    assert compile_path("$.a[?@.b]").value(body) == body["a"]
    assert compile_path("$.a[?$.a[*]]").value(body) is TOO_LARGE


def test_too_large_result_names_the_bound() -> None:
    assert str(TOO_LARGE) == "not evaluated: the path visits more than 25,000 values of the body"


@given(st.text(max_size=12).map(lambda text: "$" + text))
def test_compile_path_of_any_text_returns_or_raises(text: str) -> None:
    with suppress(JsonPathError):
        compile_path(text).value(BODY)


CASES = os.environ.get("JSONPATH_COMPLIANCE_SUITE", "")


@pytest.mark.skipif(not CASES, reason="JSONPATH_COMPLIANCE_SUITE names no cts.json")
def test_path_results_equal_the_compliance_suite() -> None:
    for case in json.loads(Path(CASES).read_text())["tests"]:
        try:
            compiled = compile_path(case["selector"])
        except JsonPathError:
            continue
        if case.get("invalid_selector"):
            assert case["selector"] == "$['\\\"']"  # an escape that the RFC lacks, and whose sense is plain
        else:
            value = compiled.value(case["document"])
            found = [] if value is MISSING else [value] if compiled.singular else value
            assert found in case.get("results", [case.get("result")]), case
