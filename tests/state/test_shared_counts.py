"""Counts that several processes share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockllm.state.shared_counts import CellTable, SharedCounts
from mockllm.state.shared_engine_state import MAX_RESERVED, MIN_RESERVED, SharedCounters


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


@pytest.fixture
def pair(counts: SharedCounts) -> Iterator[tuple[SharedCounters, SharedCounters]]:
    """The counters of two workers. Both have a descriptor of the same memory."""
    other, table = SharedCounts(os.dup(counts.fd)), CellTable(counts).assign(["rule", "modifier"])
    counters = SharedCounters(counts, 100), SharedCounters(other, 100)
    for each in counters:
        each.use(table)
    yield counters
    other.close()


def test_round_returns_the_numbers_that_no_request_took(
    pair: tuple[SharedCounters, SharedCounters],
) -> None:
    one, other = pair
    one.begin_round(5)
    assert [one.count_in_global_scope(("rule",)) for _ in range(2)] == [100, 101]
    assert other.tries("rule") == 0
    one.end_round()
    assert other.take(("rule", "modifier")) == [102, 2, 0]


def test_numbers_before_a_later_one_are_never_used(pair: tuple[SharedCounters, SharedCounters]) -> None:
    one, other = pair
    one.begin_round(5)
    assert [one.count_in_global_scope(("rule",)), other.take(("rule",))] == [100, [105, 0]]
    one.end_round()
    assert one.take(("rule",)) == [106, 2]


def test_round_of_few_requests_reserves_no_numbers(pair: tuple[SharedCounters, SharedCounters]) -> None:
    one, other = pair
    one.begin_round(MIN_RESERVED - 1)
    numbers = one.count_in_global_scope(()), other.count_in_global_scope(()), one.count_in_global_scope(())
    one.end_round()
    assert numbers == (100, 101, 102)


def test_request_in_a_round_sees_the_tries_before_it(pair: tuple[SharedCounters, SharedCounters]) -> None:
    one, _ = pair
    one.begin_round(3)
    one.count_in_global_scope(("rule",))
    assert one.tries("rule") == 1
    assert one.take(("rule",)) == [101, 1]
    assert [one.take(("rule",)), one.take(("rule",))] == [[102, 2], [103, 3]], "the last one is not reserved"
    one.end_round()
    assert one.tries("rule") == 4


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1]), st.sampled_from(["begin", "end", "count", "take", "call"])),
        max_size=80,
    )
)
def test_no_number_is_taken_twice_and_all_tries_are_counted(steps: list[tuple[int, str]]) -> None:
    counts = SharedCounts()
    other = SharedCounts(os.dup(counts.fd))
    table, workers = CellTable(counts).assign(["rule"]), (SharedCounters(counts, 0), SharedCounters(other, 0))
    for worker in workers:
        worker.use(table)
    numbers: list[int] = []
    for index, step in steps:
        worker = workers[index]
        if step == "begin":
            worker.end_round()
            worker.begin_round(MAX_RESERVED + 2)
        elif step == "end":
            worker.end_round()
        elif step == "count":
            numbers.append(worker.count_in_global_scope(("rule",)))
        elif step == "take":
            numbers.append(worker.take(("rule",))[0])
        else:
            first = worker.take_numbers(2)
            numbers += (first, first + 1)
    for worker in workers:
        worker.end_round()
    assert len(set(numbers)) == len(numbers)
    assert workers[0].tries("rule") == sum(step in ("count", "take") for _, step in steps)
    other.close()
    counts.close()


def test_round_reserves_more_numbers_once_it_has_used_them(
    pair: tuple[SharedCounters, SharedCounters],
) -> None:
    one, other = pair
    one.begin_round(MAX_RESERVED + 2)
    first = [one.count_in_global_scope(("rule",)) for _ in range(MAX_RESERVED)]
    assert first == list(range(100, 100 + MAX_RESERVED))
    assert other.take_numbers(1) == 100 + MAX_RESERVED
    assert one.count_in_global_scope(("rule",)) == 101 + MAX_RESERVED
    one.end_round()
    assert other.take(("rule",)) == [102 + MAX_RESERVED, MAX_RESERVED + 1]
