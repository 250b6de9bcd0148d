"""The steps at which a reader sees that a fault has changed a stream."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.faults import FAULTS
from mockllm.core.faults.changed_steps import faults_by_step
from mockllm.core.rendering.plan import EventStep, Step
from tests.core.faults import plans

CASES: dict[str, tuple[dict[str, Any], list[int]]] = {
    "duplicate": ({}, [3]),  # the second one
    "drop": ({}, [2]),  # what follows the gap
    "malformed": ({}, [2]),
    "stall": ({}, [3]),  # the wait
    "reorder": ({}, [2, 3, 4]),
    "no_terminator": ({}, [5]),  # the last one that is left
    "close": ({}, [3]),
    "drip": ({}, []),  # as the whole stream
}


@pytest.mark.parametrize("name", CASES)
def test_changed_steps_are_marked(name: str) -> None:
    settings, expected = CASES[name]
    changed = plans.played(FAULTS[name].model_validate(settings))
    found = faults_by_step(plans.STEPS, changed.steps, {}, name)
    assert found == dict.fromkeys(expected, name), changed.steps


def test_places_of_earlier_faults_move_with_their_steps() -> None:
    added: Step = EventStep(b"new", 0, "ping")
    after = (plans.STEPS[0], added, *plans.STEPS[1:])
    assert faults_by_step(plans.STEPS, after, {0: "one", 4: "two"}, "new") == {0: "one", 1: "new", 5: "two"}


def test_stream_without_steps_has_no_places() -> None:
    assert faults_by_step(plans.STEPS, (), {}, "drop") == {}
