"""A running batch: who begins when, with which times, and that no place is lost."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mockllm.core.load.continuous_batch import (
    NO_WORK,
    BatchCapacity,
    ContinuousBatchTimes,
    KvCache,
    PromptWork,
)
from mockllm.core.load.running_batch import RunningBatch


def add(
    batch: RunningBatch,
    slot: object,
    now: float,
    length: float | None,
    work: PromptWork = NO_WORK,
    delay: float = 0.0,
) -> ContinuousBatchTimes:
    """Add a request that lasts so many seconds from its begin; None: as long as it may generate."""
    schedule = batch.schedule(work, now, delay)
    assert schedule is not None
    batch.add(slot, schedule, work, now)
    if length is not None:
        batch.expect_end(slot, now + schedule.wait + length)
    return schedule


def waits(batch: RunningBatch, *lengths: float) -> list[float]:
    return [add(batch, number, 0.0, length).wait for number, length in enumerate(lengths)]


def test_request_waits_for_the_first_free_slot() -> None:
    assert waits(RunningBatch(BatchCapacity(slots=2)), 5, 3, 9, 1, 1) == [0, 0, 3, 5, 6]


def test_copy_of_a_batch_schedules_alike_and_changes_alone() -> None:
    batch = RunningBatch(BatchCapacity(slots=1, prefill_rate=10.0, kv_cache=KvCache(64)))
    work = PromptWork(32, 0, ((b"a", 16), (b"b", 32)))
    add(batch, "runs", 0.0, 9, work)
    add(batch, "waits", 0.0, 9, work)
    expected = batch.schedule(work, 1.0, 2.0)
    copied = batch.copy()
    assert add(copied, "later", 1.0, 9, work, 2.0) == expected
    copied.end("runs")
    copied.schedule(work, 99.0)
    assert (len(copied), len(batch)) == (0, 2)
    assert batch.schedule(work, 1.0, 2.0) == expected


def test_without_slots_no_request_waits() -> None:
    assert waits(RunningBatch(BatchCapacity()), 5, 5, 5) == [0, 0, 0]


def test_full_queue_refuses_until_one_begins() -> None:
    batch = RunningBatch(BatchCapacity(slots=1, queue=1))
    assert waits(batch, 5, 5) == [0, 5]
    assert batch.schedule(NO_WORK, 1.0) is None
    assert batch.schedule(NO_WORK, 5.5) == ContinuousBatchTimes(4.5, None, None, 1, is_queued=True)


def test_no_request_waits_for_one_without_an_end() -> None:
    batch = RunningBatch(BatchCapacity(slots=1))
    add(batch, "hold", 0.0, inf)
    assert batch.schedule(NO_WORK, 1.0) is None
    batch.end("hold")
    assert batch.schedule(NO_WORK, 1.0) is not None


def test_request_without_a_plan_ends_after_its_most_tokens() -> None:
    batch = RunningBatch(BatchCapacity(slots=1, itl=((1, 0.1),), base=1.0))
    add(batch, "planned elsewhere", 0.0, None, PromptWork(1, 20))
    assert add(batch, "next", 0.0, None).wait == pytest.approx(3.0)
    assert batch.schedule(NO_WORK, 0.0) is None  # the next one generates an unknown number


def test_prompts_are_read_one_after_the_other() -> None:
    batch = RunningBatch(BatchCapacity(prefill_rate=100.0, base=0.5))
    first = [add(batch, number, 0.0, 60.0, PromptWork(100)).ttft for number in range(3)]
    assert first == [1.5, 2.5, 3.5]
    assert add(batch, "later", 10.0, 60.0, PromptWork(100)).ttft == 1.5


def test_prompt_of_requests_that_all_left_delays_none() -> None:
    batch = RunningBatch(BatchCapacity(prefill_rate=100.0))
    add(batch, "leaves", 0.0, 60.0, PromptWork(1000))
    batch.end("leaves")
    assert add(batch, "next", 1.0, 60.0, PromptWork(100)).ttft == 1.0


def test_cached_prefix_takes_no_time() -> None:
    batch = RunningBatch(BatchCapacity(prefill_rate=100.0, kv_cache=KvCache(10_000)))
    prompt = PromptWork(164, prefixes=[(b"a", 64), (b"ab", 164)])
    assert add(batch, 1, 0.0, 1.0, prompt).ttft == 1.64
    again = add(batch, 2, 10.0, 1.0, prompt)
    assert again.cached == 160
    assert again.ttft == pytest.approx(0.04)
    assert (again.claimed, again.capacity) == (176, 10_000)


def test_request_waits_for_room_in_the_cache() -> None:
    batch = RunningBatch(BatchCapacity(kv_cache=KvCache(100, block=1)))
    found = [add(batch, n, 0.0, 5.0 + n, PromptWork(30, 10)).wait for n in range(3)]
    assert found == [0, 0, 5]
    assert add(batch, "larger than the cache", 0.0, 1.0, PromptWork(500)).wait == 12


def test_times_are_those_of_the_batch_at_the_first_token() -> None:
    batch = RunningBatch(BatchCapacity(prefill_rate=100.0, itl=((1, 0.01), (3, 0.03))))
    add(batch, "ends meanwhile", 0.0, 1.5, PromptWork(0))
    add(batch, "runs", 0.0, 60.0, PromptWork(0))
    schedule = add(batch, "new", 0.0, 60.0, PromptWork(200))
    assert schedule.running == 2
    assert schedule.itl == pytest.approx(0.02)


def test_delay_of_a_limit_comes_before_the_batch() -> None:
    batch = RunningBatch(BatchCapacity(slots=1, queue=0))
    schedule = batch.schedule(NO_WORK, 0.0, delay=2.0)
    assert schedule is not None
    assert schedule.wait == 2.0


def test_delay_of_a_limit_holds_back_no_later_request() -> None:
    batch = RunningBatch(BatchCapacity(slots=64, queue=0))
    assert add(batch, "delayed", 0.0, 1.0, delay=0.3).wait == 0.3
    assert add(batch, "next", 0.1, 1.0).wait == 0.0
    assert add(batch, "after the delay", 0.4, 1.0).wait == 0.0


def test_delayed_request_has_its_slot_from_its_arrival() -> None:
    """Its times are decided then. How long the next one takes is not known yet."""
    batch = RunningBatch(BatchCapacity(slots=1, queue=1))
    add(batch, "delayed", 0.0, 1.0, delay=2.0)
    assert add(batch, "next", 0.5, 1.0).wait == 2.5
    assert batch.schedule(NO_WORK, 0.5) is None


def test_delayed_request_waits_behind_those_that_wait() -> None:
    batch = RunningBatch(BatchCapacity(slots=2))
    assert waits(batch, 5, 9, 1) == [0, 0, 5]
    assert add(batch, "before", 0.0, 1.0, delay=2.0).wait == 6
    assert add(batch, "next", 0.0, 1.0).wait == 7
    assert add(batch, "after", 0.0, 1.0, delay=20.0).wait == 20


def test_prompt_of_a_delayed_request_delays_later_ones() -> None:
    batch = RunningBatch(BatchCapacity(prefill_rate=100.0))
    assert add(batch, "delayed", 0.0, 60.0, PromptWork(100), delay=5.0).ttft == 1.0
    assert add(batch, "before it", 1.0, 60.0, PromptWork(200)).ttft == 2.0
    assert add(batch, "while it is read", 1.0, 60.0, PromptWork(100), delay=4.5).ttft == 1.5
    assert add(batch, "after both", 6.5, 60.0, PromptWork(100)).ttft == 1.5


def test_prompt_of_a_delayed_request_that_left_delays_none() -> None:
    batch = RunningBatch(BatchCapacity(prefill_rate=100.0))
    add(batch, "runs", 0.0, 60.0, PromptWork(100))
    add(batch, "leaves", 0.0, 60.0, PromptWork(1000), delay=5.0)
    batch.end("leaves")
    assert add(batch, "next", 6.0, 60.0, PromptWork(100)).ttft == 1.0


def test_delayed_request_does_not_run_before_its_delay() -> None:
    batch = RunningBatch(BatchCapacity(itl=((1, 0.01), (2, 0.02))))
    add(batch, "delayed", 0.0, 60.0, delay=5.0)
    assert add(batch, "before", 0.0, 60.0).running == 1
    assert add(batch, "after", 0.0, 60.0, delay=6.0).running == 3


def test_ended_delayed_request_is_forgotten() -> None:
    batch = RunningBatch(BatchCapacity(slots=1))
    add(batch, "delayed", 0.0, 1.0, delay=2.0)
    assert add(batch, "much later", 9.0, 1.0).wait == 0.0
    assert len(batch) == 1


def test_place_alone_takes_nothing() -> None:
    batch = RunningBatch(BatchCapacity(slots=1, prefill_rate=1.0, kv_cache=KvCache(1000)))
    work = PromptWork(100, prefixes=[(b"a", 100)])
    assert batch.schedule(work, 0.0) == batch.schedule(work, 0.0)
    assert len(batch) == 0


def test_end_after_the_planned_end_changes_nothing() -> None:
    batch = RunningBatch(BatchCapacity(slots=1))
    add(batch, "late", 0.0, 1.0)
    assert add(batch, "next", 2.0, 5.0).wait == 0
    batch.expect_end("late", 9.0)
    batch.end("late")
    batch.end("late")
    assert len(batch) == 1


ARRIVALS = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), max_size=60)


@given(slots=st.integers(1, 5), arrivals=ARRIVALS)
def test_requests_begin_in_order_and_no_slot_idles(slots: int, arrivals: list[tuple[int, int]]) -> None:
    """Against a simulation of so many slots, each free at its own time."""
    batch = RunningBatch(BatchCapacity(slots=slots))
    free, now, begins = [0.0] * slots, 0.0, []
    for number, (gap, length) in enumerate(arrivals):
        now += gap
        begin = max(now, heappop(free))
        heappush(free, begin + length)
        assert add(batch, number, now, length).wait == begin - now
        begins.append(begin)
    assert begins == sorted(begins)


@example(
    slots=3,
    room=20,
    arrivals=[
        (0, 5, 1, False, 0),
        (0, 6, 1, False, 0),
        (0, 6, 1, True, 0),
        (1, 1, 1, False, 0),
        (0, 1, 1, True, 0),
        (3, 1, 1, False, 0),
    ],
)
@given(
    slots=st.integers(1, 4),
    room=st.integers(20, 60),
    arrivals=st.lists(
        st.tuples(
            st.integers(0, 4),
            st.integers(1, 9),
            st.integers(1, 20),
            st.booleans(),
            st.sampled_from((0, 0, 3)),
        ),
        max_size=50,
    ),
)
def test_neither_slots_nor_cache_are_exceeded_or_lost(
    slots: int, room: int, arrivals: list[tuple[int, int, int, bool, int]]
) -> None:
    """Some clients leave halfway, also while they wait. A limit delays some. After all have ended, the whole batch is
    free again."""
    batch = RunningBatch(BatchCapacity(slots=slots, kv_cache=KvCache(room, block=1)))
    spans: list[tuple[float, float, int]] = []
    leaving: list[tuple[float, int]] = []
    queued: dict[int, float] = {}
    now = 0.0
    for number, (gap, length, tokens, leaves, delay) in enumerate(arrivals):
        now += gap
        while leaving and leaving[0][0] <= now:
            left = heappop(leaving)[1]
            batch.end(left)
            queued.pop(left, None)
        schedule = add(batch, number, now, length, PromptWork(tokens), delay)
        begin = now + schedule.wait
        assert begin >= now + delay
        assert schedule.is_queued == (begin > now + delay)
        assert begin >= max(queued.values(), default=0.0), (
            "none overtakes those that still wait for the batch"
        )
        if schedule.is_queued:
            queued[number] = begin
        end = begin + length
        if leaves:
            heappush(leaving, ((now + end) / 2, number))
            end = (now + end) / 2
        if end > begin:
            spans.append((begin, end, tokens))
    for at, _, _ in spans:
        running = [tokens for begin, end, tokens in spans if begin <= at < end]
        assert len(running) <= slots
        assert sum(running) <= room
    far = now + 1000.0
    assert [add(batch, -number - 1, far, 1.0).wait for number in range(slots)] == [0] * slots


@given(arrivals=ARRIVALS)
def test_same_arrivals_get_the_same_times(arrivals: list[tuple[int, int]]) -> None:
    def served() -> list[ContinuousBatchTimes]:
        settings = BatchCapacity(2, None, 50.0, 0.1, ((1, 0.01), (4, 0.04)), KvCache(500))
        batch, now, schedules = RunningBatch(settings), 0.0, []
        for number, (gap, length) in enumerate(arrivals):
            now += gap
            work = PromptWork(length * 20, prefixes=[(b"%d" % length, length * 20)])
            schedules.append(add(batch, number, now, length, work))
        return schedules

    assert served() == served()
