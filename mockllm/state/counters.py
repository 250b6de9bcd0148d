"""The counters of one session, or of all requests without one: what each scope has counted, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mockllm.core.limits.limit_data import ALLOWED, Cost, LimitStatus, tightest_by_bound
from mockllm.core.selection.decision import Candidate
from mockllm.state.scope_counts import ScopeCounts
from mockllm.state.scope_memory_bound import ScopeMemoryBound

MAX_SCOPES = 100_000
"""The most scopes of requests without a session; clients choose scopes. Those that were unused the longest are
removed together, up to half of the most."""


class Counters:
    """The counters of one session, or of all requests without one, by scope."""

    def __init__(self, capacity: int = MAX_SCOPES, memory_bound: ScopeMemoryBound | None = None) -> None:
        self._recent: dict[str, ScopeCounts] = {}
        self._older: dict[str, ScopeCounts] = {}
        self._half = max(1, capacity // 2)
        self._memory_bound = ScopeMemoryBound() if memory_bound is None else memory_bound
        self._recent_size = self._older_size = 0
        self._touched: set[ScopeCounts] = set()
        """The scopes whose size may have changed since it was last added."""

    def count_in_global_scope(self, keys: Sequence[str]) -> int:
        """Count a request that needs no decision, and return its number. All of these keys (hashable) apply, in the
        global scope, and none has a guard. The result is the same as by `decide`."""
        scope_counts = self._recent.get("") or self.counts_in("")
        unmerged_counts = scope_counts.unmerged_counts
        unmerged_counts[keys] = unmerged_counts.get(keys, 0) + 1
        number = scope_counts.next_request_number
        scope_counts.next_request_number = number + 1
        return number

    def charge(self, candidates: Sequence[Candidate], scenario_time: float, cost: Cost) -> LimitStatus | None:
        """Charge a request without a session to the limits of these candidates, in the global scope. Return the
        state of the limits; None, and nothing changes, where a limit refuses or delays the request."""
        scope_counts = self.counts_in("")
        limit_status = None
        if len(candidates) == 1:  # the usual case
            limit_status = scope_counts.rate_limiter(candidates[0]).charge_at_once(scenario_time, cost)
        else:
            limiters = [scope_counts.rate_limiter(candidate) for candidate in candidates]
            if all(limiter.check(scenario_time, cost) is ALLOWED for limiter in limiters):
                for limiter in limiters:
                    limiter.charge(scenario_time, cost)
                limit_status = tightest_by_bound([limiter.status(scenario_time) for limiter in limiters])
        self.update_memory_usage()
        return limit_status

    def count_in_rule_scope(
        self, scope_counts: ScopeCounts, counts: list[int], modifier_keys: Sequence[str]
    ) -> int:
        """Count a request without a session that a rule without a guard responds to, as `decide` does. Return its
        number in the scope of the rule, whose `counts` change. The modifiers with these keys (hashable) have no
        guard and are in the global scope."""
        counts[0] += 1
        counts[1] += 1
        number = scope_counts.next_request_number
        scope_counts.next_request_number = number + 1
        if modifier_keys:
            unmerged_counts = self.counts_in("").unmerged_counts
            unmerged_counts[modifier_keys] = unmerged_counts.get(modifier_keys, 0) + 1
        self.update_memory_usage()
        return number

    def retain(self, keys: frozenset[str]) -> None:
        """Delete the counts of all other keys: of removed and changed rules."""
        for scope_counts in (*self._recent.values(), *self._older.values()):
            scope_counts.retain(keys)

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
        """Remove the scopes that were not used for the longest time; a second call removes all others. Where all
        scopes take too many bytes, `ScopeMemoryBound` calls this method of the largest counters."""
        self._memory_bound.add(-self._older_size)
        self._older, self._recent = self._recent, {}
        self._older_size, self._recent_size = self._recent_size, 0

    def update_memory_usage(self) -> None:
        """Add the growth of the scopes that were used since the last call to the memory of all scopes."""
        grown = 0
        for scope_counts in self._touched:
            if scope_counts.grown:
                size = scope_counts.size
                grown += size - scope_counts.accounted_bytes
                scope_counts.accounted_bytes, scope_counts.grown = size, False
        self._touched.clear()
        if grown:
            self._recent_size += grown
            self._memory_bound.add(grown)

    def copy_of(self, candidates: Sequence[Candidate]) -> Counters:
        """Return counters that change separately, with all data of these candidates. A preview decides with them. In
        these counters, no scope is created, used or removed."""
        copied, keys = Counters(), {candidate.key for candidate in candidates}
        for scope in {"", *(candidate.scope for candidate in candidates)}:
            scope_counts = self._recent.get(scope) or self._older.get(scope)
            if scope_counts is not None:
                copied._recent[scope] = scope_counts.copy_of(keys)
        return copied

    def scopes(self) -> Iterator[ScopeCounts]:
        """Yield all scopes."""
        yield from self._recent.values()
        yield from self._older.values()

    def counts_in(self, scope: str) -> ScopeCounts:
        """Return the counts of a scope. Scopes in use are always among the recent ones. When these fill half
        of the capacity, the others are removed."""
        scope_counts = self._recent.get(scope)
        if scope_counts is None:
            scope_counts = self._older.pop(scope, None) or ScopeCounts()
            self._older_size -= scope_counts.accounted_bytes
            if len(self._recent) >= self._half:
                self.update_memory_usage()  # while the scopes of this request are still among the recent ones
                self.drop_older()
            self._recent[scope] = scope_counts
            self._recent_size += scope_counts.accounted_bytes
        self._touched.add(scope_counts)
        return scope_counts
