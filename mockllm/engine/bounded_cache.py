"""What is kept by what was asked for. Clients choose what they ask for, so it is bounded."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

T = TypeVar("T")


class BoundedCache(dict[Hashable, T]):
    """As much as there is room for; the oldest goes first. Keep with `put`, look up as in any dictionary."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = room
        self._sizes: dict[Hashable, int] = {}

    def put(self, key: Hashable, value: T, size: int = 1) -> None:
        """Keeps it as the newest."""
        self._drop(key)
        self[key] = value
        self._sizes[key] = size
        self._room -= size
        while self._room < 0:
            self._drop(next(iter(self)))

    def _drop(self, key: Hashable) -> None:
        self.pop(key, None)
        self._room += self._sizes.pop(key, 0)
