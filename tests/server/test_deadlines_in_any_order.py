"""Whatever is scheduled, cancelled and late: each action runs once, not before its time, and in the order of time."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from mockllm.server.deadlines import Deadline, Deadlines
from tests.server.virtual import VirtualClock

TIMES = st.floats(min_value=-1, max_value=2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("at"), TIMES, st.none() | TIMES),
        st.tuples(st.just("cancel"), st.integers(0, 20), st.none()),
        st.tuples(st.just("wait"), st.floats(min_value=0, max_value=1), st.none()),
        st.tuples(st.just("catch up"), st.floats(min_value=0, max_value=1), st.none()),
    ),
    max_size=30,
)


@dataclass
class Schedule:
    """What was scheduled, by number, and what ran: the number, the time that it got, and its own time."""

    clock: VirtualClock
    deadlines: Deadlines
    action_seconds: float
    due: dict[int, float] = field(default_factory=dict)
    scheduled: list[Deadline] = field(default_factory=list)
    cancelled: set[int] = field(default_factory=set)
    ran: list[tuple[int, float]] = field(default_factory=list)

    def at(self, when: float, again: float | None = None) -> None:
        number = len(self.scheduled)
        self.due[number] = when

        def act(now: float) -> None:
            self.ran.append((number, now))
            self.clock.now += self.action_seconds
            if again is not None:
                self.at(now + again)

        self.scheduled.append(self.deadlines.call_at(when, act))

    def cancel(self, number: int) -> None:
        if number < len(self.scheduled):
            if number not in {ran for ran, _ in self.ran}:
                self.cancelled.add(number)
            self.scheduled[number].cancel()


@given(STEPS, st.sampled_from([0.0, 0.004, 0.02]))
def test_each_action_runs_once_and_never_early(
    steps: list[tuple[str, float, float | None]], action_seconds: float
) -> None:
    clock = VirtualClock()
    schedule = Schedule(clock, Deadlines(clock), action_seconds)
    for kind, value, again in steps:
        if kind == "at":
            schedule.at(clock.now + value, again)
        elif kind == "cancel":
            schedule.cancel(int(value))
        elif kind == "wait":
            clock.run_until(clock.now + value)
        else:
            clock.now += value
            schedule.deadlines.run_due_actions()
        left = len(schedule.scheduled) - len(schedule.ran) - len(schedule.cancelled)
        assert schedule.deadlines.pending_count == left
    clock.run_until(clock.now + 10)
    assert sorted(number for number, _ in schedule.ran) == [
        number for number in range(len(schedule.scheduled)) if number not in schedule.cancelled
    ]
    assert all(now >= schedule.due[number] for number, now in schedule.ran)
    assert not clock.calls


@given(st.lists(TIMES, max_size=30), st.sampled_from([0.0, 0.004, 0.02]))
def test_late_actions_run_in_the_order_of_their_times(times: list[float], action_seconds: float) -> None:
    clock = VirtualClock()
    schedule = Schedule(clock, Deadlines(clock), action_seconds)
    for when in times:
        schedule.at(clock.now + when)
    clock.now += 3
    clock.run_until(clock.now + 10)
    assert [number for number, _ in schedule.ran] == sorted(range(len(times)), key=schedule.due.__getitem__)
