"""How many connections each client address has in all workers, in memory that they share.

Each worker writes a part of the memory that no other one writes, so that no lock is needed. Its supervisor clears the
part of a worker that has ended.
"""

from __future__ import annotations

import mmap
import os
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from mockllm.state.shared_counts import COUNT_BYTES
from mockllm.state.shared_prompt_caches import TABLE_BYTES

OFFSET: Final = COUNT_BYTES + TABLE_BYTES
"""Where the memory begins in the file of the shared counts."""
SETS: Final = 512
"""Sets of places. An address has one place of each worker, in the set of its hash."""
WAYS: Final = 8
"""Places of one worker in a set. The connections of further addresses are counted by each worker alone."""
_SIZE: Final = 8
"""Bytes of a hash, and of a count."""


class SharedConnections:
    """The connections of all workers. `index` is that of this worker, from 0."""

    def __init__(self, fd: int, workers: int, index: int = 0) -> None:
        """Map the memory behind the descriptor of the shared counts. Its file becomes as long as needed."""
        self._width = workers * WAYS
        self._first = index * WAYS
        size, unit = SETS * self._width * _SIZE, mmap.ALLOCATIONGRANULARITY
        self._size = -(-size // unit) * unit
        if os.fstat(fd).st_size < OFFSET + 2 * self._size:
            os.ftruncate(fd, OFFSET + 2 * self._size)
        self._hashes = mmap.mmap(fd, self._size, offset=OFFSET)
        self._memory = mmap.mmap(fd, self._size, offset=OFFSET + self._size)
        self._counts = memoryview(self._memory).cast("Q")

    def total(self, address: str, count: int) -> int:
        """Note how many connections of an address this worker has. Return how many all workers have. Of two workers
        that add one at the same time, at least one gets the sum of both."""
        number, hashed = _hash(address)
        start = number % SETS * self._width
        own = self._own_place(hashed, start + self._first)
        if own is None:
            return count
        self._hashes[own * _SIZE : (own + 1) * _SIZE] = hashed
        self._counts[own] = count
        total, place = 0, self._found(hashed, start, start + self._width)
        while place is not None:
            total += self._counts[place]
            place = self._found(hashed, place + 1, start + self._width)
        return total

    def clear(self, index: int) -> None:
        """Forget the connections of a worker that has ended."""
        for place in range(index * WAYS, SETS * self._width, self._width):
            self._memory[place * _SIZE : (place + WAYS) * _SIZE] = bytes(WAYS * _SIZE)

    def _own_place(self, hashed: bytes, first: int) -> int | None:
        """Return this worker's place of an address, or a free one; None if there is none."""
        found = self._found(hashed, first, first + WAYS)
        if found is not None:
            return found
        return next((place for place in range(first, first + WAYS) if not self._counts[place]), None)

    def _found(self, hashed: bytes, first: int, end: int) -> int | None:
        """Return the next place with a hash."""
        at = self._hashes.find(hashed, first * _SIZE, end * _SIZE)
        return None if at < 0 else at // _SIZE


@lru_cache(1024)
def _hash(address: str) -> tuple[int, bytes]:
    """Return the hash of an address as a number and as bytes. That of Python differs between processes."""
    hashed = blake2b(address.encode(), digest_size=_SIZE).digest()
    return int.from_bytes(hashed, "little"), hashed
