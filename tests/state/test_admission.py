"""Limits, loads, windows and states in memory: what is bounded, what a reload keeps, and what a lease survives."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.limits import Limit
from mockllm.core.selection.decision import Candidate, Decision, Guard, Lease, MatchResult
from mockllm.core.selection.load import Load
from mockllm.core.selection.time_window import TimeWindow
from mockllm.state.session_counters import SessionCounters
from mockllm.state.sessions import Sessions

ONE = Limit("fixed-window", 1, window=3600.0)
PLACE = Limit("fixed-window", concurrent=1)


def modifier(key: str, scope: str = "", **more: Any) -> Candidate:
    return Candidate(0, key, key, scope, None, **more)


def asked(
    *modifiers: Candidate, now: float = 0.0, tokens: int = 0, rules: tuple[Candidate, ...] = ()
) -> MatchResult:
    return MatchResult("", 0, rules, modifiers, lambda validation: False, now=now, tokens=lambda: tokens)


def outcomes(memory: SessionCounters, *claims: MatchResult) -> list[str]:
    return [memory.decide(claim).outcome for claim in claims]


def test_a_reload_keeps_the_accounts_of_what_is_the_same() -> None:
    memory = SessionCounters()
    same, changed = asked(modifier("same", limit=ONE)), asked(modifier("changed", limit=ONE))
    assert outcomes(memory, same, changed) == ["miss", "miss"]
    memory.keep(frozenset({"same"}))
    assert outcomes(memory, same, changed) == ["limited", "miss"]


def test_a_reload_keeps_the_windows_of_what_is_the_same_and_all_states() -> None:
    memory = SessionCounters()
    early = Guard(during=TimeWindow(0.0, 10.0))

    def rule(key: str, now: float) -> Decision:
        return memory.decide(asked(now=now, rules=(Candidate(0, key, key, "", early),)))

    assert [rule(key, 0.0).outcome for key in ("same", "changed")] == ["rule", "rule"]
    memory.decide(asked(modifier("sets", sets={"a": 1})))
    memory.keep(frozenset({"same"}))
    assert [rule(key, 20.0).outcome for key in ("same", "changed")] == ["miss", "rule"]
    wants = Candidate(0, "wants", "wants", "", Guard(requires={"a": 1}))
    assert memory.decide(asked(rules=(wants,))).outcome == "rule"


def test_accounts_are_bounded_like_counts_the_longest_unused_go_first() -> None:
    memory = SessionCounters(4)
    keys = [asked(modifier("quota", f"key {number}", limit=ONE)) for number in range(9)]
    assert outcomes(memory, *keys) == ["miss"] * 9
    assert outcomes(memory, keys[8], keys[0]) == ["limited", "miss"]


@pytest.mark.parametrize("what", ["limit", "load"])
def test_a_lease_outlives_what_it_was_of(what: str) -> None:
    memory = SessionCounters()
    held: dict[str, Any] = {"limit": PLACE} if what == "limit" else {"load": Load(max_inflight=1)}
    claim = asked(modifier("m", **held))
    lease = memory.decide(claim).lease
    assert lease is not None
    memory.keep(frozenset())
    fresh = memory.decide(claim).lease
    assert fresh is not None
    lease.end()  # of an account that is gone: the new one keeps its place
    assert memory.decide(claim).lease is None
    fresh.end()
    assert memory.decide(claim).lease is not None


def test_a_peek_takes_no_place_and_charges_nothing() -> None:
    memory = SessionCounters()
    claim = asked(
        modifier("a", limit=ONE), modifier("b", limit=PLACE), modifier("c", load=Load(max_inflight=1))
    )
    for _ in range(3):
        seen = memory.preview(claim)
        assert (seen.outcome, seen.lease) == ("miss", None)
        assert seen.bounds is not None
        assert seen.bounds.standing.requests is not None
        assert seen.bounds.standing.requests.remaining == 0
    assert memory.decide(claim).outcome == "miss"
    assert memory.preview(claim).outcome == "limited"


def test_one_that_refuses_keeps_all_others_from_being_charged() -> None:
    memory = SessionCounters()
    wide = modifier("wide", limit=Limit("fixed-window", 3, window=3600.0))
    narrow, full = modifier("narrow", limit=ONE), modifier("full", load=Load(max_inflight=1))
    assert outcomes(memory, asked(wide, narrow), asked(wide, narrow), asked(narrow, wide)) == [
        "miss",
        "limited",
        "limited",
    ]
    lease: Lease | None = memory.decide(asked(full)).lease
    assert outcomes(memory, asked(wide, full), asked(full, wide)) == ["overloaded", "overloaded"]
    assert lease is not None
    lease.end()
    assert outcomes(memory, asked(wide, full), asked(wide), asked(wide)) == ["miss", "miss", "limited"]


def test_tokens_are_counted_only_where_a_limit_has_them() -> None:
    def untouched() -> int:
        raise AssertionError("the body was read for nothing")

    memory = SessionCounters()
    claim = replace(asked(modifier("a", limit=ONE)), tokens=untouched)
    assert memory.decide(claim).outcome == "miss"
    counted = asked(modifier("b", limit=Limit("fixed-window", tokens=10)), tokens=7)
    assert outcomes(memory, counted, counted) == ["miss", "limited"]


def test_what_a_queue_is_told_is_when_the_first_of_all_ends() -> None:
    memory = SessionCounters()
    claim = asked(modifier("m", load=Load(max_inflight=2, queue=2)))
    for until in (9.0, 4.0):
        lease = memory.decide(claim).lease
        assert lease is not None
        lease.expect_end(until)
    waits = []
    for _ in range(3):
        settled = memory.decide(claim)
        assert settled.bounds is not None
        if settled.lease is not None:
            waits.append(settled.bounds.wait)
            settled.lease.expect_end(settled.bounds.wait + 3.0)
    assert waits == [4.0, 7.0]


def test_what_was_used_is_given_back_and_answers_under_way_stay_that() -> None:
    state = Sessions()
    held, used = asked(modifier("held", limit=PLACE)), asked(modifier("used", limit=ONE))
    other = asked(modifier("other", limit=ONE))
    lease = state.decide(held).lease
    assert lease is not None
    assert [state.decide(claim).outcome for claim in (held, used, used)] == ["limited", "miss", "limited"]
    assert state.decide(other).outcome == "miss"
    state.reset_limits(frozenset({"held", "used"}))
    assert [state.decide(claim).outcome for claim in (held, used, other)] == ["limited", "miss", "limited"]
    lease.end()
    assert state.decide(held).outcome == "miss"
    state.reset_limits()
    assert state.decide(other).outcome == "miss"


def test_who_is_held_back_by_a_limit_takes_nobody_off_a_load_before_the_time() -> None:
    memory = SessionCounters()
    load = modifier("load", load=Load(max_inflight=2))
    leaky = modifier("leaky", limit=Limit("leaky-bucket", 1, window=10.0, queue=5))
    for now, limits in ((0.0, (leaky,)), (1.0, (leaky,))):  # the second one is let in at 10
        settled = memory.decide(asked(load, *limits, now=now))
        assert settled.lease is not None
        assert settled.bounds is not None
        settled.lease.expect_end(now + settled.bounds.wait + 5.0)
    assert outcomes(memory, asked(load, now=2.0), asked(load, now=6.0)) == ["overloaded", "miss"]
