"""A cache with a bound, since clients choose its keys."""

from __future__ import annotations

from collections.abc import Hashable
from threading import Lock
from typing import TypeVar

T = TypeVar("T")


class BoundedCache(dict[Hashable, T]):
    """A dictionary of bounded size; the oldest entry is evicted first. Write with `put`, read as any dictionary."""

    def __init__(self, max_size: int) -> None:
        super().__init__()
        self._free = max_size
        self._sizes: dict[Hashable, int] = {}
        self._lock = Lock()

    def put(self, key: Hashable, value: T, size: int = 1) -> None:
        """Store a value as the newest. Several threads may put: the event loop, and those that read and plan."""
        with self._lock:
            self._drop(key)
            self[key] = value
            self._sizes[key] = size
            self._free -= size
            while self._free < 0:
                self._drop(next(iter(self)))

    def _drop(self, key: Hashable) -> None:
        self.pop(key, None)
        self._free += self._sizes.pop(key, 0)
