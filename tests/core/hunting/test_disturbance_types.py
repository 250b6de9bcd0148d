"""The table of expected reactions, and a user's changes of it."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.hunting.disturbance import Disturbance
from mockllm.core.hunting.disturbance_type import EXPECTATIONS
from mockllm.core.hunting.disturbance_types import DISTURBANCES, contradict
from mockllm.core.hunting.expectation_file import BadExpectations, expectations


def test_disturbance_types_variations_come_first() -> None:
    kinds = [row.variation for row in DISTURBANCES.values()]
    assert kinds == sorted(kinds, reverse=True)


def test_disturbance_types_rows_are_complete() -> None:
    for name, row in DISTURBANCES.items():
        assert name == row.name
        assert row.forms
        assert row.expect in EXPECTATIONS


def test_expectations_replace_those_of_the_table() -> None:
    assert expectations({"expect": {"refusal": "ignore", "cut": "recover"}}) == {
        "refusal": "ignore",
        "cut": "recover",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "expected one key, expect"),
        ({"expect": {}, "more": 1}, "expected one key, expect"),
        ({"expect": []}, "expected one key, expect"),
        ({"expect": {"cuts": "report"}}, 'expect.cuts: no row is called "cuts"'),
        ({"expect": {"cut": "no"}}, "expect.cut: expected one of same, recover, report, ignore, found 'no'"),
    ],
)
def test_expectations_mistake_is_named(content: Any, message: str) -> None:
    with pytest.raises(BadExpectations, match=message.replace("(", r"\(")):
        expectations(content)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Disturbance("cut", {}, times=1), Disturbance("quota", {}, times=1), True),
        (Disturbance("cut", {}, times=1), Disturbance("quota", {}, skip=1, times=1), False),
        (Disturbance("cut", {}, times=2), Disturbance("quota", {}, skip=1, times=1), True),
        (Disturbance("cut", {}, skip=3, times=1), Disturbance("quota", {}), True),
        (Disturbance("cut", {}, times=1), Disturbance("crlf", {}), False),
    ],
)
def test_contradict_finds_two_faults_on_a_request(
    one: Disturbance, other: Disturbance, expected: bool
) -> None:
    assert contradict((one, other)) is expected
    assert contradict((other, one)) is expected
