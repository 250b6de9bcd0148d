"""What is counted in one scope of one session (a key, an address, or everybody): tries and turns of rules and
modifiers, named states, accounts of limits, and who is under way.

Apart from memory, which finds the scope and decides; here is only what there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mockllm.core.limits import LimitAccount
from mockllm.core.selection.decision import Candidate
from mockllm.core.selection.named_states import Value, changed
from mockllm.state.in_flight import InFlight


class ScopeState:
    """All of one scope. Counts are key → [tries, turns]; `number` is that of its next request.

    What was tallied is `owed`, by the keys that were counted together, until a count is looked at.
    """

    __slots__ = ("_accounts", "_begun", "_under_way", "counts", "number", "owed", "states")

    def __init__(self) -> None:
        self.counts: dict[str, list[int]] = {}
        self.number = 0
        self.owed: dict[Sequence[str], int] = {}
        self.states: Mapping[str, Value] = {}
        self._begun: dict[str, float] = {}
        self._accounts: dict[str, LimitAccount] = {}
        self._under_way: dict[str, InFlight] = {}

    def of(self, key: str) -> list[int]:
        """The tries and turns of a key, to be read and changed."""
        if self.owed:
            self._pay()
        return self._of(key)

    def elapsed(self, key: str, now: float) -> float:
        """Seconds since the first try; none before it, and none on a clock that was set back."""
        return max(0.0, now - self._begun.get(key, now))

    def begin(self, key: str, now: float) -> None:
        """A try now: windows are counted from the first."""
        self._begun.setdefault(key, now)

    def sets(self, states: Mapping[str, Value]) -> None:
        self.states = changed(self.states, states)

    def account(self, candidate: Candidate) -> LimitAccount:
        """What was used of a modifier's limit."""
        found = self._accounts.get(candidate.key)
        if found is None:
            assert candidate.limit is not None
            found = self._accounts[candidate.key] = LimitAccount(candidate.limit)
        return found

    def in_flight(self, key: str) -> InFlight:
        """The answers under way that a modifier's load counts, and when each will have ended."""
        found = self._under_way.get(key)
        if found is None:
            found = self._under_way[key] = InFlight()
        return found

    def keep(self, keys: frozenset[str]) -> None:
        """Forgets all that is counted of other keys."""
        self._pay()
        for held in (self.counts, self._begun, self._accounts, self._under_way):
            for key in held.keys() - keys:
                del held[key]

    def all_counts(self) -> Mapping[str, Sequence[int]]:
        """The tries and turns of all keys."""
        self._pay()
        return self.counts

    def forget_accounts(self, keys: frozenset[str] | None = None) -> None:
        """What was used of limits is given back: of all, or of these keys. Answers under way stay that."""
        for key, account in self._accounts.items():
            if keys is None or key in keys:
                account.reset()

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
