"""Counts in memory that several processes of one machine share: a number for each cell.

A lock of the kernel on the first byte of the memory's file (POSIX, `fcntl`) makes a change of several cells one step.
The kernel frees the lock of a process that is killed. Such a lock belongs to a process and not to a thread, so the
prompt caches, which other threads write, lock another byte.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from mockllm.state.shared_prompt_caches import TABLE_BYTES

CELLS: Final = 1 << 18
"""How many cells there are. Unused ones take no memory."""
_SIZE: Final = 8
"""Bytes of a cell."""
_LOCKED_BYTES: Final = 1
COUNT_BYTES: Final = CELLS * _SIZE
"""Bytes of all cells. The table of prompt caches is after them in the same file."""


class SharedCounts:
    """The cells. Processes with the same file descriptor share them."""

    def __init__(self, fd: int | None = None) -> None:
        """Map the memory behind a descriptor, or create it."""
        if fd is None:
            fd = _anonymous_file()
            os.ftruncate(fd, COUNT_BYTES + TABLE_BYTES)
        self.fd = fd
        self._memory = mmap.mmap(fd, COUNT_BYTES)
        self._cells = memoryview(self._memory).cast("Q")
        from fcntl import LOCK_EX, LOCK_UN, lockf  # POSIX only

        self._lockf, self._lock, self._unlock = lockf, LOCK_EX, LOCK_UN

    def add(self, cells: Sequence[int]) -> list[int]:
        """Add one to each of different cells. Return the values before, which no other process gets."""
        values = self._cells
        before = []
        self._lockf(self.fd, self._lock, _LOCKED_BYTES)
        try:
            for cell in cells:
                value = values[cell]
                values[cell] = value + 1
                before.append(value)
            return before
        finally:
            self._lockf(self.fd, self._unlock, _LOCKED_BYTES)

    def advance(self, cell: int, number: int) -> int:
        """Add a number to a cell. Return the value before: no other process gets this value or those up to the new
        one."""
        values = self._cells
        self._lockf(self.fd, self._lock, _LOCKED_BYTES)
        try:
            before = values[cell]
            values[cell] = before + number
            return before
        finally:
            self._lockf(self.fd, self._unlock, _LOCKED_BYTES)

    @contextmanager
    def locked(self) -> Iterator[memoryview]:
        """Yield the cells, which no other process changes meanwhile."""
        self._lockf(self.fd, self._lock, _LOCKED_BYTES)
        try:
            yield self._cells
        finally:
            self._lockf(self.fd, self._unlock, _LOCKED_BYTES)

    def view(self, cell: int) -> memoryview:
        """Return one cell, which a single process writes: this takes a quarter of the time of `counts[cell] = …`."""
        return self._cells[cell : cell + 1]

    def __getitem__(self, cell: int) -> int:
        return self._cells[cell]

    def __setitem__(self, cell: int, value: int) -> None:
        self._cells[cell] = value

    def close(self) -> None:
        self._cells.release()
        self._memory.close()
        os.close(self.fd)


def _anonymous_file() -> int:
    """Return the descriptor of a file without a name."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("mockllm counts")
    with tempfile.TemporaryFile() as file:  # macOS has no memfd
        return os.dup(file.fileno())


class CellTable:
    """Which cell counts which key. The supervisor assigns cells, and sends the table to all workers."""

    REQUEST_NUMBER: Final = 0
    """The number of the next request without a session, in the global scope."""
    SERVED: Final = 1
    """The first of the cells in which each worker notes how many requests it has served."""
    MAX_WORKERS: Final = 1023
    FIRST: Final = SERVED + MAX_WORKERS
    """The first cell of a key."""

    def __init__(self, counts: SharedCounts) -> None:
        self._counts = counts
        self._free: list[int] = []
        self._next = self.FIRST
        self.cells: dict[str, int] = {}

    def assign(self, keys: Sequence[str]) -> dict[str, int]:
        """Return a table with these keys and those of the table before. New ones begin at zero."""
        table = dict(self.cells)
        for key in keys:
            if key not in table:
                cell = self._free.pop() if self._free else self._next
                self._next += cell == self._next
                self._counts[cell] = 0
                table[key] = cell
        return table

    def use(self, table: dict[str, int], keys: frozenset[str]) -> None:
        """Keep of a table these keys. The cells of all others are free."""
        free = [cell for key, cell in (table | self.cells).items() if key not in keys]
        self._free += sorted(set(free))
        self.cells = {key: table[key] for key in keys}

    def totals(self) -> dict[str, int]:
        return {key: self._counts[cell] for key, cell in self.cells.items()}

    def clear(self) -> None:
        """Set all counts to zero."""
        for cell in (self.REQUEST_NUMBER, *self.cells.values()):
            self._counts[cell] = 0
