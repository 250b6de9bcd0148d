"""Counts in memory: what is decided, what is counted, what is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.selection.decision import Candidate, Decision, Guard, MatchResult
from mockllm.state.session_counters import SessionCounters


def candidate(
    name: str, *, error: bool = False, scope: str = "", validation: Any = "strict", **guard: Any
) -> Candidate:
    return Candidate(0, name, name, scope, Guard(**guard) if guard else None, validation, error)


def claim(
    rules: Sequence[Candidate],
    modifiers: Sequence[Candidate] = (),
    *,
    session: str = "",
    invalid: Sequence[str] = (),
) -> MatchResult:
    return MatchResult(session, 0, rules, modifiers, lambda validation: validation in invalid)


def told(settled: Decision) -> tuple[str, str | None, list[object]]:
    """The outcome, the rule's name, and why others stood aside."""
    rule = settled.rule.candidate.key if settled.rule else None
    return settled.outcome, rule, [why for _, why in settled.refused]


def test_a_model_that_is_not_known_is_refused_by_those_alone_that_know_it_not() -> None:
    for known, outcome in ((True, "invalid"), (False, "rule")):
        asked = replace(claim([replace(candidate("r"), known_models=known)]), unknown=lambda: True)
        assert SessionCounters().decide(asked).outcome == outcome
    assert SessionCounters().decide(claim([replace(candidate("r"), known_models=True)])).outcome == "rule"


def test_the_first_that_is_let_through_answers() -> None:
    memory = SessionCounters()
    asked = claim([candidate("once", times=1), candidate("later", skip=1), candidate("rest")])
    assert told(memory.decide(asked)) == ("rule", "once", [])
    assert told(memory.decide(asked)) == ("rule", "rest", ["used up", "skipped"])
    assert told(memory.decide(asked)) == ("rule", "later", ["used up"])


def test_without_any_it_is_a_miss() -> None:
    assert told(SessionCounters().decide(claim([]))) == ("miss", None, [])
    assert told(SessionCounters().decide(claim([candidate("never", chance=0.0)]))) == (
        "miss",
        None,
        ["lost its chance"],
    )
    assert told(SessionCounters().decide(claim([candidate("second", every=2)]))) == (
        "miss",
        None,
        ["not its turn"],
    )


def test_tries_and_given_are_those_before_this_request() -> None:
    memory = SessionCounters()
    asked = claim([candidate("r", every=2), candidate("rest")])
    turns = [memory.decide(asked).rule for _ in range(4)]
    assert [(turn.candidate.key, turn.tries, turn.responses) for turn in turns if turn] == [
        ("rest", 0, 0),
        ("r", 1, 0),
        ("rest", 1, 1),
        ("r", 3, 1),
    ]


def test_a_peek_decides_and_counts_nothing() -> None:
    memory = SessionCounters()
    asked = claim([candidate("once", times=1)], [candidate("m", times=1)])
    for _ in range(3):
        assert told(memory.preview(asked)) == ("rule", "once", [])
    settled = memory.decide(asked)
    assert (settled.number, len(settled.modifiers)) == (0, 1)
    assert told(memory.preview(asked)) == ("miss", None, ["used up"])


@pytest.mark.parametrize(
    ("modifiers", "invalid", "outcome"),
    [
        ([candidate("m", error=True)], [], "modifier"),
        ([candidate("m", error=True)], ["strict"], "modifier"),
        ([candidate("m", error=True, chance=0.0)], [], "rule"),
        ([candidate("m")], [], "rule"),
        ([], ["strict"], "invalid"),
        ([], ["lenient"], "rule"),
    ],
)
def test_a_modifiers_error_then_validation_then_the_rule(
    modifiers: list[Candidate], invalid: list[str], outcome: str
) -> None:
    memory = SessionCounters()
    asked = claim([candidate("skipping", skip=1), candidate("once", times=1)], modifiers, invalid=invalid)
    settled = memory.decide(asked)
    assert settled.outcome == outcome
    consumed = memory.preview(claim([candidate("skipping", skip=1), candidate("once", times=1)]))
    assert told(consumed)[1] == ("skipping" if outcome == "rule" else "once")


def test_validation_is_the_answering_rules_and_strict_where_none_answers() -> None:
    lenient = candidate("r", validation="lenient")
    assert SessionCounters().decide(claim([lenient], invalid=["strict"])).outcome == "rule"
    assert SessionCounters().decide(claim([lenient], invalid=["lenient"])).outcome == "invalid"
    assert SessionCounters().decide(claim([], invalid=["strict"])).outcome == "invalid"


def test_modifiers_count_for_themselves() -> None:
    memory = SessionCounters()
    asked = claim([], [candidate("m", times=1), candidate("n", skip=1), candidate("all")])
    assert [[turn.candidate.key for turn in memory.decide(asked).modifiers] for _ in range(3)] == [
        ["m", "all"],
        ["n", "all"],
        ["n", "all"],
    ]


def test_sessions_and_scopes_count_apart() -> None:
    memory = SessionCounters()
    asked = [
        claim([candidate("r", scope=scope, times=1)], session=session)
        for session, scope in (("", ""), ("", "a"), ("s", ""), ("s", "a"), ("", ""))
    ]
    assert [memory.decide(each).outcome for each in asked] == ["rule"] * 4 + ["miss"]


def test_requests_are_numbered_in_the_scope_of_what_answers() -> None:
    memory = SessionCounters()
    numbers = [
        memory.decide(claim([candidate("r", scope=scope)])).number for scope in ("", "a", "", "a", "b")
    ]
    assert numbers == [0, 0, 1, 1, 0]
    assert memory.decide(claim([])).number == 2


def test_keep_forgets_the_counts_of_what_is_gone() -> None:
    memory = SessionCounters()
    asked = claim([candidate("a", times=1), candidate("b", times=1)])
    memory.decide(asked)
    memory.decide(asked)
    memory.keep(frozenset({"b"}))
    assert told(memory.decide(asked)) == ("rule", "a", [])
    assert told(memory.decide(asked)) == ("miss", None, ["used up", "used up"])


def test_of_too_many_scopes_those_go_that_were_not_used_for_the_longest_time() -> None:
    memory = SessionCounters(capacity=10)

    def number(scope: str) -> int:
        return memory.decide(claim([candidate("r", scope=scope)])).number

    number("idle")
    for count in range(1000):
        assert number("busy") == count
        number(f"passing {count}")
    assert number("idle") == 0
    assert number("passing 999") == 1
