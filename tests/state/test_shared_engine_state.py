"""The counts with which a worker decides while the store is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from mockllm.core.limits.limit_data import Limit
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.core.selection.decision import Candidate, DecisionInputs
from mockllm.state.fetched_objects import FetchedLookup
from mockllm.state.shared_counts import SharedCounts
from mockllm.state.shared_engine_state import SharedEngineState

RULE = Candidate(0, "r", "r", "", None)
LIMITED = Candidate(1, "m", "m", "", None, limit=Limit("fixed-window", requests=1, window=60.0))


@pytest.fixture
def state() -> Iterator[SharedEngineState]:
    counts = SharedCounts()
    yield SharedEngineState(counts, unused_timeout=60.0)
    counts.close()


def tries(state: SharedEngineState, session: str = "one") -> int:
    """Decide without the store. Return the tries of the rule before."""
    state.use_session(session, 0.0)
    inputs = DecisionInputs(session, 7, (RULE,), (), lambda _: False)
    selected = state.local_state.decide(inputs).selected_rule
    assert selected is not None
    return selected.tries


@pytest.mark.parametrize(
    "end",
    [
        SharedEngineState.reset,
        partial(SharedEngineState.end, id="one"),
        partial(SharedEngineState.expire, monotonic=61.0),
    ],
)
def test_session_that_ends_begins_anew_without_the_store(
    state: SharedEngineState, end: Callable[[SharedEngineState], object]
) -> None:
    assert [tries(state), tries(state)] == [0, 1]
    end(state)
    assert tries(state) == 0


def test_other_sessions_go_on_without_the_store(state: SharedEngineState) -> None:
    assert [tries(state), tries(state, "two")] == [0, 0]
    state.end("one")
    assert tries(state, "two") == 1


def test_counts_without_a_session_are_reset(state: SharedEngineState) -> None:
    inputs = DecisionInputs("", 7, (RULE,), (), lambda _: False)
    first = state.local_state.decide(inputs)
    state.reset()
    assert state.local_state.decide(inputs).selected_rule == first.selected_rule


def test_limits_are_reset_without_the_store(state: SharedEngineState) -> None:
    inputs = DecisionInputs("", 7, (RULE,), (LIMITED,), lambda _: False)
    assert [state.local_state.decide(inputs).outcome for _ in range(2)] == ["rule", "limited"]
    state.reset_limits(frozenset({"m"}))
    assert [state.local_state.decide(inputs).outcome for _ in range(2)] == ["rule", "limited"]


def test_preview_changes_no_count_of_worker_or_group(state: SharedEngineState) -> None:
    inputs = DecisionInputs("", 7, (RULE,), (LIMITED,), lambda _: False)
    state.counters_without_session.use({"r": 1, "m": 2})
    for session in ("", "one"):
        state.decide(DecisionInputs(session, 7, inputs.rules, inputs.modifiers, inputs.fails), count=False)
    assert [state.counters_without_session.tries(key) for key in ("r", "m")] == [0, 0]
    assert state.counters_without_session.take_numbers(1) == 0
    assert list(state.counters_without_session.scopes()) == []
    assert list(state.local_state.counters_without_session.scopes()) == []
    assert len(state) == len(state.local_state) == 0


def test_object_beyond_the_bound_does_not_reach_the_store(
    state: SharedEngineState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FetchedLookup, "most_bytes", 10)
    sent: list[StorageUpdate] = []
    state.store_elsewhere = lambda _session, update, _read, _again: sent.append(update)
    small, large = (
        StorageUpdate(
            ("r",), StoredObject("r", None, b"x" * size, b""), others=(StoredObject("s", None, b"", b"x"),)
        )
        for size in (9, 10)
    )
    assert [state.apply_storage_update("", update) for update in (small, large)] == [True, False]
    assert sent == [small]
