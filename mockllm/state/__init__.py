"""What changes while a server runs: counts of rules and modifiers, and what it remembers of its answers. In
memory by default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mockllm.core.claim import Claim, Settled
from mockllm.core.remembered import Memo, Recall


class State(Protocol):
    """One protocol for memory and, later, a shared store."""

    def settle(self, claim: Claim) -> Settled:
        """Decide and count, in one atomic act."""

    def peek(self, claim: Claim) -> Settled:
        """Decide as `settle` would, and count nothing."""

    def tally(self, session: str, keys: Sequence[str]) -> int:
        """The number of a request that needs no decision: all of these (hashable) apply, in the global scope,
        and none has a guard. As if they had been settled."""

    def keep(self, keys: frozenset[str]) -> None:
        """Forget the counts of every other key: rules that are gone or were changed."""

    def recall(self, session: str) -> Recall:
        """What is remembered of a session."""

    def remember(self, session: str, memo: Memo) -> None:
        """Remember this of an answer in the session."""
