"""Counts that several processes share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockllm.state.shared_counts import CellTable, SharedCounts
from mockllm.state.shared_engine_state import SharedCounters


@pytest.fixture
def counts() -> Iterator[SharedCounts]:
    shared = SharedCounts()
    yield shared
    shared.close()


def test_no_number_is_taken_twice(counts: SharedCounts) -> None:
    other = SharedCounts(counts.fd)
    assert [counts.advance(5, 3), other.advance(5, 1), counts.advance(5, 2)] == [0, 3, 4]
    assert (other[5], other[4], other[6]) == (6, 0, 0)
    other._cells.release()
    other._memory.close()


def test_numbers_of_a_call_follow_those_of_requests(counts: SharedCounts) -> None:
    counters = SharedCounters(counts, 100)
    counters.use(CellTable(counts).assign(["rule"]))
    assert [counters.take(("rule",)), counters.take_numbers(3), counters.take(("rule",))] == [
        [100, 0], 101, [104, 1],
    ]  # fmt: skip
