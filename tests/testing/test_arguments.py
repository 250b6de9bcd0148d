"""Arguments of `MockLLM` and of its sessions that are refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockllm.testing import Broken, MockLLM


@pytest.mark.parametrize("factor", [0, -1, "x", float("nan"), 1e9])
def test_factor_that_is_none_is_refused(factor: Any) -> None:
    with pytest.raises(ValueError, match=r"time_scale is a factor from 0\.0001 to 10000"):
        MockLLM(time_scale=factor)
    with MockLLM() as server, pytest.raises(ValueError, match="time_scale is a factor"):
        server.session(time_scale=factor)


@pytest.mark.parametrize(
    "words", [{"scenarios": 3}, {"scenarios": [3]}, {"packs": 3}, {"packs": [3]}, {"params": 3}]
)
def test_source_of_a_wrong_type_is_refused(words: dict[str, Any]) -> None:
    ((name, value),) = words.items()
    for make in (MockLLM, MockLLM().session):
        with pytest.raises(ValueError, match=rf"{name} takes .*, and not {re.escape(repr(value))}"):
            make(**words)


WRONG: dict[str, tuple[Any, ...]] = {
    "strict": ("no", None, 1),
    "all_used": ("no", None),
    "port": ("x", -1, 65536, True, 80.0),
    "max_delay": ("x", -1, float("nan"), float("inf"), True),
    "limits": (3, {}, "x"),
    "seed": ("3", None, 1.5, True),
    "miss_status": (200, "x", 404.0),
    "time_scale": (True, None),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, each) for name, values in WRONG.items() for each in values]
)
def test_argument_of_a_wrong_value_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name} is .*, and not {re.escape(repr(value))}$"):
        MockLLM(**{name: value})


@pytest.mark.parametrize("name", ["times", "at_least", "at_most"])
def test_count_that_is_a_bool_is_refused(name: str) -> None:
    bounds: dict[str, Any] = {name: True}
    with (
        MockLLM() as server,
        pytest.raises(ValueError, match=f"{name} is a whole number from 0, and not True"),
    ):
        server.verify(**bounds)


def test_counts_that_no_number_meets_are_refused() -> None:
    with MockLLM() as server, pytest.raises(ValueError, match="at_most is less than at_least"):
        server.verify(at_least=3, at_most=2)


@pytest.mark.parametrize("match", ["x", "", 3, [1]])
def test_match_that_is_no_mapping_is_refused(match: Any) -> None:
    with MockLLM() as server, pytest.raises(Broken, match=r":1: match: expected a mapping, found"):
        server.verify(match)
