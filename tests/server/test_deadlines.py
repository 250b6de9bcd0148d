"""The heap of deadlines, on a clock turned by hand."""

from __future__ import annotations

import asyncio
import time

import pytest

from mockllm.server.deadlines import MAX_ACTION_SECONDS, Deadlines, LoopClock
from tests.server.virtual import VirtualClock, world


def test_deadlines_run_in_order_with_one_timer() -> None:
    clock, deadlines, _ = world()
    done: list[tuple[str, float]] = []
    for name, when in (("late", 103.0), ("soon", 101.0), ("soon too", 101.0), ("between", 102.0)):
        deadlines.call_at(when, lambda now, name=name: done.append((name, now)))  # type: ignore[misc]
        assert len(clock.calls) == 1
    clock.run_until(110)
    assert done == [("soon", 101.0), ("soon too", 101.0), ("between", 102.0), ("late", 103.0)]
    assert clock.turns == 3
    assert not clock.calls
    assert deadlines.pending_count == 0


def test_past_deadline_runs_in_next_turn() -> None:
    clock, deadlines, _ = world()
    done: list[float] = []

    def again(now: float) -> None:
        done.append(now)
        if len(done) < 3:
            deadlines.call_at(now - 5, again)

    deadlines.call_at(101, again)
    clock.run_until(101)
    assert done == [101.0, 101.0, 101.0]
    assert clock.turns == 3


def test_timer_that_wakes_early_is_set_again() -> None:
    clock, deadlines, _ = world()
    done: list[float] = []
    deadlines.call_at(101, done.append)
    clock.calls[0].when = 100.9
    clock.run_until(100.95)
    assert not done
    clock.run_until(102)
    assert done == [101.0]


def test_cancelled_deadline_does_not_run_and_drops_its_action() -> None:
    clock, deadlines, _ = world()
    done: list[float] = []
    first = deadlines.call_at(101, done.append)
    deadlines.call_at(102, done.append)
    first.cancel()
    first.cancel()
    assert first.action is None
    assert deadlines.pending_count == 1
    clock.run_until(110)
    assert done == [102.0]
    assert deadlines.pending_count == 0


def test_deadline_cancelled_at_its_own_time_does_not_run() -> None:
    clock, deadlines, _ = world()
    done: list[float] = []
    deadlines.call_at(101, lambda now: second.cancel())
    second = deadlines.call_at(101, done.append)
    clock.run_until(110)
    assert not done
    assert deadlines.pending_count == 0


def test_heap_of_cancelled_deadlines_is_swept() -> None:
    clock, deadlines, _ = world()
    done: list[float] = []
    many = [deadlines.call_at(101 + number / 1000, done.append) for number in range(1000)]
    for deadline in many[:-10]:
        deadline.cancel()
    assert deadlines.pending_count == 10
    assert len(deadlines._heap) < 150
    clock.run_until(110)
    assert len(done) == 10


def test_failing_action_does_not_stop_others(capsys: pytest.CaptureFixture[str]) -> None:
    clock, deadlines, _ = world()
    done: list[float] = []

    def fail(now: float) -> None:
        raise ZeroDivisionError

    deadlines.call_at(101, fail)
    deadlines.call_at(101, done.append)
    deadlines.call_at(102, done.append)
    clock.run_until(103)
    assert done == [101.0, 102.0]
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_added_deadline_waits_for_those_already_due() -> None:
    clock, deadlines, _ = world()
    done: list[float] = []

    def again(now: float) -> None:
        done.append(now)
        deadlines.call_at(now + 1, done.append)

    deadlines.call_at(101, again)
    deadlines.call_at(102, done.append)
    assert deadlines.run_due_actions() == 100.0
    clock.now = 101.5
    assert deadlines.run_due_actions() == 101.5
    assert done == [101.5]
    assert len(clock.calls) == 1
    clock.run_until(103)
    assert done == [101.5, 102.0, 102.5]
    assert not clock.calls


def test_actions_that_are_late_wait_in_the_heap() -> None:
    clock, deadlines, _ = world()
    done: list[int] = []

    def take_long(number: int) -> None:
        done.append(number)
        clock.now += MAX_ACTION_SECONDS * 0.6

    for number in range(1000):
        deadlines.call_at(101 + number / 1000, lambda now, number=number: take_long(number))  # type: ignore[misc]
    clock.now = 102
    pushed = list(deadlines._heap)
    deadlines.run_due_actions()
    assert done == [0, 1]
    assert deadlines.pending_count == 998
    assert {id(entry) for entry in deadlines._heap} < {id(entry) for entry in pushed}


def test_past_deadline_of_an_action_runs_after_those_due() -> None:
    clock, deadlines, _ = world()
    done: list[str] = []

    def first(now: float) -> None:
        done.append("first")
        deadlines.call_at(1, lambda now: done.append("new"))

    deadlines.call_at(101, first)
    deadlines.call_at(101.5, lambda now: done.append("second"))
    clock.now = 102
    deadlines.run_due_actions()
    assert done == ["first", "second"]
    deadlines.run_due_actions()
    assert done == ["first", "second", "new"]


def test_loop_clock_never_runs_deadline_early() -> None:
    async def main() -> list[float]:
        deadlines = Deadlines(LoopClock(asyncio.get_running_loop()))
        ended = asyncio.get_running_loop().create_future()
        start = time.monotonic()
        early: list[float] = []
        for number in range(20):
            when = start + number * 0.0013
            deadlines.call_at(when, lambda now, when=when: early.append(now - when))  # type: ignore[misc]
        deadlines.call_at(start + 0.03, lambda now: ended.set_result(None))
        await ended
        return early

    late = asyncio.run(main())
    assert len(late) == 20
    assert min(late) >= 0


def test_virtual_clock_ends_at_target_time() -> None:
    clock = VirtualClock(5)
    clock.run_until(7)
    assert clock.time() == 7
