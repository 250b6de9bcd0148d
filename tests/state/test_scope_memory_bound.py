"""The memory of scopes: sizes are about the real ones, and their sum is bounded."""

from __future__ import annotations

import tracemalloc

from mockllm.core.limits.limit_data import Limit
from mockllm.core.load.load import Load
from mockllm.core.selection.decision import Candidate, DecisionInputs
from mockllm.state.counters import Counters
from mockllm.state.decide import decide
from mockllm.state.engine_state import EngineState
from mockllm.state.scope_memory_bound import ScopeMemoryBound

LIMIT = Limit("sliding-window", requests=10_000)


def inputs(scope: str, session: str = "", **modifier: Limit | Load) -> DecisionInputs:
    rule = Candidate(0, "rule", "rule", scope, None)
    modifiers = [Candidate(1, "modifier", "modifier", scope, None, **modifier)] if modifier else []  # type: ignore[arg-type]
    return DecisionInputs(session, 0, [rule], modifiers, lambda _: False)


def test_sizes_are_about_the_real_ones() -> None:
    counters = Counters()
    tracemalloc.start()
    try:
        for number in range(2_000):
            decide(counters, inputs(f"header:tenant={number:040}", limit=LIMIT))
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.7 * used < counters.size < 2 * used


def test_entries_of_a_window_count_and_leave() -> None:
    memory_bound = ScopeMemoryBound()
    counters = Counters(memory_bound=memory_bound)
    sizes = []
    for _ in range(100):
        decide(counters, inputs("a", limit=LIMIT))
        sizes.append(counters.size)
    assert sizes == sorted(sizes)
    assert sizes[-1] - sizes[0] == 99 * 130
    assert memory_bound.used == counters.size
    counters.clear()
    assert memory_bound.used == counters.size == 0


def test_sizes_are_right_if_scopes_age_within_a_request() -> None:
    memory_bound = ScopeMemoryBound()
    counters = Counters(10, memory_bound)
    for number in range(4):
        counters.counts_in(f"before {number}")
        counters.update_memory_usage()
    first = counters.counts_in("first")
    first.set_states({f"state {number}": "on" for number in range(50)})
    counters.counts_in("second")  # the first one is no longer among the recent ones
    counters.update_memory_usage()
    for scope in ("before 0", "before 1", "first"):
        counters.counts_in(scope)
        counters.update_memory_usage()
    assert counters._older_size == sum(each.accounted_bytes for each in counters._older.values()) > 0
    assert memory_bound.used == counters.size == sum(each.size for each in counters.scopes())


def test_load_counts_responses_in_flight() -> None:
    counters = Counters()
    slots = [decide(counters, inputs("a", load=Load(max_inflight=100))).slot for _ in range(10)]
    size = counters.size
    for slot in slots:
        assert slot is not None
        slot.release()
    decide(counters, inputs("a", load=Load(max_inflight=100)))
    assert counters.size < size


def test_scopes_of_the_largest_session_are_removed() -> None:
    sessions = EngineState(scope_bytes=1_000_000)
    for name in ("small", "large"):
        sessions.use_session(name, 0.0)
    assert sessions.decide(inputs("a", "small")).request_number == 0
    for number in range(5_000):
        sessions.decide(inputs(f"tenant-{number % 3_000}", "large"))
        sessions.decide(inputs("often", "large"))
        assert sum(each.size for each in sessions._all_counters()) <= 1_000_000
    assert sessions.decide(inputs("a", "small")).request_number == 1
    assert sessions.decide(inputs("often", "large")).request_number > 1_000


def test_memory_of_an_ended_session_is_free() -> None:
    sessions = EngineState()
    sessions.use_session("a", 0.0)
    sessions.decide(inputs("x", "a"))
    used = sessions._memory_bound.used
    assert used > 0
    sessions.end("a")
    assert sessions._memory_bound.used == 0
    sessions.decide(inputs("x"))
    assert sessions._memory_bound.used == used
    sessions.reset()
    assert sessions._memory_bound.used == 0


def test_bound_below_one_scope_removes_all_scopes() -> None:
    sessions = EngineState(scope_bytes=10)
    for _ in range(3):
        assert sessions.decide(inputs("x")).request_number == 0
    assert sessions._memory_bound.used == 0
