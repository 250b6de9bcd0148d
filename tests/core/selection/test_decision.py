"""When a rule does not respond although its match holds."""

from __future__ import annotations

import pytest

from mockllm.core.selection.guards import Guard


def turns(guard: Guard, count: int) -> str:
    return "".join("." if guard.blocked_by_count(turn) else "x" for turn in range(count))


@pytest.mark.parametrize(
    ("guard", "selected"),
    [
        (Guard(), "xxxxxx"),
        (Guard(times=2), "xx...."),
        (Guard(times=0), "......"),
        (Guard(skip=2), "..xxxx"),
        (Guard(every=3), "..x..x"),
        (Guard(skip=1, every=2), "..x.x."),
        (Guard(every=2, times=1), ".x...."),
        (Guard(skip=3, times=2), "...xx."),
    ],
)
def test_guard_selects_turns(guard: Guard, selected: str) -> None:
    assert turns(guard, 6) == selected


@pytest.mark.parametrize(
    "guard", [Guard(), Guard(times=2), Guard(skip=1, every=2), Guard(skip=2, every=3, times=2)]
)
def test_response_count_counts_earlier_responses(guard: Guard) -> None:
    selected = turns(guard, 20)
    assert [guard.earlier_responses(turn) for turn in range(20)] == [
        selected[:turn].count("x") for turn in range(20)
    ]


@pytest.mark.parametrize(
    ("guard", "turn", "why"),
    [
        (Guard(skip=1, times=0), 0, "skipped"),
        (Guard(times=1), 1, "used up"),
        (Guard(every=2), 0, "not its turn"),
        (Guard(every=2, times=1), 2, "used up"),
        (Guard(every=2), 1, None),
    ],
)
def test_blocked_by_count_returns_the_reason(guard: Guard, turn: int, why: str | None) -> None:
    assert guard.blocked_by_count(turn) == why


def test_chance_depends_on_seed_rule_scope_and_tries() -> None:
    assert not any(Guard().loses_chance(0, "r", "", tries) for tries in range(100))
    assert not any(Guard(chance=1.0).loses_chance(0, "r", "", tries) for tries in range(100))
    assert all(Guard(chance=0.0).loses_chance(0, "r", "", tries) for tries in range(100))
    half = Guard(chance=0.5)
    runs = {
        tuple(half.loses_chance(*where, tries) for tries in range(64))
        for where in ((0, "r", ""), (1, "r", ""), (0, "s", ""), (0, "r", "k"))
    }
    assert len(runs) == 4
    assert all(20 < sum(run) < 44 for run in runs)
