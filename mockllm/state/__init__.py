"""Counts of rules and modifiers: the only thing about them that changes. In memory by default."""

from __future__ import annotations

from typing import Protocol

from mockllm.core.claim import Claim, Settled


class State(Protocol):
    """One protocol for memory and, later, a shared store."""

    def settle(self, claim: Claim) -> Settled:
        """Decide and count, in one atomic act."""

    def peek(self, claim: Claim) -> Settled:
        """Decide as `settle` would, and count nothing."""

    def keep(self, keys: frozenset[str]) -> None:
        """Forget the counts of every other key: rules that are gone or were changed."""
