"""Shrinking: to one disturbance, the first request, the simplest form."""

from __future__ import annotations

from collections.abc import Callable

from mockllm.core.hunting.disturbance import Disturbance, Schedule
from mockllm.core.hunting.disturbance_types import DISTURBANCES
from mockllm.core.hunting.shrinking import shrink
from tests.core.hunting.runs import CRLF, CUT, LIMIT


def shrunk(schedule: Schedule, fails: Callable[[Schedule], bool]) -> Schedule:
    shrinking = shrink(schedule)
    try:
        candidate = next(shrinking)
        while True:
            candidate = shrinking.send(fails(candidate))
    except StopIteration as end:
        result: Schedule = end.value
        return result


def has(*kinds: str) -> Callable[[Schedule], bool]:
    return lambda schedule: set(kinds) <= {each.kind for each in schedule}


def test_shrink_finds_the_one_that_fails() -> None:
    others = tuple(Disturbance(f"comments {n}", {}) for n in range(6))
    for place in range(7):
        schedule = (*others[:place], CUT, *others[place:])
        assert [each.kind for each in shrunk(schedule, has("cut"))] == ["cut"]


def test_shrink_leaves_two_that_fail_together() -> None:
    schedule = (CRLF, *(Disturbance("comments", {}, skip=n) for n in range(3)), CUT)
    assert {each.kind for each in shrunk(schedule, has("crlf", "cut"))} == {"crlf", "cut"}


def test_shrink_makes_a_disturbance_simple() -> None:
    forms = DISTURBANCES["cut"].forms
    late = Disturbance("cut", forms[3], {"api": "chat"}, 5, 3)
    assert shrunk((late,), has("cut")) == (Disturbance("cut", forms[0], {}, 0, 1),)


def test_shrink_leaves_what_is_needed() -> None:
    late = Disturbance("cut", DISTURBANCES["cut"].forms[0], skip=4, times=3)

    def needed(schedule: Schedule) -> bool:
        (one,) = schedule
        return one.skip >= 1 and (one.times or 9) >= 2

    assert shrunk((late,), needed) == (Disturbance("cut", DISTURBANCES["cut"].forms[0], skip=1, times=2),)


def test_shrink_of_every_request_tries_the_first() -> None:
    assert shrunk((Disturbance("rate_limit", LIMIT.settings),), has("rate_limit"))[0].times == 1


def test_shrink_of_several_faults_tries_each() -> None:
    comments = Disturbance("comments", DISTURBANCES["comments"].forms[0], times=1)
    (one,) = shrunk((comments,), has("comments"))
    assert len(one.fault_names) == 1
