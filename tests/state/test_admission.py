"""Limits, loads, windows and states in memory: bounds, reloads and slots."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.limits.limit_data import Cost, Limit
from mockllm.core.load.load import Load
from mockllm.core.selection.decision import Candidate, Decision, DecisionInputs, InFlightSlot
from mockllm.core.selection.guards import Guard, TimeWindow
from mockllm.state.counters import Counters
from mockllm.state.decide import decide
from mockllm.state.engine_state import EngineState

ONE = Limit("fixed-window", 1, window=3600.0)
PLACE = Limit("fixed-window", concurrent=1)


def modifier(key: str, scope: str = "", **more: Any) -> Candidate:
    return Candidate(0, key, key, scope, None, **more)


def match_result(
    *modifiers: Candidate, now: float = 0.0, tokens: int = 0, rules: tuple[Candidate, ...] = ()
) -> DecisionInputs:
    return DecisionInputs(
        "",
        0,
        rules,
        modifiers,
        lambda validation: False,
        scenario_time=now,
        compute_cost=lambda: Cost(tokens),
    )


def outcomes(counters: Counters, *claims: DecisionInputs) -> list[str]:
    return [decide(counters, inputs).outcome for inputs in claims]


def test_reload_retains_accounts_of_unchanged_limits() -> None:
    counters = Counters()
    same, changed = match_result(modifier("same", limit=ONE)), match_result(modifier("changed", limit=ONE))
    assert outcomes(counters, same, changed) == ["no_rule", "no_rule"]
    counters.retain(frozenset({"same"}))
    assert outcomes(counters, same, changed) == ["limited", "no_rule"]


def test_reload_retains_unchanged_windows_and_all_states() -> None:
    counters = Counters()
    early = Guard(during=TimeWindow(0.0, 10.0))

    def rule(key: str, now: float) -> Decision:
        return decide(counters, match_result(now=now, rules=(Candidate(0, key, key, "", early),)))

    assert [rule(key, 0.0).outcome for key in ("same", "changed")] == ["rule", "rule"]
    decide(counters, match_result(modifier("sets", sets={"a": 1})))
    counters.retain(frozenset({"same"}))
    assert [rule(key, 20.0).outcome for key in ("same", "changed")] == ["no_rule", "rule"]
    wants = Candidate(0, "wants", "wants", "", Guard(requires={"a": 1}))
    assert decide(counters, match_result(rules=(wants,))).outcome == "rule"


def test_accounts_least_recently_used_are_removed() -> None:
    counters = Counters(4)
    keys = [match_result(modifier("quota", f"key {number}", limit=ONE)) for number in range(9)]
    assert outcomes(counters, *keys) == ["no_rule"] * 9
    assert outcomes(counters, keys[8], keys[0]) == ["limited", "no_rule"]


@pytest.mark.parametrize("what", ["limit", "load"])
def test_slot_of_removed_account_leaves_new_one(what: str) -> None:
    counters = Counters()
    stored: dict[str, Any] = {"limit": PLACE} if what == "limit" else {"load": Load(max_inflight=1)}
    inputs = match_result(modifier("m", **stored))
    slot = decide(counters, inputs).slot
    assert slot is not None
    counters.retain(frozenset())
    fresh = decide(counters, inputs).slot
    assert fresh is not None
    slot.release()  # of a removed limiter: the new slot is unaffected
    assert decide(counters, inputs).slot is None
    fresh.release()
    assert decide(counters, inputs).slot is not None


def test_preview_charges_nothing() -> None:
    counters = Counters()
    inputs = match_result(
        modifier("a", limit=ONE), modifier("b", limit=PLACE), modifier("c", load=Load(max_inflight=1))
    )
    for _ in range(3):
        seen = decide(counters, inputs, count=False)
        assert (seen.outcome, seen.slot) == ("no_rule", None)
        assert seen.admission is not None
        assert seen.admission.limit_status.requests is not None
        assert seen.admission.limit_status.requests.remaining == 0
    assert decide(counters, inputs).outcome == "no_rule"
    assert decide(counters, inputs, count=False).outcome == "limited"


def test_refusal_charges_no_other_limit() -> None:
    counters = Counters()
    wide = modifier("wide", limit=Limit("fixed-window", 3, window=3600.0))
    narrow, full = modifier("narrow", limit=ONE), modifier("full", load=Load(max_inflight=1))
    assert outcomes(
        counters, match_result(wide, narrow), match_result(wide, narrow), match_result(narrow, wide)
    ) == [
        "no_rule",
        "limited",
        "limited",
    ]
    slot: InFlightSlot | None = decide(counters, match_result(full)).slot
    assert outcomes(counters, match_result(wide, full), match_result(full, wide)) == [
        "overloaded",
        "overloaded",
    ]
    assert slot is not None
    slot.release()
    assert outcomes(counters, match_result(wide, full), match_result(wide), match_result(wide)) == [
        "no_rule",
        "no_rule",
        "limited",
    ]


def test_tokens_are_counted_for_token_limits_only() -> None:
    def untouched() -> int:
        raise AssertionError("the body was read for nothing")

    counters = Counters()
    inputs = replace(match_result(modifier("a", limit=ONE)), compute_cost=untouched)
    assert decide(counters, inputs).outcome == "no_rule"
    counted = match_result(modifier("b", limit=Limit("fixed-window", tokens=10)), tokens=7)
    assert outcomes(counters, counted, counted) == ["no_rule", "limited"]


def test_queue_wait_is_first_end_of_all_responses() -> None:
    counters = Counters()
    inputs = match_result(modifier("m", load=Load(max_inflight=2, queue=2)))
    for until in (9.0, 4.0):
        slot = decide(counters, inputs).slot
        assert slot is not None
        slot.expect_end(until)
    waits = []
    for _ in range(3):
        decision = decide(counters, inputs)
        assert decision.admission is not None
        if decision.slot is not None:
            waits.append(decision.admission.wait)
            decision.slot.expect_end(decision.admission.wait + 3.0)
    assert waits == [4.0, 7.0]


def test_reset_limits_leaves_responses_in_flight() -> None:
    state = EngineState()
    stored, used = match_result(modifier("held", limit=PLACE)), match_result(modifier("used", limit=ONE))
    other = match_result(modifier("other", limit=ONE))
    slot = state.decide(stored).slot
    assert slot is not None
    assert [state.decide(inputs).outcome for inputs in (stored, used, used)] == [
        "limited",
        "no_rule",
        "limited",
    ]
    assert state.decide(other).outcome == "no_rule"
    state.reset_limits(frozenset({"held", "used"}))
    assert [state.decide(inputs).outcome for inputs in (stored, used, other)] == [
        "limited",
        "no_rule",
        "limited",
    ]
    slot.release()
    assert state.decide(stored).outcome == "no_rule"
    state.reset_limits()
    assert state.decide(other).outcome == "no_rule"


def test_limit_delay_frees_no_load_slot_early() -> None:
    counters = Counters()
    load = modifier("load", load=Load(max_inflight=2))
    leaky = modifier("leaky", limit=Limit("leaky-bucket", 1, window=10.0, queue=5))
    slots = []
    for now, limits in ((0.0, (leaky,)), (1.0, (leaky,))):  # the second one is admitted at 10
        decision = decide(counters, match_result(load, *limits, now=now))
        assert decision.slot is not None
        assert decision.admission is not None
        decision.slot.expect_end(now + decision.admission.wait + 5.0)
        slots.append(decision.slot)
    assert outcomes(counters, match_result(load, now=2.0)) == ["overloaded"]
    slots[0].release()
    assert outcomes(counters, match_result(load, now=6.0)) == ["no_rule"]
