"""Requests whose counts several processes would have to share, without a store."""

from __future__ import annotations

from collections.abc import Mapping

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import Decision, MatchResult

REFUSAL = (
    "mockllm: this server has several processes and no store, so it has no sessions; start it with --store, or with "
    "redis-server or valkey-server installed."
)


class NoStore:
    """Refuses requests that need shared counts. Rules that count were refused at the start: only sessions remain."""

    async def decide(self, claim: MatchResult, request: Request) -> Decision | Failure:
        return Failure("bad_request", 400, REFUSAL)

    def status(self) -> str | None:
        return None

    @property
    def counts(self) -> Mapping[str, tuple[int, int]]:
        """The tries and turns of each key that were decided elsewhere: none."""
        return {}

    def close(self) -> None: ...
