"""The counts of one session in this process's memory. Synchronous: what happens between two awaits is atomic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from mockllm.core.selection.decision import (
    TURNS,
    AdmissionResult,
    Candidate,
    Decision,
    Guard,
    GuardReason,
    Lease,
    MatchResult,
    Outcome,
    Selected,
)
from mockllm.state.admission import admission, told
from mockllm.state.scope_state import ScopeState

CAPACITY = 100_000
"""How many (session, scope) pairs are remembered; clients choose scopes, so those that were not used for the
longest time make room."""
ANSWERED: Final = ("rule", "miss")
"""The outcomes that rules count: nothing came before them."""


class SessionCounters:
    """See `State`."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._recent: dict[tuple[str, str], ScopeState] = {}
        self._older: dict[tuple[str, str], ScopeState] = {}
        self._half = max(1, capacity // 2)

    def decide(self, claim: MatchResult) -> Decision:
        return self._decide(claim, count=True)

    def preview(self, claim: MatchResult) -> Decision:
        return self._decide(claim, count=False)

    def tally(self, session: str, keys: Sequence[str]) -> int:
        scope = self._recent.get((session, "")) or self._scope(session, "")
        owed = scope.owed
        owed[keys] = owed.get(keys, 0) + 1
        number = scope.number
        scope.number = number + 1
        return number

    def keep(self, keys: frozenset[str]) -> None:
        for scope in (*self._recent.values(), *self._older.values()):
            scope.keep(keys)

    def clear(self) -> None:
        """Forgets all that was counted."""
        self._recent.clear()
        self._older.clear()

    def scopes(self) -> Iterator[ScopeState]:
        """All there are."""
        yield from self._recent.values()
        yield from self._older.values()

    def _scope(self, session: str, name: str) -> ScopeState:
        """A scope's counts. Those in use are always among the recent ones; when these fill half of the
        capacity, the others go."""
        key = session, name
        found = self._recent.get(key)
        if found is None:
            found = self._older.pop(key, None) or ScopeState()
            if len(self._recent) >= self._half:
                self._older, self._recent = self._recent, {}
            self._recent[key] = found
        return found

    def _decide(self, claim: MatchResult, *, count: bool) -> Decision:
        modifiers, spared = self._modifiers(claim, count=count) if claim.modifiers else ((), ())
        winner, refused = self._found(claim)
        number = self._number(claim.session, winner.candidate.scope if winner else "", count=count)
        bounds: AdmissionResult | None = None
        lease: Lease | None = None
        outcome: Outcome = "rule" if winner else "miss"
        if modifiers:
            if count:
                self._sets(claim.session, modifiers)
            bounding = self._bounding(claim.session, modifiers)
            if any(turn.candidate.error for turn in modifiers):
                outcome = "modifier"
                bounds = told(bounding, claim.now) if bounding else None
            elif bounding:
                bounds, lease = admission(bounding, claim, count=count)
                if bounds.by is not None:
                    outcome = "limited" if bounds.result else "overloaded"
        if outcome in ANSWERED and claim.refused(winner.candidate if winner else None):
            outcome = "invalid"
        if count and outcome in ANSWERED:
            self._count(claim, winner, refused)
        return Decision(outcome, winner, modifiers, number, refused, bounds, lease, spared)

    def _found(self, claim: MatchResult) -> tuple[Selected | None, list[tuple[Candidate, GuardReason]]]:
        """The first rule that is let through, and those before it that were not."""
        refused: list[tuple[Candidate, GuardReason]] = []
        for candidate in claim.rules:
            scope = self._scope(claim.session, candidate.scope)
            tries, turns = scope.of(candidate.key)
            guard = candidate.guard
            if guard is None:
                return Selected(candidate, tries, turns), refused
            reason = _refusal(guard, claim, candidate, scope, tries, turns)
            if reason is None:
                return Selected(candidate, tries, guard.response_count(turns)), refused
            refused.append((candidate, reason))
        return None, refused

    def _count(
        self, claim: MatchResult, winner: Selected | None, refused: Sequence[tuple[Candidate, GuardReason]]
    ) -> None:
        """The tries and turns of the rules that were reached, and what the answer sets."""
        for candidate, reason in refused:
            self._tried(claim, candidate, turn=reason in TURNS)
        if winner is not None:
            self._tried(claim, winner.candidate, turn=True)
            lasts = winner.candidate.lasts
            if lasts is None or winner.responses < lasts:
                self._sets(claim.session, (winner,))

    def _tried(self, claim: MatchResult, candidate: Candidate, *, turn: bool) -> None:
        scope = self._scope(claim.session, candidate.scope)
        counts = scope.of(candidate.key)
        counts[0] += 1
        counts[1] += turn
        if candidate.guard is not None and candidate.guard.during is not None:
            scope.begin(candidate.key, claim.now)

    def _modifiers(
        self, claim: MatchResult, *, count: bool
    ) -> tuple[Sequence[Selected], Sequence[tuple[Candidate, GuardReason]]]:
        """Those that apply, and those that do not. They count for themselves, whatever becomes of the request."""
        applied: list[Selected] = []
        spared: list[tuple[Candidate, GuardReason]] = []
        whose: str | None = None
        for candidate in claim.modifiers:
            if candidate.scope != whose:
                whose = candidate.scope
                scope = self._scope(claim.session, whose)
            counts = scope.of(candidate.key)
            tries, turns = counts
            guard = candidate.guard
            if guard is None:
                applied.append(Selected(candidate, tries, turns))
                turn = True
            else:
                reason = _refusal(guard, claim, candidate, scope, tries, turns)
                if reason is None:
                    applied.append(Selected(candidate, tries, guard.response_count(turns)))
                else:
                    spared.append((candidate, reason))
                turn = reason is None or reason in TURNS
                if count and guard.during is not None:
                    scope.begin(candidate.key, claim.now)
            if count:
                counts[0] = tries + 1
                counts[1] = turns + turn
        return applied, spared

    def _bounding(self, session: str, modifiers: Sequence[Selected]) -> Sequence[tuple[Selected, ScopeState]]:
        """Those with a limit or a load, and whose they are."""
        return [
            (turn, self._scope(session, turn.candidate.scope))
            for turn in modifiers
            if turn.candidate.limit is not None or turn.candidate.load is not None
        ]

    def _sets(self, session: str, turns: Sequence[Selected]) -> None:
        """Sets the named states of these; of two that set the same one, the first wins."""
        for turn in reversed(turns):
            if turn.candidate.sets is not None:
                self._scope(session, turn.candidate.scope).sets(turn.candidate.sets)

    def _number(self, session: str, scope: str, *, count: bool) -> int:
        found = self._scope(session, scope)
        number = found.number
        if count:
            found.number = number + 1
        return number


def _refusal(
    guard: Guard, claim: MatchResult, candidate: Candidate, scope: ScopeState, tries: int, turns: int
) -> GuardReason | None:
    """Why it is not let through."""
    forbidden = guard.blocked_by_state(scope.elapsed(candidate.key, claim.now), scope.states)
    if forbidden is not None:
        return forbidden
    if guard.loses_chance(claim.seed, candidate.draws, candidate.scope, tries):
        return "lost its chance"
    return guard.blocked_by_count(turns)
