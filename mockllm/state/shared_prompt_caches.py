"""Prompt caches in memory that several processes of one machine share: a table of hashes with their times.

The table has a fixed size. A hash has one of eight places; a new one replaces the entry there that ends first. The
last prompts of conversations, which only notes in the log need, are those of each process.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Sequence
from typing import Final

from mockllm.core.prompt_cache.lookup import CacheWrite
from mockllm.state.prompt_caches import PromptCaches

ENTRIES: Final = 1 << 17
WAYS: Final = 8
"""The places that an entry may have."""
_FIELDS: Final = 4
"""Numbers of 8 bytes: the key, the lifetime, the end, the end in any case."""
TABLE_BYTES: Final = ENTRIES * _FIELDS * 8


class SharedPromptCaches(PromptCaches):
    """The prompt caches of all processes that have mapped the same memory."""

    def __init__(self, fd: int, offset: int) -> None:
        """Map the table behind a descriptor. A lock of the kernel on its first byte guards the changes."""
        super().__init__()
        self._fd, self._offset = fd, offset
        self._memory = mmap.mmap(fd, TABLE_BYTES, offset=offset)
        self._keys = memoryview(self._memory).cast("Q")
        self._times = memoryview(self._memory).cast("d")
        from fcntl import LOCK_EX, LOCK_UN, lockf  # POSIX only

        self._lockf, self._exclusive, self._unlock = lockf, LOCK_EX, LOCK_UN

    def __len__(self) -> int:
        return sum(key != 0 for key in self._keys[: ENTRIES * _FIELDS : _FIELDS].tolist())

    def known(self, scenario_time: float) -> Callable[[bytes], bool]:
        find, times = self._find, self._times

        def lasts(key: bytes) -> bool:
            place = find(_number(key))
            return place is not None and times[place + 2] > scenario_time

        return lasts

    def write(self, writes: Sequence[CacheWrite], scenario_time: float) -> None:
        with self._lock:
            self._lockf(self._fd, self._exclusive, 1, self._offset)
            try:
                for entry in writes:
                    self._write(entry, scenario_time)
            finally:
                self._lockf(self._fd, self._unlock, 1, self._offset)

    def clear(self) -> None:
        super().clear()
        self._memory[:] = bytes(TABLE_BYTES)

    def close(self) -> None:
        """Unmap the table."""
        self._keys.release()
        self._times.release()
        self._memory.close()

    def _write(self, entry: CacheWrite, scenario_time: float) -> None:
        number, times = _number(entry.key), self._times
        place = self._find(number)
        lifetime, last = entry.lifetime, scenario_time + entry.max_lifetime
        if place is None:
            place = min(self._places(number), key=lambda free: times[free + 2])
        elif times[place + 2] > scenario_time:
            lifetime, last = max(lifetime, times[place + 1]), times[place + 3]
        self._keys[place] = number
        times[place + 1], times[place + 2], times[place + 3] = (
            lifetime,
            min(scenario_time + lifetime, last),
            last,
        )

    def _find(self, number: int) -> int | None:
        """Return the place of an entry; None without one."""
        keys = self._keys
        return next((place for place in self._places(number) if keys[place] == number), None)

    def _places(self, number: int) -> range:
        start = number % (ENTRIES // WAYS) * WAYS * _FIELDS
        return range(start, start + WAYS * _FIELDS, _FIELDS)


def _number(key: bytes) -> int:
    """Return a key as a number other than 0, which marks an empty place. A key ends with a hash, and so does its
    scope."""
    return (int.from_bytes(key[-8:]) ^ int.from_bytes(key[:8])) or 1
