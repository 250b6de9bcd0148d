"""The bound on the memory of all scopes of all sessions, since clients choose sessions and scopes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, Protocol

MAX_SCOPE_BYTES: Final = 48 * 1024 * 1024
"""Total size of all scopes. In the session with the most, those that were not used for the longest time are removed
first."""


class ScopeOwner(Protocol):
    """The scopes of one session."""

    @property
    def size(self) -> int:
        """About how many bytes the scopes take."""

    def drop_older(self) -> None:
        """Remove the scopes that were not used for the longest time; a second call removes all others."""


class ScopeMemoryBound:
    """Bounds the sum of all sizes. `owners` returns all owners of scopes."""

    def __init__(
        self, owners: Callable[[], Iterable[ScopeOwner]] = tuple, max_bytes: int = MAX_SCOPE_BYTES
    ) -> None:
        self._owners = owners
        self._max_bytes = max_bytes
        self.used = 0

    def add(self, size: int) -> None:
        """Add a size. Where all scopes take more than the bound, remove scopes until they take three quarters."""
        self.used += size
        if size > 0 and self.used > self._max_bytes:
            owners = list(self._owners())
            while owners and self.used > self._max_bytes * 3 // 4:
                largest = max(owners, key=lambda owner: owner.size)
                if not largest.size:
                    break
                largest.drop_older()
