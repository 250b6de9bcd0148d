"""Unquoted scalars follow YAML 1.2's core schema, and nothing beyond it."""

from __future__ import annotations

import sys
from collections import Counter
from types import FrameType

import pytest

from mockllm.core.json.codec import Scalar
from mockllm.scenario.diagnostics import Diagnostic
from mockllm.scenario.yaml_nodes import MAX_DEPTH, MAX_PURE_LENGTH, read_nodes, scalar_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("true", True),
        ("False", False),
        ("0", 0),
        ("007", 7),
        ("-12", -12),
        ("+12", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-1.5E-3", -0.0015),
    ],
)
def test_scalar_value_resolves_core_schema(text: str, value: Scalar) -> None:
    result = scalar_value(text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "1_000",
        "0b1",
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "nULL",
        "tRUE",
        "1:30",
        "12:30:45",
        "0o8",
        "0xG",
        "1.2.3",
        "300ms",
        "5%",
        "-",
        "+",
        ".",
        "1e",
        "e3",
        "-0x1",
        "..",
        "inf",
        "nan",
        "hello",
        "１２",
    ],
)
def test_scalar_value_of_other_text_is_text(text: str) -> None:
    assert scalar_value(text) == text


@pytest.mark.parametrize("text", [".inf", "-.INF", "+.Inf", ".nan", ".NaN", "1e999", "-1e999"])
def test_scalar_value_infinite_number_raises(text: str) -> None:
    with pytest.raises(ValueError, match="is not a finite number; write"):
        scalar_value(text)


@pytest.mark.parametrize(
    "text", ["18446744073709551616", "-9223372036854775809", "9" * 10_000, "0x" + "f" * 17]
)
def test_scalar_value_beyond_64_bits_raises(text: str) -> None:
    with pytest.raises(ValueError, match="beyond 64 bits"):
        scalar_value(text)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (
            "a: {to: http://host:8080/x, per: header:x-user}",
            {"a": {"to": "http://host:8080/x", "per": "header:x-user"}},
        ),
        (
            "[a:b, 'c', &x d:1, *x, {e: 12:30, f: {g: ::}}]",
            ["a:b", "c", "d:1", "d:1", {"e": "12:30", "f": {"g": "::"}}],
        ),
    ],
)
def test_colon_in_plain_text_between_brackets(text: str, data: object) -> None:
    found, _, diagnostics, *_ = read_nodes(text, "a.yaml")
    assert (found, diagnostics) == (data, [])


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: {b: c:d,\n  e:f, g: h}", (2, 3), 'write a space after the ":" of "e"'),
        (
            "a: [b:c, d: e: f]",
            (1, 14),
            'the "[" that opens at 1:4 is not closed, or a "," is missing before this',
        ),
        (
            "a: [b:c, !!int 5]",
            (1, 10),
            'the tag "!!int" is not read: scenarios are plain data; quote it if it is a text',
        ),
        ("a: [b:c,\n", (1, 4), 'the "[" that opens here is never closed'),
        (
            f"a: [b:c]\nb: {'x' * MAX_PURE_LENGTH}",
            (1, 6),
            'a ":" is not allowed in an unquoted text between brackets; put the text in quotes',
        ),
    ],
)
def test_mistake_beside_colon_between_brackets(text: str, place: tuple[int, int], message: str) -> None:
    _, _, diagnostics, *_ = read_nodes(text, "a.yaml")
    assert [((each.line, each.column), each.message) for each in diagnostics] == [(place, message)]


TAG_FOO = 'the tag "!foo" is not read: scenarios are plain data; quote it if it is a text'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: &x [b, c,\n", [((1, 7), "[")]),
        ("a: !foo {b: c,\n", [((1, 4), TAG_FOO), ((1, 9), "{")]),
        ("- &x # c [\n  !foo\n  {a,\n- b", [((1, 3), TAG_FOO), ((3, 3), "{")]),
        ("- {a: &x [b:c,\n- d", [((1, 10), "[")]),
        ("- {a: {b: http://c}}\n- {d: e,\n- [f", [((2, 3), "{")]),
        ("- [a:b, [c]]\n- [é, {d: http://e},\n", [((2, 3), "[")]),
    ],
)
def test_bracket_never_closed(text: str, found: list[tuple[tuple[int, int], str]]) -> None:
    """A bracket has its own place behind an anchor or a tag, and also where a ":" between brackets precedes it."""
    _, _, diagnostics, *_ = read_nodes(text, "a.yaml")
    messages = [
        (place, f'the "{each}" that opens here is never closed' if len(each) == 1 else each)
        for place, each in found
    ]
    assert [((each.line, each.column), each.message) for each in diagnostics] == messages


def calls_of(text: str) -> Counter[str]:
    """Return the function calls that reading a text takes, by name."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, function: object) -> None:
        if event == "call":
            calls[frame.f_code.co_name] += 1
        elif event == "c_call":
            calls[getattr(function, "__name__", "")] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        read_nodes(text, "a.yaml")
    finally:
        sys.setprofile(before)
    return calls


def test_nested_anchors_read_each_value_once() -> None:
    values = f"[{'1, ' * 500}1]"
    anchored = "".join(f"&a{number} [" for number in range(90)) + values + "]" * 90
    assert calls_of(anchored).total() < 2 * calls_of("[" * 90 + values + "]" * 90).total()


@pytest.mark.parametrize(
    ("anchored", "levels"),
    [
        pytest.param("&a x", 0, id="a text"),
        pytest.param("&a []", 0, id="an empty list"),
        pytest.param("&a [x]", 1, id="a list"),
        pytest.param("&a {b: [[x], y]}", 3, id="a mapping of lists"),
        pytest.param("&a [[x], &b [y], z]", 2, id="an anchor inside"),
        pytest.param("&a [&b [[x]], [*b]]", 4, id="an alias inside"),
    ],
)
def test_alias_fits_below_maximum_depth(anchored: str, levels: int) -> None:
    room = MAX_DEPTH - levels - 1  # the list around all is a level too

    def mistakes(depth: int) -> list[Diagnostic]:
        return read_nodes(f"[{anchored}, {'[' * depth}*a{']' * depth}]", "a.yaml")[2]

    assert mistakes(room) == []
    assert [each.message for each in mistakes(room + 1)] == [
        "aliases repeat more than 100,000 values or 100 levels"
        if levels
        else "nested more than 100 levels deep"
    ]


def test_many_unquoted_templates_split_text_once() -> None:
    assert calls_of("- {{ x }}\n" * 50)["splitlines"] == 1
