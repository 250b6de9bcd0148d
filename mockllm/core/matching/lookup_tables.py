"""Tables that find all rows whose condition a value meets: by prefix, by the literals in a text, by the thresholds
below a number. A lookup costs about the same for ten rows as for ten thousand.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Generic, TypeVar

from mockllm.core.matching.bitsets import Rows, packed, unpacked
from mockllm.core.matching.conditions import Operator

K = TypeVar("K")

_MAX_SCANNED: Final = 4
"""Up to this number of literals are searched one by one; more of them by an automaton."""
_STEP: Final = 2
"""The distance between thresholds for which the mask of all smaller ones is stored."""


class Table(Generic[K]):
    """Rows by key: lists while the table is built, then packed."""

    def __init__(self) -> None:
        self._lists: dict[K, list[int]] = {}
        self._rows: dict[K, Rows] = {}

    def __bool__(self) -> bool:
        return bool(self._lists)

    def __iter__(self) -> Iterator[K]:
        return iter(self._lists)

    def add(self, key: K, row: int) -> None:
        rows = self._lists.setdefault(key, [])
        if not rows or rows[-1] != row:
            rows.append(row)

    def build(self, size: int) -> None:
        self._rows = {key: packed(rows, size) for key, rows in self._lists.items()}

    def find(self, key: K) -> int:
        rows = self._rows.get(key)
        return 0 if rows is None else unpacked(rows)


class Affixes(Table[str]):
    """Rows by the affix of a text: its prefix, or with `ends` its suffix."""

    def __init__(self, ends: bool = False) -> None:
        super().__init__()
        self._ends = ends
        self._lengths: list[int] = []

    def build(self, size: int) -> None:
        super().build(size)
        self._lengths = sorted({len(affix) for affix in self._rows})

    def find(self, key: str) -> int:
        mask = 0
        for length in self._lengths:
            if length > len(key):
                break
            rows = self._rows.get(key[-length:] if self._ends else key[:length])
            if rows is not None:
                mask |= unpacked(rows)
        return mask


class Literals(Table[str]):
    """Rows by a text within a text."""

    _occurrences: Callable[[str], Iterable[tuple[int, int]]] | None = None
    """Returns the end and the number of each literal that occurs in a text."""
    _in_order: tuple[Rows, ...] = ()

    def build(self, size: int) -> None:
        super().build(size)
        if len(self._rows) <= _MAX_SCANNED:
            return
        from ahocorasick import Automaton

        automaton = Automaton()
        for number, literal in enumerate(self._rows):
            automaton.add_word(literal, number)
        automaton.make_automaton()
        self._occurrences = automaton.iter
        self._in_order = tuple(self._rows.values())

    def find(self, key: str) -> int:
        mask = 0
        if self._occurrences is None:
            for literal, rows in self._rows.items():
                if literal in key:
                    mask |= unpacked(rows)
        else:
            for _, number in self._occurrences(key):
                rows = self._in_order[number]
                if isinstance(rows, int):
                    mask |= rows
                else:
                    for row in rows:
                        mask |= 1 << row
        return mask


class Thresholds:
    """Rows by a number that a value must exceed. `side` returns how many of the sorted numbers the value exceeds.
    `sign` -1 reverses the order, for values that must be lower."""

    def __init__(self, side: Callable[[list[float], float], int], sign: int) -> None:
        self._side = side
        self._sign = sign
        self._pairs: list[tuple[float, int]] = []
        self._numbers: list[float] = []
        self._before: list[int] = []

    def __bool__(self) -> bool:
        return bool(self._pairs)

    def add(self, number: float, row: int) -> None:
        if number == number:  # NaN exceeds nothing
            self._pairs.append((self._sign * number, row))

    def build(self, size: int) -> None:
        self._pairs.sort()
        self._numbers = [number for number, _ in self._pairs]
        data = bytearray((size + 7) // 8)
        self._before.append(0)
        for count, (_, row) in enumerate(self._pairs, 1):
            data[row >> 3] |= 1 << (row & 7)
            if not count % _STEP:
                self._before.append(int.from_bytes(data, "little"))

    def find(self, value: float) -> int:
        exceeded = self._side(self._numbers, self._sign * value)
        step, rest = divmod(exceeded, _STEP)
        mask = self._before[step]
        for at in range(exceeded - rest, exceeded):
            mask |= 1 << self._pairs[at][1]
        return mask


def thresholds() -> dict[Operator, Thresholds]:
    """Return an empty table for each comparison."""
    return {
        "gt": Thresholds(bisect_left, 1),
        "gte": Thresholds(bisect_right, 1),
        "lt": Thresholds(bisect_left, -1),
        "lte": Thresholds(bisect_right, -1),
    }
