"""Decides which rule and modifiers respond to a request, and counts them.

Synchronous: code between two awaits is atomic. Where the store decides, `store/decision.lua` does the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.core.load.plan_queue import PlanQueueEntry
from mockllm.core.selection.decision import (
    AdmissionResult,
    Candidate,
    Decision,
    DecisionInputs,
    DecisionOutcome,
    InFlightSlot,
    SelectedCandidate,
)
from mockllm.core.selection.guards import BLOCKED_BY_COUNT, Guard, GuardReason
from mockllm.state.admission import admit_request, needs_unknown_end, uncharged_admission
from mockllm.state.counters import Counters
from mockllm.state.scope_counts import ScopeCounts

COUNTED_OUTCOMES: Final = ("rule", "no_rule")
"""The outcomes for which tries of rules are counted. With any other outcome, a modifier, a limit or a load decides
the response, or the request is invalid."""


def decide(counters: Counters, inputs: DecisionInputs, *, count: bool = True) -> Decision:
    """Decide and count, in one atomic step. Without `count`, it is a preview: the decision is the same but for its
    slot, which is None, and the counters do not change. Copies of their scopes count then."""
    if not count:
        copied = counters.copy_of((*inputs.modifiers, *inputs.rules))
        return replace(decide(copied, inputs), slot=None)
    modifiers, blocked_modifiers = _apply_modifiers(counters, inputs) if inputs.modifiers else ((), ())
    selected_rule, blocked = _select_rule(counters, inputs)
    number = _take_number(counters, selected_rule.candidate.scope if selected_rule else "")
    admission_result: AdmissionResult | None = None
    slot: InFlightSlot | None = None
    outcome: DecisionOutcome = "rule" if selected_rule else "no_rule"
    candidate = selected_rule.candidate if selected_rule else None
    if modifiers:
        _set_states(counters, modifiers)
        limiting = _limiting(counters, modifiers)
        if any(selected.candidate.has_error for selected in modifiers):
            outcome = "modifier"
            admission_result = uncharged_admission(limiting, inputs.scenario_time) if limiting else None
        elif limiting:
            admission_result, slot = admit_request(limiting, inputs, candidate)
            if admission_result.refused_by is not None:
                outcome = "limited" if admission_result.limit_result else "overloaded"
    if outcome in COUNTED_OUTCOMES and inputs.fails_validation(candidate):
        outcome = "invalid"
    if outcome in COUNTED_OUTCOMES:
        _count(counters, inputs, selected_rule, blocked)
    counters.update_memory_usage()
    return Decision(
        outcome, selected_rule, modifiers, number, blocked, admission_result, slot, blocked_modifiers
    )


def waits_for_plans(counters: Counters, inputs: DecisionInputs, entry: PlanQueueEntry) -> bool:
    """Return whether a request cannot be decided yet. That is so if it, or a request before it, needs the end of a
    response without a plan. Then its entry joins the queues of all its loads; otherwise it leaves them."""
    with_load = [(each, counters.counts_in(each.scope)) for each in inputs.modifiers if each.load is not None]
    if not any(
        scope_counts.plan_queue(each.key).is_behind_others(entry) or needs_unknown_end(each, scope_counts)
        for each, scope_counts in with_load
    ):
        entry.release()
        return False
    for each, scope_counts in with_load:
        entry.join(scope_counts.plan_queue(each.key))
    return True


def _apply_modifiers(
    counters: Counters, inputs: DecisionInputs
) -> tuple[Sequence[SelectedCandidate], Sequence[tuple[Candidate, GuardReason]]]:
    """Return the modifiers that apply, and those that do not. They are counted here, whatever the
    outcome of the request, unlike rules."""
    applied: list[SelectedCandidate] = []
    blocked_modifiers: list[tuple[Candidate, GuardReason]] = []
    scope: str | None = None
    for candidate in inputs.modifiers:
        if candidate.scope != scope:
            scope = candidate.scope
            scope_counts = counters.counts_in(scope)
        counts = scope_counts.counts_of(candidate.key)
        tries, eligible = counts
        guard = candidate.guard
        if guard is None:
            applied.append(SelectedCandidate(candidate, tries, eligible))
            is_eligible = True
        else:
            reason = _blocking_reason(guard, inputs, candidate, scope_counts, tries, eligible)
            if reason is None:
                applied.append(SelectedCandidate(candidate, tries, guard.earlier_responses(eligible)))
            else:
                blocked_modifiers.append((candidate, reason))
            is_eligible = reason is None or reason in BLOCKED_BY_COUNT
            if guard.during is not None:
                scope_counts.record_first_try(candidate.key, inputs.scenario_time)
        counts[0] = tries + 1
        counts[1] = eligible + is_eligible
    return applied, blocked_modifiers


def _select_rule(
    counters: Counters, inputs: DecisionInputs
) -> tuple[SelectedCandidate | None, list[tuple[Candidate, GuardReason]]]:
    """Return the first rule whose guard allows it, and the rules before it that were blocked."""
    blocked: list[tuple[Candidate, GuardReason]] = []
    for candidate in inputs.rules:
        scope_counts = counters.counts_in(candidate.scope)
        tries, eligible = scope_counts.counts_of(candidate.key)
        guard = candidate.guard
        if guard is None:
            return SelectedCandidate(candidate, tries, eligible), blocked
        reason = _blocking_reason(guard, inputs, candidate, scope_counts, tries, eligible)
        if reason is None:
            return SelectedCandidate(candidate, tries, guard.earlier_responses(eligible)), blocked
        blocked.append((candidate, reason))
    return None, blocked


def _take_number(counters: Counters, scope: str) -> int:
    scope_counts = counters.counts_in(scope)
    number = scope_counts.next_request_number
    scope_counts.next_request_number = number + 1
    return number


def _limiting(
    counters: Counters, modifiers: Sequence[SelectedCandidate]
) -> Sequence[tuple[SelectedCandidate, ScopeCounts]]:
    """Return the modifiers with a limit or a load, with their scopes."""
    return [
        (selected, counters.counts_in(selected.candidate.scope))
        for selected in modifiers
        if selected.candidate.limit is not None or selected.candidate.load is not None
    ]


def _set_states(counters: Counters, selections: Sequence[SelectedCandidate]) -> None:
    """Set the named states of these rules or modifiers; of two that set the same state, the first one's
    value is used."""
    for selected in reversed(selections):
        if selected.candidate.sets is not None:
            counters.counts_in(selected.candidate.scope).set_states(selected.candidate.sets)


def _count(
    counters: Counters,
    inputs: DecisionInputs,
    selected_rule: SelectedCandidate | None,
    blocked: Sequence[tuple[Candidate, GuardReason]],
) -> None:
    """Count the tries and eligible tries of the rules that were reached, and set the response's states."""
    for candidate, reason in blocked:
        _count_try(counters, inputs, candidate, eligible=reason in BLOCKED_BY_COUNT)
    if selected_rule is not None:
        _count_try(counters, inputs, selected_rule.candidate, eligible=True)
        # after these, its sequence has ended (`then: error`): the request is unmatched, and sets no state
        max_responses = selected_rule.candidate.max_responses
        if max_responses is None or selected_rule.earlier_responses < max_responses:
            _set_states(counters, (selected_rule,))


def _count_try(counters: Counters, inputs: DecisionInputs, candidate: Candidate, *, eligible: bool) -> None:
    scope_counts = counters.counts_in(candidate.scope)
    counts = scope_counts.counts_of(candidate.key)
    counts[0] += 1
    counts[1] += eligible
    if candidate.guard is not None and candidate.guard.during is not None:
        scope_counts.record_first_try(candidate.key, inputs.scenario_time)


def _blocking_reason(
    guard: Guard,
    inputs: DecisionInputs,
    candidate: Candidate,
    scope_counts: ScopeCounts,
    tries: int,
    eligible: int,
) -> GuardReason | None:
    """Return why the guard blocks a candidate; None if it does not."""
    reason = guard.blocked_by_window_or_state(
        scope_counts.elapsed(candidate.key, inputs.scenario_time), scope_counts.states
    )
    if reason is not None:
        return reason
    if guard.loses_chance(inputs.seed, candidate.random_key, candidate.scope, tries):
        return "lost its chance"
    return guard.blocked_by_count(eligible)
