"""Windows in time and named states, as tables."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.selection.guards import TimeWindow, UnmetState, changed_states, unmet_state


@pytest.mark.parametrize(
    ("during", "held"),
    [
        pytest.param(TimeWindow(), [0, 9, 10, 29, 30, 59, 60, 75, 1e9], id="always"),
        pytest.param(TimeWindow(10), [10, 29, 30, 59, 60, 75, 1e9], id="from then on"),
        pytest.param(TimeWindow(10, 30), [10, 29], id="its end does not belong to it"),
        pytest.param(TimeWindow(10, 30, 60), [10, 29, 75], id="again each minute"),
        pytest.param(TimeWindow(0, 10, 30), [0, 9, 30, 60], id="again from the beginning"),
        pytest.param(TimeWindow(10, every=30), [10, 29, 59, 75, 1e9], id="until the next one"),
    ],
)
def test_window_contains_its_seconds(during: TimeWindow, held: list[float]) -> None:
    assert [time for time in (0, 9, 10, 29, 30, 59, 60, 75, 1e9) if during.contains(time)] == held


@pytest.mark.parametrize("start", [0.0, 1000.0, 1_700_000_000.123, 1_763_673_869.777])
def test_window_ends_are_exact_on_any_clock(start: float) -> None:
    def held(during: TimeWindow, *times: float) -> list[bool]:
        return [during.contains((start + time) - start) for time in times]

    assert held(TimeWindow(0.1, 0.3), 0.0999, 0.1, 0.2999, 0.3) == [False, True, True, False]
    each = TimeWindow(0.1, 0.3, 1.0)
    assert held(each, 7.0999, 7.1, 7.2999, 7.3, 1000.1, 1000.3) == [False, True, True, False, True, False]
    assert held(TimeWindow(end=0.05, every=0.1), 0.3, 0.35, 0.4) == [True, False, True]


@pytest.mark.parametrize(
    ("required", "states", "met"),
    [
        pytest.param({}, {}, True, id="nothing is required"),
        pytest.param({"step": "paid"}, {"step": "paid", "other": 1}, True, id="it is so"),
        pytest.param({"step": "paid"}, {"step": "sent"}, False, id="it is otherwise"),
        pytest.param({"step": "paid"}, {}, False, id="it is not set"),
        pytest.param({"step": None}, {}, True, id="null is unset"),
        pytest.param({"step": None}, {"step": "paid"}, False, id="and set is not null"),
        pytest.param({"step": ["paid", None]}, {}, True, id="any of several will do"),
        pytest.param({"step": ["paid", "sent"]}, {"step": "lost"}, False, id="none of several"),
        pytest.param({"step": "paid", "count": 2}, {"step": "paid"}, False, id="all are required"),
        pytest.param({"flag": True}, {"flag": 1}, False, id="true is no number"),
        pytest.param({"count": 1}, {"count": 1.0}, True, id="one is one"),
    ],
)
def test_required_states_accept_any_listed_value(
    required: dict[str, Any], states: dict[str, Any], met: bool
) -> None:
    assert (unmet_state(required, states) is None) is met


@pytest.mark.parametrize(
    ("states", "sets", "after"),
    [
        pytest.param({}, {"step": "paid"}, {"step": "paid"}, id="a new one"),
        pytest.param({"step": "paid", "a": 1}, {"step": False}, {"step": False, "a": 1}, id="another value"),
        pytest.param({"step": "paid", "a": 1}, {"step": None}, {"a": 1}, id="null takes one away"),
        pytest.param({}, {"step": None}, {}, id="also one that was not there"),
    ],
)
def test_changed_sets_and_removes_states(
    states: dict[str, Any], sets: dict[str, Any], after: dict[str, Any]
) -> None:
    before = dict(states)
    assert changed_states(states, sets) == after
    assert states == before


def test_the_first_unmet_state_is_returned() -> None:
    required: dict[str, Any] = {"a": 1, "step": ["paid", "sent"], "b": 2}
    assert unmet_state(required, {"a": 1, "step": "lost"}) == UnmetState("step", ["paid", "sent"], "lost")
    assert unmet_state(required, {"a": 1}) == UnmetState("step", ["paid", "sent"], None)
