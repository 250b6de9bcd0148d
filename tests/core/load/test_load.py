"""Load as tables: how slow, how long in the queue, and who is turned away."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockllm.core.load.load import Load, LoadEffect, load_effect, slowdown


@pytest.mark.parametrize(
    ("load", "factors"),
    [
        pytest.param(Load(), [1, 1, 1, 1], id="without a concurrency nothing is slower"),
        pytest.param(Load(2), [1, 1, 1.5, 2], id="a machine that all share"),
        pytest.param(Load(2, 4.0), [1, 1, 2.5, 4], id="twice as many wait so many times as long"),
        pytest.param(Load(1, 3.0), [1, 3, 5, 7], id="and evenly beyond"),
        pytest.param(Load(2, 1.0), [1, 1, 1, 1], id="a slowdown of one is none"),
    ],
)
def test_slowdown_depends_on_responses_in_flight(load: Load, factors: list[float]) -> None:
    assert [slowdown(load, in_flight) for in_flight in (1, 2, 3, 4)] == factors


@pytest.mark.parametrize(
    ("load", "ends", "expected"),
    [
        pytest.param(Load(2), [], LoadEffect(), id="nobody else is there"),
        pytest.param(Load(2), [11, 12, 13], LoadEffect(0, 2), id="all are served, more slowly"),
        pytest.param(Load(2), [9, 10, 13], LoadEffect(0, 2), id="what lasts longer than its plan counts"),
        pytest.param(Load(max_inflight=2), [11], LoadEffect(), id="there is room"),
        pytest.param(Load(max_inflight=2), [11, 12], None, id="there is none, and no queue"),
        pytest.param(Load(max_inflight=2, queue=1), [15, 12], LoadEffect(2), id="the first waits for the first end"),
        pytest.param(Load(max_inflight=2, queue=2), [12, 15, 14], LoadEffect(4), id="the second for the second"),
        pytest.param(Load(max_inflight=2, queue=2), [12, 15, 14, 16], None, id="the queue is full"),
        pytest.param(Load(max_inflight=1), [9], None, id="there is none after a planned end"),
        pytest.param(Load(max_inflight=1, queue=1), [9], LoadEffect(), id="no request waits for a past end"),
        pytest.param(
            Load(1, 2.0, max_inflight=3, queue=2), [11, 12, 13], LoadEffect(1, 3),
            id="who has waited is as slow as with all others under way",
        ),
    ],
)  # fmt: skip
def test_load_effect_has_wait_and_slowdown_or_is_none(
    load: Load, ends: Sequence[float], expected: LoadEffect | None
) -> None:
    assert load_effect(load, ends, 10.0) == expected


@settings(deadline=None)
@given(
    most=st.integers(1, 5),
    queue=st.integers(0, 5),
    arrivals=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), max_size=60),
)
def test_a_queue_is_first_in_first_out(most: int, queue: int, arrivals: list[tuple[int, int]]) -> None:
    """Against a simulation of so many servers, each free at its own time."""
    load = Load(max_inflight=most, queue=queue)
    ends: list[float] = []
    free = [0.0] * most
    waiting: list[float] = []
    now = 0.0
    for gap, length in arrivals:
        now += gap
        waiting = [begin for begin in waiting if begin > now]
        ends = [end for end in ends if end > now]
        effect = load_effect(load, ends, now)
        if free[0] > now and len(waiting) >= queue:
            assert effect is None
            continue
        begin = max(now, heappop(free))
        assert effect == LoadEffect(begin - now)
        heappush(free, begin + length)
        ends.append(begin + length)
        if begin > now:
            waiting.append(begin)
