"""The counts of one scope of one session (a key, an address, or all requests).

A scope has tries and turns of rules and modifiers, named states, accounts of limits, and responses in flight.
Separate from the session counters, which find the scope and decide; this module only has the data.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf

from mockllm.core.limits.account import LimitAccount
from mockllm.core.selection.decision import Candidate, Lease
from mockllm.core.selection.guards import StateValue, changed


class InFlight:
    """The responses under a load, each with the time at which it ends. Times are those of requests, in
    seconds.

    Ends are in a heap, because each request reads the number: with thousands in flight, a scan would be too
    slow.
    """

    __slots__ = ("_ends", "_next", "_order")

    def __init__(self) -> None:
        self._ends: dict[Lease, float] = {}
        self._next: list[tuple[float, int, Lease]] = []
        """A heap of all known ends; also of some that were given up since."""
        self._order = count()

    def expect_end(self, lease: Lease, until: float) -> None:
        """Record that a response is in flight until then; `inf` if its end is not known yet."""
        self._ends[lease] = until
        if until != inf:
            heappush(self._next, (until, next(self._order), lease))

    def end(self, lease: Lease) -> None:
        """Record that a response has ended, at its expected time or before."""
        self._ends.pop(lease, None)
        if len(self._next) > 2 * len(self._ends) + 64:
            self._next = [known for known in self._next if self._ends.get(known[2]) == known[0]]
            heapify(self._next)

    def at(self, now: float) -> int:
        """Return the number of responses in flight now; remove those that have ended."""
        while self._next and self._next[0][0] <= now:
            end, _, lease = heappop(self._next)
            if self._ends.get(lease) == end:
                del self._ends[lease]
        return len(self._ends)

    @property
    def ends(self) -> Sequence[float]:
        return tuple(self._ends.values())


class ScopeState:
    """The state of one scope. Counts are key → [tries, turns]; `number` is that of its next request. `tallied` are
    tallies by the keys that were counted together; they are added to the counts when a count is read."""

    __slots__ = ("_accounts", "_first_tries", "_in_flight", "counts", "number", "states", "tallied")

    def __init__(self) -> None:
        self.counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        self.number = 0
        self.tallied: dict[Sequence[str], int] = {}
        self.states: Mapping[str, StateValue] = {}
        self._first_tries: dict[str, float] = {}
        self._accounts: dict[str, LimitAccount] = {}
        self._in_flight: defaultdict[str, InFlight] = defaultdict(InFlight)

    def of(self, key: str) -> list[int]:
        """Return the tries and turns of a key, to be read and changed."""
        if self.tallied:
            self._add_tallies()
        return self.counts[key]

    def elapsed(self, key: str, now: float) -> float:
        """Return the seconds since the first try; 0 before it, and 0 on a clock that was set back."""
        return max(0.0, now - self._first_tries.get(key, now))

    def begin(self, key: str, now: float) -> None:
        """Record a try now: windows are counted from the first."""
        self._first_tries.setdefault(key, now)

    def sets(self, states: Mapping[str, StateValue]) -> None:
        self.states = changed(self.states, states)

    def account(self, candidate: Candidate) -> LimitAccount:
        """Return the account of a modifier's limit."""
        account = self._accounts.get(candidate.key)
        if account is None:
            assert candidate.limit is not None
            account = self._accounts[candidate.key] = LimitAccount(candidate.limit)
        return account

    def in_flight(self, key: str) -> InFlight:
        """Return the responses in flight that a modifier's load counts, with the end of each."""
        return self._in_flight[key]

    def keep(self, keys: frozenset[str]) -> None:
        """Delete the counts of all other keys."""
        self._add_tallies()
        for by_key in (self.counts, self._first_tries, self._accounts, self._in_flight):
            for key in by_key.keys() - keys:
                del by_key[key]

    def all_counts(self) -> Mapping[str, Sequence[int]]:
        """Return the tries and turns of all keys."""
        self._add_tallies()
        return self.counts

    def forget_accounts(self, keys: frozenset[str] | None = None) -> None:
        """Reset the use of limits: of all, or of these keys. Responses in flight stay in flight."""
        for key, account in self._accounts.items():
            if keys is None or key in keys:
                account.reset()

    def _add_tallies(self) -> None:
        for keys, times in self.tallied.items():
            for key in keys:
                counts = self.counts[key]
                counts[0] += times
                counts[1] += times
        self.tallied.clear()
