"""Arguments of `MockLLM` and of its sessions that are refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mockllm.testing import MockLLM


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
