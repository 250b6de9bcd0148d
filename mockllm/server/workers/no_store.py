"""Requests whose counts several processes would have to share, without a store."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.core.request.stored_responses import StoreUpdate
from mockllm.core.selection.decision import Decision, MatchResult
from mockllm.state.shared_sessions import LookupInStore, LookupResult, SharedSessions

REFUSAL = (
    "mockllm: this server has several processes and no store, so it has no {}; start it with --store, or "
    "with redis-server or valkey-server installed, and the packages of the extra redis."
)


class NoStore:
    """Refuses requests that need sessions or stored responses. Rules that count were refused at the start."""

    def __init__(self, state: SharedSessions) -> None:
        state.remember_in_store = self._forget

    async def decide(self, matched: MatchResult, request: Request) -> Decision | Failure:
        return Failure("bad_request", 400, REFUSAL.format("sessions"))

    async def look_up(self, lookup: LookupInStore) -> LookupResult | Failure:
        """Return that a call is unknown. Refuse a request that refers to a stored response."""
        if lookup.key[0] == "call":
            return None
        return Failure("bad_request", 400, REFUSAL.format("stored responses"))

    def _forget(self, session: str, update: StoreUpdate) -> None:
        """Store nothing: another process could not find it."""

    def take_unconfirmed(self) -> Awaitable[Failure | None] | None:
        return None

    def status(self) -> str | None:
        return None

    @property
    def counts(self) -> Mapping[str, tuple[int, int]]:
        """The tries and turns of each key that were decided elsewhere: none."""
        return {}

    def close(self) -> None: ...
