"""The state of a running server: counts of rules and modifiers, and stored responses. In memory by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from mockllm.core.request.stored_responses import ResponseLookup, StoreUpdate
from mockllm.core.selection.decision import Decision, MatchResult


class SessionView(Protocol):
    """The state of one session. `seed` replaces the server's seed for all of its requests; `used` is the time
    of its last use, in seconds since the epoch."""

    seed: int | None
    used: float

    @property
    def recall(self) -> ResponseLookup:
        """The stored responses and calls of the session."""


class Counters(Protocol):
    """Counts requests that need no decision."""

    def tally(self, session: str, keys: Sequence[str]) -> int:
        """Count a request that needs no decision, and return its number. All of these keys (hashable) apply,
        in the global scope, and none has a guard. The result is the same as by `decide`."""


class State(Counters, Protocol):
    """One protocol for memory and, later, a shared store. A session is named by its id; the shared session of
    requests without an id has an empty one."""

    unused: float
    """Seconds after which an unused session ends."""
    ended: list[Callable[[Sequence[str]], None]]
    """Callbacks with the ids of sessions that ended."""

    @property
    def shared(self) -> Counters:
        """The counters of the shared session, for fast tallies."""

    def session(self, id: str, now: float) -> SessionView:
        """Return a session and record its use now (seconds since the epoch). Create it if no session has this
        id, or if it has ended."""

    def held(self) -> Mapping[str, SessionView]:
        """Return all sessions but the shared one by id, the least recently used first."""

    def end(self, id: str) -> bool:
        """Delete the state of a session; return whether it existed."""

    def expire(self, now: float) -> None:
        """End the sessions that were unused for too long."""

    def decide(self, claim: MatchResult) -> Decision:
        """Decide and count, in one atomic step."""

    def preview(self, claim: MatchResult) -> Decision:
        """Decide as `decide` would, and count nothing."""

    def keep(self, keys: frozenset[str]) -> None:
        """Delete the counts of all other keys: of removed and changed rules."""

    def totals(self) -> Mapping[str, Sequence[int]]:
        """Return the tries and turns of each key, summed over all sessions and scopes."""

    def reset(self) -> None:
        """Delete all sessions and all counts."""

    def reset_limits(self, keys: frozenset[str] | None = None) -> None:
        """Reset the use of limits: of all, or of the modifiers with these keys."""

    def recall(self, session: str) -> ResponseLookup:
        """Return the stored responses and calls of a session."""

    def remember(self, session: str, memo: StoreUpdate) -> None:
        """Store this update from a response in the session."""
