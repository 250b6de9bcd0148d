"""Counters in memory: decisions, counts and removals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.selection.decision import Candidate, Decision, DecisionInputs
from mockllm.core.selection.guards import Guard
from mockllm.state.counters import Counters
from mockllm.state.decide import decide
from mockllm.state.engine_state import EngineState


def candidate(
    name: str, *, has_error: bool = False, scope: str = "", validation: Any = "strict", **guard: Any
) -> Candidate:
    return Candidate(0, name, name, scope, Guard(**guard) if guard else None, validation, has_error)


def inputs(
    rules: Sequence[Candidate],
    modifiers: Sequence[Candidate] = (),
    *,
    session: str = "",
    invalid: Sequence[str] = (),
) -> DecisionInputs:
    return DecisionInputs(session, 0, rules, modifiers, lambda validation: validation in invalid)


def summary(decision: Decision) -> tuple[str, str | None, list[object]]:
    """Return the outcome, the rule's name, and why other rules were blocked."""
    rule = decision.selected_rule.candidate.key if decision.selected_rule else None
    return decision.outcome, rule, [why for _, why in decision.blocked_rules]


def test_unknown_model_is_refused_by_strict_rules_only() -> None:
    for known, outcome in ((True, "invalid"), (False, "rule")):
        sent = replace(
            inputs([replace(candidate("r"), known_models_only=known)]), has_unknown_model=lambda: True
        )
        assert decide(Counters(), sent).outcome == outcome
    assert decide(Counters(), inputs([replace(candidate("r"), known_models_only=True)])).outcome == "rule"


def test_decide_first_unblocked_rule_is_selected() -> None:
    counters = Counters()
    sent = inputs([candidate("once", times=1), candidate("later", skip=1), candidate("rest")])
    assert summary(decide(counters, sent)) == ("rule", "once", [])
    assert summary(decide(counters, sent)) == ("rule", "rest", ["used up", "skipped"])
    assert summary(decide(counters, sent)) == ("rule", "later", ["used up"])


def test_decide_without_rule_is_miss() -> None:
    assert summary(decide(Counters(), inputs([]))) == ("no_rule", None, [])
    assert summary(decide(Counters(), inputs([candidate("never", chance=0.0)]))) == (
        "no_rule",
        None,
        ["lost its chance"],
    )
    assert summary(decide(Counters(), inputs([candidate("second", every=2)]))) == (
        "no_rule",
        None,
        ["not its turn"],
    )


def test_decide_counts_exclude_current_request() -> None:
    counters = Counters()
    sent = inputs([candidate("r", every=2), candidate("rest")])
    turns = [decide(counters, sent).selected_rule for _ in range(4)]
    assert [(turn.candidate.key, turn.tries, turn.earlier_responses) for turn in turns if turn] == [
        ("rest", 0, 0),
        ("r", 1, 0),
        ("rest", 1, 1),
        ("r", 3, 1),
    ]


def test_preview_decides_and_counts_nothing() -> None:
    counters = Counters()
    sent = inputs([candidate("once", times=1)], [candidate("m", times=1)])
    for _ in range(3):
        assert summary(decide(counters, sent, count=False)) == ("rule", "once", [])
    decision = decide(counters, sent)
    assert (decision.request_number, len(decision.selected_modifiers)) == (0, 1)
    assert summary(decide(counters, sent, count=False)) == ("no_rule", None, ["used up"])


@pytest.mark.parametrize(
    ("modifiers", "invalid", "outcome"),
    [
        ([candidate("m", has_error=True)], [], "modifier"),
        ([candidate("m", has_error=True)], ["strict"], "modifier"),
        ([candidate("m", has_error=True, chance=0.0)], [], "rule"),
        ([candidate("m")], [], "rule"),
        ([], ["strict"], "invalid"),
        ([], ["lenient"], "rule"),
    ],
)
def test_decide_order_is_error_validation_rule(
    modifiers: list[Candidate], invalid: list[str], outcome: str
) -> None:
    counters = Counters()
    sent = inputs([candidate("skipping", skip=1), candidate("once", times=1)], modifiers, invalid=invalid)
    decision = decide(counters, sent)
    assert decision.outcome == outcome
    consumed = decide(
        counters, inputs([candidate("skipping", skip=1), candidate("once", times=1)]), count=False
    )
    assert summary(consumed)[1] == ("skipping" if outcome == "rule" else "once")


def test_validation_is_of_selected_rule_else_strict() -> None:
    lenient = candidate("r", validation="lenient")
    assert decide(Counters(), inputs([lenient], invalid=["strict"])).outcome == "rule"
    assert decide(Counters(), inputs([lenient], invalid=["lenient"])).outcome == "invalid"
    assert decide(Counters(), inputs([], invalid=["strict"])).outcome == "invalid"


def test_modifiers_are_counted_separately() -> None:
    counters = Counters()
    sent = inputs([], [candidate("m", times=1), candidate("n", skip=1), candidate("all")])
    assert [[turn.candidate.key for turn in decide(counters, sent).selected_modifiers] for _ in range(3)] == [
        ["m", "all"],
        ["n", "all"],
        ["n", "all"],
    ]


def test_sessions_and_scopes_have_separate_counts() -> None:
    state = EngineState()
    sent = [
        inputs([candidate("r", scope=scope, times=1)], session=session)
        for session, scope in (("", ""), ("", "a"), ("s", ""), ("s", "a"), ("", ""))
    ]
    assert [state.decide(each).outcome for each in sent] == ["rule"] * 4 + ["no_rule"]


def test_requests_are_numbered_in_scope_of_rule() -> None:
    counters = Counters()
    numbers = [
        decide(counters, inputs([candidate("r", scope=scope)])).request_number
        for scope in ("", "a", "", "a", "b")
    ]
    assert numbers == [0, 0, 1, 1, 0]
    assert decide(counters, inputs([])).request_number == 2


def test_keep_deletes_counts_of_other_keys() -> None:
    counters = Counters()
    sent = inputs([candidate("a", times=1), candidate("b", times=1)])
    decide(counters, sent)
    decide(counters, sent)
    counters.retain(frozenset({"b"}))
    assert summary(decide(counters, sent)) == ("rule", "a", [])
    assert summary(decide(counters, sent)) == ("no_rule", None, ["used up", "used up"])


def test_scopes_least_recently_used_are_removed() -> None:
    counters = Counters(capacity=10)

    def number(scope: str) -> int:
        return decide(counters, inputs([candidate("r", scope=scope)])).request_number

    number("idle")
    for count in range(1000):
        assert number("busy") == count
        number(f"passing {count}")
    assert number("idle") == 0
    assert number("passing 999") == 1
