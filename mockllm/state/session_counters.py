"""Decides which rule and modifiers respond to a request, and counts them in the session's memory (`decide`).

Synchronous: code between two awaits is atomic. Where the store decides, `store/decision.lua` does the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mockllm.core.limits.limit_data import ALLOWED, Cost, LimitStatus, tightest
from mockllm.core.selection.decision import (
    AdmissionResult,
    Candidate,
    Decision,
    DecisionInputs,
    InFlightSlot,
    Outcome,
    Selected,
)
from mockllm.core.selection.guards import ELIGIBLE, Guard, GuardReason
from mockllm.state.admission import admit_request, current_limits
from mockllm.state.scope_memory import ScopeMemory
from mockllm.state.scope_state import ScopeState

MAX_SCOPES = 100_000
"""The most scopes of requests without a session; clients choose scopes. Those that were unused the longest are
removed together, up to half of the most."""
COUNTED_OUTCOMES: Final = ("rule", "unmatched")
"""The outcomes for which tries of rules are counted: no modifier replaced the response before them."""


class SessionCounters:
    """The counters of one session, or of all requests without one, by scope."""

    def __init__(self, capacity: int = MAX_SCOPES, memory: ScopeMemory | None = None) -> None:
        self._recent: dict[str, ScopeState] = {}
        self._older: dict[str, ScopeState] = {}
        self._half = max(1, capacity // 2)
        self._memory = ScopeMemory() if memory is None else memory
        self._recent_size = self._older_size = 0
        self._touched: set[ScopeState] = set()
        """The scopes whose size may have changed since it was last added."""

    def decide(self, matched: DecisionInputs, *, count: bool = True) -> Decision:
        """Decide and count, in one atomic step. Without `count`, the decision is the same, and nothing is counted."""
        modifiers, blocked_modifiers = (
            self._apply_modifiers(matched, count=count) if matched.modifiers else ((), ())
        )
        selected_rule, blocked = self._select_rule(matched)
        number = self._take_number(selected_rule.candidate.scope if selected_rule else "", count=count)
        admission_result: AdmissionResult | None = None
        slot: InFlightSlot | None = None
        outcome: Outcome = "rule" if selected_rule else "unmatched"
        if modifiers:
            if count:
                self._set_states(modifiers)
            limiting = self._limiting(modifiers)
            if any(selected.candidate.has_error for selected in modifiers):
                outcome = "modifier"
                admission_result = current_limits(limiting, matched.scenario_time) if limiting else None
            elif limiting:
                admission_result, slot = admit_request(limiting, matched, count=count)
                if admission_result.refused_by is not None:
                    outcome = "limited" if admission_result.result else "overloaded"
        if outcome in COUNTED_OUTCOMES and matched.fails_validation(
            selected_rule.candidate if selected_rule else None
        ):
            outcome = "invalid"
        if count and outcome in COUNTED_OUTCOMES:
            self._count(matched, selected_rule, blocked)
        self._measure_touched()
        return Decision(
            outcome, selected_rule, modifiers, number, blocked, admission_result, slot, blocked_modifiers
        )

    def _apply_modifiers(
        self, matched: DecisionInputs, *, count: bool
    ) -> tuple[Sequence[Selected], Sequence[tuple[Candidate, GuardReason]]]:
        """Return the modifiers that apply, and those that do not. They are counted separately, whatever the
        outcome of the request."""
        applied: list[Selected] = []
        blocked_modifiers: list[tuple[Candidate, GuardReason]] = []
        scope: str | None = None
        for candidate in matched.modifiers:
            if candidate.scope != scope:
                scope = candidate.scope
                scope_state = self._state_of(scope)
            counts = scope_state.of(candidate.key)
            tries, eligible = counts
            guard = candidate.guard
            if guard is None:
                applied.append(Selected(candidate, tries, eligible))
                is_eligible = True
            else:
                reason = _blocking_guard(guard, matched, candidate, scope_state, tries, eligible)
                if reason is None:
                    applied.append(Selected(candidate, tries, guard.response_count(eligible)))
                else:
                    blocked_modifiers.append((candidate, reason))
                is_eligible = reason is None or reason in ELIGIBLE
                if count and guard.during is not None:
                    scope_state.begin(candidate.key, matched.scenario_time)
            if count:
                counts[0] = tries + 1
                counts[1] = eligible + is_eligible
        return applied, blocked_modifiers

    def _select_rule(
        self, matched: DecisionInputs
    ) -> tuple[Selected | None, list[tuple[Candidate, GuardReason]]]:
        """Return the first rule whose guard allows it, and the rules before it that were blocked."""
        blocked: list[tuple[Candidate, GuardReason]] = []
        for candidate in matched.rules:
            scope_state = self._state_of(candidate.scope)
            tries, eligible = scope_state.of(candidate.key)
            guard = candidate.guard
            if guard is None:
                return Selected(candidate, tries, eligible), blocked
            reason = _blocking_guard(guard, matched, candidate, scope_state, tries, eligible)
            if reason is None:
                return Selected(candidate, tries, guard.response_count(eligible)), blocked
            blocked.append((candidate, reason))
        return None, blocked

    def _take_number(self, scope: str, *, count: bool) -> int:
        scope_state = self._state_of(scope)
        number = scope_state.number
        if count:
            scope_state.number = number + 1
        return number

    def _limiting(self, modifiers: Sequence[Selected]) -> Sequence[tuple[Selected, ScopeState]]:
        """Return the modifiers with a limit or a load, with their scopes."""
        return [
            (selected, self._state_of(selected.candidate.scope))
            for selected in modifiers
            if selected.candidate.limit is not None or selected.candidate.load is not None
        ]

    def _set_states(self, selections: Sequence[Selected]) -> None:
        """Set the named states of these rules or modifiers; of two that set the same state, the first one's
        value is used."""
        for selected in reversed(selections):
            if selected.candidate.sets is not None:
                self._state_of(selected.candidate.scope).sets(selected.candidate.sets)

    def _count(
        self,
        matched: DecisionInputs,
        selected_rule: Selected | None,
        blocked: Sequence[tuple[Candidate, GuardReason]],
    ) -> None:
        """Count the tries and eligible tries of the rules that were reached, and set the response's states."""
        for candidate, reason in blocked:
            self._count_try(matched, candidate, eligible=reason in ELIGIBLE)
        if selected_rule is not None:
            self._count_try(matched, selected_rule.candidate, eligible=True)
            responses_until_end = selected_rule.candidate.responses_until_end
            if responses_until_end is None or selected_rule.response_count < responses_until_end:
                self._set_states((selected_rule,))

    def _count_try(self, matched: DecisionInputs, candidate: Candidate, *, eligible: bool) -> None:
        scope_state = self._state_of(candidate.scope)
        counts = scope_state.of(candidate.key)
        counts[0] += 1
        counts[1] += eligible
        if candidate.guard is not None and candidate.guard.during is not None:
            scope_state.begin(candidate.key, matched.scenario_time)

    def count_request(self, keys: Sequence[str]) -> int:
        """Count a request that needs no decision, and return its number. All of these keys (hashable) apply, in the
        global scope, and none has a guard. The result is the same as by `decide`."""
        scope_state = self._recent.get("") or self._state_of("")
        request_counts = scope_state.request_counts
        request_counts[keys] = request_counts.get(keys, 0) + 1
        number = scope_state.number
        scope_state.number = number + 1
        return number

    def charge(self, candidates: Sequence[Candidate], scenario_time: float, cost: Cost) -> LimitStatus | None:
        """Charge a request without a session to the limits of these candidates, in the global scope. Return the
        state of the limits; None, and nothing changes, where a limit refuses or delays the request."""
        scope_state = self._state_of("")
        limit_status = None
        if len(candidates) == 1:  # the usual case
            limit_status = scope_state.account(candidates[0]).charge_at_once(scenario_time, cost)
        else:
            accounts = [scope_state.account(candidate) for candidate in candidates]
            if all(account.check(scenario_time, cost) is ALLOWED for account in accounts):
                for account in accounts:
                    account.charge(scenario_time, cost)
                limit_status = tightest([account.status(scenario_time) for account in accounts])
        self._measure_touched()
        return limit_status

    def scope_state(self, scope: str) -> ScopeState:
        """Return the counts of a scope of requests without a session, for `count_response`."""
        return self._state_of(scope)

    def count_response(self, scope_state: ScopeState, counts: list[int], modifiers: Sequence[str]) -> int:
        """Count a request without a session that a rule without a guard responds to, as `decide` does. Return its
        number in the scope of the rule, whose `counts` change. The modifiers (by their keys, hashable) have no guard
        and no scope."""
        counts[0] += 1
        counts[1] += 1
        number = scope_state.number
        scope_state.number = number + 1
        if modifiers:
            request_counts = self._state_of("").request_counts
            request_counts[modifiers] = request_counts.get(modifiers, 0) + 1
        self._measure_touched()
        return number

    def retain(self, keys: frozenset[str]) -> None:
        """Delete the counts of all other keys: of removed and changed rules."""
        for scope_state in (*self._recent.values(), *self._older.values()):
            scope_state.retain(keys)

    def clear(self) -> None:
        """Delete all counts."""
        self._touched.clear()
        self.drop_older()
        self.drop_older()

    @property
    def size(self) -> int:
        """About how many bytes all scopes take."""
        return self._recent_size + self._older_size

    def drop_older(self) -> None:
        """Remove the scopes that were not used for the longest time; a second call removes all others."""
        self._memory.add(-self._older_size)
        self._older, self._recent = self._recent, {}
        self._older_size, self._recent_size = self._recent_size, 0

    def _measure_touched(self) -> None:
        grown = 0
        for scope_state in self._touched:
            if scope_state.grown:
                size = scope_state.size
                grown += size - scope_state.accounted_bytes
                scope_state.accounted_bytes, scope_state.grown = size, False
        self._touched.clear()
        if grown:
            self._recent_size += grown
            self._memory.add(grown)

    def scopes(self) -> Iterator[ScopeState]:
        """Yield all scopes."""
        yield from self._recent.values()
        yield from self._older.values()

    def _state_of(self, scope: str) -> ScopeState:
        """Return the counts of a scope. Scopes in use are always among the recent ones. When these fill half
        of the capacity, the others are removed."""
        scope_state = self._recent.get(scope)
        if scope_state is None:
            scope_state = self._older.pop(scope, None) or ScopeState()
            self._older_size -= scope_state.accounted_bytes
            if len(self._recent) >= self._half:
                self.drop_older()
            self._recent[scope] = scope_state
            self._recent_size += scope_state.accounted_bytes
        self._touched.add(scope_state)
        return scope_state


def _blocking_guard(
    guard: Guard,
    matched: DecisionInputs,
    candidate: Candidate,
    scope_state: ScopeState,
    tries: int,
    eligible: int,
) -> GuardReason | None:
    """Return why the guard blocks a candidate; None if it does not."""
    reason = guard.blocked_by_window_or_state(
        scope_state.elapsed(candidate.key, matched.scenario_time), scope_state.states
    )
    if reason is not None:
        return reason
    if guard.loses_chance(matched.seed, candidate.random_key, candidate.scope, tries):
        return "lost its chance"
    return guard.blocked_by_count(eligible)
