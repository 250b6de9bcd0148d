"""The index of one field: it stores the conditions of all rows, and finds the rows whose condition a value meets.

It decides some conditions. For others it finds the rows that may match, and the caller checks these rows one by
one. The row of a regex may match only where the text contains the regex's required literal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Final

from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.json.equality import freeze, is_deep
from mockllm.core.json.path_evaluation import TOO_LARGE
from mockllm.core.matching.bitsets import mask_of
from mockllm.core.matching.conditions import (
    AllOf,
    Compare,
    Condition,
    Contains,
    EndsWith,
    Equals,
    Exists,
    Glob,
    HasMembers,
    Length,
    Members,
    OneOf,
    Regex,
    Some,
    StartsWith,
    member,
)
from mockllm.core.matching.lookup_tables import Affixes, Literals, Table, thresholds
from mockllm.core.regex.compile import fold_case

_WILD: Final = re.compile(r"[*?\[]")


class TextTables:
    """The tables of conditions on texts; a field has a second instance for folded texts."""

    def __init__(self) -> None:
        self.equal: Table[str] = Table()
        self.starts = Affixes()
        self.ends = Affixes(ends=True)
        self.literals = Literals()
        self.finders: list[Callable[[str], int]] = []

    def build(self, size: int) -> Iterator[None]:
        for table in (self.equal, self.starts, self.ends, self.literals):
            if table:
                table.build(size)
                self.finders.append(table.find)
            yield


class FieldIndex:
    """The index of one field (or of one key of it). `may_be_list`: whether its values may be lists. Add all
    conditions, exhaust `build`, then call `lookup`."""

    def __init__(self, may_be_list: bool) -> None:
        self._may_be_list = may_be_list
        self.rows: list[int] = []
        self._exists: list[int] = []
        self._missing: list[int] = []
        self._rows_of_any_text: list[int] = []
        """Rows that are found for every text: no table has a part of their condition."""
        self._unindexed: list[int] = []
        """Rows that are found for every value that is present: no table can have their condition."""
        self._plain = TextTables()
        self._folded = TextTables()
        self._constants: Table[Hashable] = Table()
        self._nested = False
        self._thresholds = thresholds()
        self._length: FieldIndex | None = None
        self._items: FieldIndex | None = None
        self._members: dict[str, FieldIndex] = {}

    def add(self, row: int, condition: Condition) -> bool:
        """Add a row's condition. Return whether the index decides it; if not, a lookup finds all rows that may
        match."""
        self.rows.append(row)
        return self._add(row, condition)

    def _add(self, row: int, condition: Condition) -> bool:
        match condition:
            case Equals():
                return self._add_equals(row, condition)
            case OneOf(parts):
                return all([self._add(row, part) for part in parts])  # noqa: C419 - every part is added
            case AllOf(parts):
                return self._add_all(row, parts)
            case Exists(expected):
                (self._exists if expected else self._missing).append(row)
                return True
            case Contains():
                return self._add_contains(row, condition)
            case StartsWith(text, ignore_case) | EndsWith(text, ignore_case):
                return self._add_affix(row, text, ignore_case, isinstance(condition, EndsWith))
            case Glob():
                return self._add_glob(row, condition)
            case Regex():
                self._add_literal(row, condition.literal or "", condition.folded)
                return False
            case Compare(op, number):
                self._thresholds[op].add(number, row)
                return True
            case _:
                return self._add_inner(row, condition)

    def _add_inner(self, row: int, condition: Condition) -> bool:
        if isinstance(condition, Length):
            self._length = self._length or FieldIndex(may_be_list=False)
            return self._length.add(row, condition.condition)
        if isinstance(condition, Some) and self._may_be_list:
            self._items = self._items or FieldIndex(may_be_list=True)
            return self._items.add(row, condition.condition)
        if isinstance(condition, Members) and condition.members:
            name = max(condition.members, key=lambda name: _selectivity(condition.members[name]))
            index = self._members.setdefault(name, FieldIndex(may_be_list=True))
            index.add(row, condition.members[name])
            return False
        self._unindexed.append(row)
        return False

    def _add_all(self, row: int, parts: Sequence[Condition]) -> bool:
        if not parts:
            self._exists.append(row)
            self._missing.append(row)
            return True
        return self._add(row, max(parts, key=_selectivity)) and len(parts) == 1

    def _add_equals(self, row: int, condition: Equals) -> bool:
        value = condition.value
        if isinstance(value, str):
            if condition.ignore_case:
                self._folded.equal.add(fold_case(value), row)
            else:
                self._plain.equal.add(value, row)
            return True
        if is_deep(value):
            self._unindexed.append(row)
            return False
        self._nested = self._nested or isinstance(value, (dict, list, tuple))
        self._constants.add(freeze(value), row)
        return True

    def _add_contains(self, row: int, condition: Contains) -> bool:
        decided = True
        if isinstance(condition.value, str):
            self._add_literal(row, condition.value, condition.ignore_case)
        if self._may_be_list:
            self._items = self._items or FieldIndex(may_be_list=True)
            decided = self._items.add(row, Equals(condition.value, condition.ignore_case))
        return decided

    def _add_literal(self, row: int, literal: str, folded: bool) -> None:
        if not literal:
            self._rows_of_any_text.append(row)
        elif folded:
            self._folded.literals.add(fold_case(literal), row)
        else:
            self._plain.literals.add(literal, row)

    def _add_affix(self, row: int, text: str, ignore_case: bool, ends: bool) -> bool:
        tables = self._folded if ignore_case else self._plain
        if not text:
            self._rows_of_any_text.append(row)
        else:
            (tables.ends if ends else tables.starts).add(fold_case(text) if ignore_case else text, row)
        return True

    def _add_glob(self, row: int, condition: Glob) -> bool:
        pattern, ignore_case = condition.pattern, condition.ignore_case
        if not _WILD.search(pattern):
            return self._add_equals(row, Equals(pattern, ignore_case))
        start = _WILD.split(pattern, maxsplit=1)[0]
        if pattern == start + "*":
            return self._add_affix(row, start, ignore_case, ends=False)
        if pattern[0] == "*" and not _WILD.search(pattern[1:]):
            return self._add_affix(row, pattern[1:], ignore_case, ends=True)
        if pattern[-1] == "*" == pattern[0] and not _WILD.search(pattern[1:-1]):
            self._add_literal(row, pattern[1:-1], ignore_case)
            return True
        if start:
            self._add_affix(row, start, ignore_case, ends=False)
        else:
            runs = [] if "[" in pattern else _WILD.split(pattern)
            self._add_literal(row, max(runs, key=len, default=""), ignore_case)
        return False

    def build(self, size: int) -> Iterator[None]:
        """Build the tables for rows below `size`, one table a step."""
        self.rows_met_by_missing = mask_of(self._missing, size)
        self._present = mask_of(self._exists + self._unindexed, size)
        self._mask_of_empty = mask_of(self._missing + self._unindexed, size)
        self._any_text = self._present | mask_of(self._rows_of_any_text, size)
        self.rows_with_condition = mask_of(self.rows, size)
        self._constants.build(size)
        self._has_constants = bool(self._constants)
        self._has_numbers = any(isinstance(key, (int, float)) for key in self._constants)
        self._compared = [table for table in self._thresholds.values() if table]
        for table in self._compared:
            table.build(size)
            yield
        for tables in (self._plain, self._folded):
            yield from tables.build(size)
        for index in (self._length, self._items, *self._members.values()):
            if index is not None:
                yield from index.build(size)

    def lookup(self, value: Json | Missing) -> int:
        """Return the rows whose condition the value meets, or may meet where the index does not decide."""
        if type(value) is str:
            return self.lookup_text(value)
        if value is MISSING:
            return self.rows_met_by_missing
        if isinstance(value, str):
            mask = self.lookup_text(value)
        elif isinstance(value, (list, tuple)):
            mask = self._lookup_list(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            mask = self._present
            if self._has_numbers:
                mask |= self._constants.find(value)
            for table in self._compared:
                mask |= table.find(value)
        elif value is TOO_LARGE:  # a path that visits too many nodes; it meets no condition
            return 0
        else:
            mask = self._present | self._lookup_constant(value)
        if self._length is not None and isinstance(value, (list, tuple, dict)):
            mask |= self._length.lookup(len(value))
        if self._members and isinstance(value, (dict, HasMembers)):
            mask |= self._lookup_members(value)
        return mask

    def lookup_text(self, text: str) -> int:
        """Return the result of `lookup` for a text."""
        mask = self._any_text
        for find in self._plain.finders:
            mask |= find(text)
        if self._length is not None:
            mask |= self._length.lookup(len(text))
        if self._folded.finders:
            folded = fold_case(text)
            for find in self._folded.finders:
                mask |= find(folded)
        return mask

    def _lookup_list(self, items: Sequence[Json]) -> int:
        mask = self._mask_of_empty if items == () else self._present
        if self._items is not None:
            for item in items:
                mask |= self._items.lookup(item)
        return mask | self._lookup_constant(items) if self._has_constants else mask

    def _lookup_constant(self, value: Json) -> int:
        if not self._has_constants or (not self._nested and isinstance(value, (dict, list, tuple))):
            return 0
        return self._constants.find(freeze(value))

    def _lookup_members(self, value: Mapping[str, Json] | HasMembers) -> int:
        mask = 0
        for name, index in self._members.items():
            inner = member(value, name)
            mask |= index.rows_with_condition if isinstance(inner, tuple) else index.lookup(inner)
        return mask


def _selectivity(condition: Condition) -> int:
    """Return how selective a condition probably is: the longer its literal, the more."""
    match condition:
        case Equals(value) | Contains(value) | StartsWith(value) | EndsWith(value):
            return len(value) + 1 if isinstance(value, str) else 2
        case Glob(pattern):
            return len(_WILD.sub("", pattern)) + 1
        case Regex():
            return len(condition.literal or "")
        case OneOf(parts) if parts:
            return min(map(_selectivity, parts))
        case Compare() | Exists() | Length() | OneOf():
            return 1
        case Some(inner):
            return _selectivity(inner)
        case _:
            return 0
