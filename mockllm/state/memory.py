"""Counts in this process's memory, beside what is remembered of answers. Synchronous: what happens between
two awaits is atomic."""

from __future__ import annotations

from collections.abc import Sequence

from mockllm.core.claim import Candidate, Claim, Guard, Refused, Settled, Turn
from mockllm.core.remembered import Memo, Recall
from mockllm.state.remembering import Remembered

CAPACITY = 100_000
"""How many (session, scope) pairs are remembered; clients choose scopes, so those that were not used for the
longest time make room."""


class _Scope:
    """All counts of one scope of one session: key → [tries, turns], and the number of its requests.

    What was tallied is `owed`, by the keys that were counted together, until a count is looked at.
    """

    __slots__ = ("counts", "number", "owed")

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = {}
        self.number = 0
        self.owed: dict[Sequence[str], int] = {}

    def of(self, key: str) -> list[int]:
        if self.owed:
            self._pay()
        return self._of(key)

    def keep(self, keys: frozenset[str]) -> None:
        self._pay()
        self.counts = {key: count for key, count in self.counts.items() if key in keys}

    def _pay(self) -> None:
        for keys, times in self.owed.items():
            for key in keys:
                counts = self._of(key)
                counts[0] += times
                counts[1] += times
        self.owed.clear()

    def _of(self, key: str) -> list[int]:
        found = self.counts.get(key)
        if found is None:
            found = self.counts[key] = [0, 0]
        return found


class Memory:
    """See `State`."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._recent: dict[tuple[str, str], _Scope] = {}
        self._older: dict[tuple[str, str], _Scope] = {}
        self._half = max(1, capacity // 2)
        self._remembered = Remembered()

    def settle(self, claim: Claim) -> Settled:
        return self._decide(claim, count=True)

    def peek(self, claim: Claim) -> Settled:
        return self._decide(claim, count=False)

    def tally(self, session: str, keys: Sequence[str]) -> int:
        scope = self._recent.get((session, "")) or self._scope(session, "")
        owed = scope.owed
        owed[keys] = owed.get(keys, 0) + 1
        number = scope.number
        scope.number = number + 1
        return number

    def recall(self, session: str) -> Recall:
        return self._remembered.recall(session)

    def remember(self, session: str, memo: Memo) -> None:
        self._remembered.remember(session, memo)

    def keep(self, keys: frozenset[str]) -> None:
        for scope in (*self._recent.values(), *self._older.values()):
            scope.keep(keys)

    def _scope(self, session: str, name: str) -> _Scope:
        """A scope's counts. Those in use are always among the recent ones; when these fill half of the
        capacity, the others go."""
        key = session, name
        found = self._recent.get(key)
        if found is None:
            found = self._older.pop(key, None) or _Scope()
            if len(self._recent) >= self._half:
                self._older, self._recent = self._recent, {}
            self._recent[key] = found
        return found

    def _decide(self, claim: Claim, *, count: bool) -> Settled:
        session = claim.session
        modifiers = self._modifiers(claim, count=count) if claim.modifiers else ()
        refused: list[tuple[Candidate, Refused]] = []
        winner: Turn | None = None
        won: list[int] = []
        for candidate in claim.rules:
            won = self._counts(session, candidate)
            tries, turns = won
            guard = candidate.guard
            reason = None if guard is None else _refusal(guard, claim.seed, candidate, tries, turns)
            if reason is None:
                winner = Turn(candidate, tries, turns if guard is None else guard.given(turns))
                break
            refused.append((candidate, reason))
        number = self._number(session, winner.candidate.scope if winner else "", count=count)
        for turn in modifiers:
            if turn.candidate.error:
                return Settled("modifier", winner, modifiers, number, refused)
        if claim.refused(winner.candidate if winner else None):
            return Settled("invalid", winner, modifiers, number, refused)
        if count:
            for candidate, reason in refused:
                _count(self._counts(session, candidate), turn=reason != "lost its chance")
            if winner is not None:
                _count(won, turn=True)
        return Settled("rule" if winner else "miss", winner, modifiers, number, refused)

    def _modifiers(self, claim: Claim, *, count: bool) -> Sequence[Turn]:
        """Modifiers count for themselves, whatever becomes of the request."""
        applied = []
        whose: str | None = None
        for candidate in claim.modifiers:
            if candidate.scope != whose:
                whose = candidate.scope
                scope = self._scope(claim.session, whose)
            counts = scope.of(candidate.key)
            tries, turns = counts
            guard = candidate.guard
            if guard is None:
                applied.append(Turn(candidate, tries, turns))
                turn = True
            else:
                reason = _refusal(guard, claim.seed, candidate, tries, turns)
                if reason is None:
                    applied.append(Turn(candidate, tries, guard.given(turns)))
                turn = reason != "lost its chance"
            if count:
                counts[0] = tries + 1
                counts[1] = turns + turn
        return applied

    def _counts(self, session: str, candidate: Candidate) -> list[int]:
        """The candidate's tries and turns, to be read and changed."""
        return self._scope(session, candidate.scope).of(candidate.key)

    def _number(self, session: str, scope: str, *, count: bool) -> int:
        found = self._scope(session, scope)
        number = found.number
        if count:
            found.number = number + 1
        return number


def _count(counts: list[int], *, turn: bool) -> None:
    counts[0] += 1
    counts[1] += turn


def _refusal(guard: Guard, seed: int, candidate: Candidate, tries: int, turns: int) -> Refused | None:
    if guard.spares(seed, candidate.draws, candidate.scope, tries):
        return "lost its chance"
    return guard.refuses(turns)
