"""How many repeats of a regex share a run of one character: what its time grows with."""

from __future__ import annotations

import pytest

from mockllm.core.regex.polynomial import MOST, overlaps


@pytest.mark.parametrize(
    ("pattern", "shared"),
    [
        ("", 0),
        ("hello", 0),
        ("hello?", 1),
        ("a{3}", 0),
        ("^(ab)+$", 0),
        (".*foo.*bar.*baz", 1),
        (r"\d{1,3}\.\d{1,3}\.\d{1,3}", 1),
        (r"^\s*(\w+)\s*=\s*(.*?)\s*$", 3),
        (r"\d+\d+\d+$", 3),
        ("^.*.*.*.*=x", 4),
        ("(.*),(.*),(.*),(.*)", 4),
        ("x?" * 28 + "x" * 28, 28),
        ("^(x?){28}x{28}$", 28),
        ("^(x?){28,}x$", 29),
        ("^(a{1,9}){1,40}$", 41),
        ("^(.*?,){30}P", 30),
        ("(?:a+b){30}", 1),
        ("(?:ab|a+a+|a*)c", 2),
        ("(?i:a+)A+", 2),
        ("(?i)(?-i:a+)A+", 2),
        ("[a-f]+[f-k]+", 2),
        ("a+[^a]*a+", 2),
        (r"(a+)\1a+", 2),
        ("(a)?(?(1)a+a+|b)", 3),
        ("(a)?(?(1)a+a+)", 3),
        ("(?=a+a+a+b)a+", 3),
        ("(?!a+a+b)a+", 2),
        ("(?>a+)(?>a+)a+", 1),
        ("a++a++a+", 1),
        ("(?>a+a+a+b)", 3),
        ("a+\\ba+", 2),
        ("(a{1000}){1000}?", 0),
        ("(a{0,1000}){1000}", MOST),
        ("(", MOST),
    ],
)
def test_so_many_share_a_run(pattern: str, shared: int) -> None:
    assert overlaps(pattern) == shared


def test_case_is_the_conditions_to_ignore() -> None:
    assert overlaps("a+A+") == 1
    assert overlaps("a+A+", ignore_case=True) == 2
