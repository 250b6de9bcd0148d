"""All sessions in this process's memory: what each counts and remembers, for as long as it is used.

A session is made when it is first named, and ends when it has not been used for a while or too many others
came after it; all that was kept of it goes then. The one that requests without a session share never ends.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from typing import Final

from mockllm.core.request.stored_responses import ResponseLookup, StoreUpdate
from mockllm.core.selection.decision import Decision, MatchResult
from mockllm.state.response_store import ResponseStore
from mockllm.state.scope_state import ScopeState
from mockllm.state.session_counters import CAPACITY, SessionCounters

MOST: Final = 1000
"""How many sessions there are at most."""
SCOPES: Final = 1000
"""How many scopes of one session are counted, so that all of them together are bounded."""
NAMED: Final = 3
"""So many ids at most stand in a line about sessions that ended."""


class Session:
    """One session. `seed`: in place of the server's own, for all of its requests; it may be set at any time,
    and goes with the session. `used`: when it was used last, in seconds since the epoch."""

    __slots__ = ("counts", "recall", "seed", "used")

    def __init__(self, recall: ResponseLookup) -> None:
        self.counts = SessionCounters(SCOPES)
        self.recall = recall
        self.seed: int | None = None
        self.used = 0.0


class Sessions:
    """See `State`. At most so many (`most`) sessions are kept beside the shared one, and each for as many seconds
    as nobody uses it (`unused`). `say` is given a line about those that ended."""

    def __init__(
        self,
        capacity: int = CAPACITY,
        *,
        most: int = MOST,
        unused: float = inf,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.shared = SessionCounters(capacity)
        self._remembered = ResponseStore()
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        """By id; the one that was not used for the longest time first."""
        self._most = most
        self.unused = unused
        self._say = say
        self.ended: list[Callable[[Sequence[str]], None]] = []
        """Told of the ids of sessions that ended."""

    def session(self, id: str, now: float) -> Session:
        found = self._sessions.get(id)
        if found is not None and found.used + self.unused > now:
            self._sessions.move_to_end(id)
        self.expire(now)
        found = self._of(id)
        found.used = now
        return found

    def decide(self, claim: MatchResult) -> Decision:
        return self._counts(claim.session).decide(claim)

    def preview(self, claim: MatchResult) -> Decision:
        return self._counts(claim.session).preview(claim)

    def tally(self, session: str, keys: Sequence[str]) -> int:
        return self._counts(session).tally(session, keys)

    def keep(self, keys: frozenset[str]) -> None:
        self.shared.keep(keys)
        for each in self._sessions.values():
            each.counts.keep(keys)

    def totals(self) -> Mapping[str, Sequence[int]]:
        """The tries and turns of each key, of all sessions and scopes together."""
        found: dict[str, list[int]] = {}
        for scope in self._scopes():
            for key, (tries, turns) in scope.all_counts().items():
                total = found.setdefault(key, [0, 0])
                total[0] += tries
                total[1] += turns
        return found

    def reset(self) -> None:
        """Forgets all sessions, and all that was counted."""
        self._forget(list(self._sessions))
        self._remembered.end("")
        self.shared.clear()

    def reset_limits(self, keys: frozenset[str] | None = None) -> None:
        """Gives back what was used of limits: of all, or of the modifiers with these keys."""
        for scope in self._scopes():
            scope.forget_accounts(keys)

    def _scopes(self) -> Iterator[ScopeState]:
        for memory in (self.shared, *(each.counts for each in self._sessions.values())):
            yield from memory.scopes()

    def recall(self, session: str) -> ResponseLookup:
        return self._remembered.recall(session)

    def remember(self, session: str, memo: StoreUpdate) -> None:
        self._remembered.remember(session, memo)

    def held(self) -> Mapping[str, Session]:
        """All sessions but the shared one by id, the one that was not used for the longest time first."""
        return dict(self._sessions)

    def end(self, id: str) -> bool:
        """Forgets all that was kept of a session; whether there was one of this id."""
        found = id in self._sessions
        if found:
            self._forget([id])
        return found

    def __len__(self) -> int:
        """How many sessions there are beside the shared one."""
        return len(self._sessions)

    def _counts(self, session: str) -> SessionCounters:
        return self._of(session).counts if session else self.shared

    def _of(self, id: str) -> Session:
        found = self._sessions.get(id)
        if found is None:
            if len(self._sessions) >= self._most:
                oldest = next(iter(self._sessions))
                self._end([oldest], f"there are more than {self._most}")
            found = self._sessions[id] = Session(self._remembered.recall(id))
        return found

    def expire(self, now: float) -> None:
        """Ends the sessions that nobody has used for too long, `now` in seconds since the epoch."""
        ended = []
        for id, each in self._sessions.items():
            if each.used + self.unused > now:
                break
            ended.append(id)
        if ended:
            self._end(ended, f"not used for {self.unused:g} s")

    def _forget(self, ids: Sequence[str]) -> None:
        for id in ids:
            del self._sessions[id]
            self._remembered.end(id)
        for hear in self.ended if ids else ():
            hear(ids)

    def _end(self, ids: Sequence[str], why: str) -> None:
        self._forget(ids)
        if self._say is not None:
            more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
            one = len(ids) == 1
            self._say(
                f"session{'s' * (not one)} {', '.join(ids[:NAMED])}{more} ended: {why}; "
                f"{'it begins' if one else 'they begin'} anew when {'it is' if one else 'they are'} named again"
            )
