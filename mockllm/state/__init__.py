"""What changes while a server runs: counts of rules and modifiers, and what it remembers of its answers. In
memory by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from mockllm.core.request.stored_responses import ResponseLookup, StoreUpdate
from mockllm.core.selection.decision import Decision, MatchResult


class SessionView(Protocol):
    """What is kept of one session. `seed` stands in place of the server's own, for all of its requests; `used` is
    when it was used last, in seconds since the epoch."""

    seed: int | None
    used: float

    @property
    def recall(self) -> ResponseLookup:
        """What is remembered of it."""


class Counters(Protocol):
    """Where a request is counted that needs no decision."""

    def tally(self, session: str, keys: Sequence[str]) -> int:
        """The number of a request that needs no decision: all of these (hashable) apply, in the global scope,
        and none has a guard. As if they had been settled."""


class State(Counters, Protocol):
    """One protocol for memory and, later, a shared store. A session is named by its id, the one that requests
    without a session share by an empty text."""

    unused: float
    """Seconds after which a session ends that nobody uses."""
    ended: list[Callable[[Sequence[str]], None]]
    """Told of the ids of sessions that ended."""

    @property
    def shared(self) -> Counters:
        """The short way to tally for the shared session."""

    def session(self, id: str, now: float) -> SessionView:
        """A session, which is used now (seconds since the epoch); fresh where there is none of this id, or it
        has ended."""

    def held(self) -> Mapping[str, SessionView]:
        """All sessions but the shared one by id, the one that was not used for the longest time first."""

    def end(self, id: str) -> bool:
        """Forgets all that was kept of a session; whether there was one of this id."""

    def expire(self, now: float) -> None:
        """Ends the sessions that nobody has used for too long."""

    def decide(self, claim: MatchResult) -> Decision:
        """Decide and count, in one atomic act."""

    def preview(self, claim: MatchResult) -> Decision:
        """Decide as `settle` would, and count nothing."""

    def keep(self, keys: frozenset[str]) -> None:
        """Forget the counts of every other key: rules that are gone or were changed."""

    def totals(self) -> Mapping[str, Sequence[int]]:
        """The tries and turns of each key, of all sessions and scopes together."""

    def reset(self) -> None:
        """Forget all sessions, and all that was counted."""

    def reset_limits(self, keys: frozenset[str] | None = None) -> None:
        """Give back what was used of limits: of all, or of the modifiers with these keys."""

    def recall(self, session: str) -> ResponseLookup:
        """What is remembered of a session."""

    def remember(self, session: str, memo: StoreUpdate) -> None:
        """Remember this of an answer in the session."""
