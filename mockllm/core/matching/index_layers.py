"""The layers of the rule index: a layer has at most one condition of each row, on one field, for all rows at once.

A row's further conditions on the same field are in further layers. A lookup in a layer returns the rows that
may still match. These are the rows whose condition is or may be met, and the rows without a condition in the layer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Final, TypeAlias

from mockllm.core.json.codec import MISSING, Json, Missing
from mockllm.core.json.jsonpath import JsonPath
from mockllm.core.matching.bitsets import mask_of, positions
from mockllm.core.matching.conditions import Condition
from mockllm.core.matching.field_index import FieldIndex
from mockllm.core.matching.fields import Field
from mockllm.core.request.request import Request

NumberedConditions: TypeAlias = list[tuple[int, Condition]]

MAX_CACHED_VALUES: Final = 512
"""The number of combinations of values of joined small fields whose rows are cached."""
MAX_CACHED_LENGTH: Final = 256
"""Longer values are not cached: the client chooses them."""
MAX_CACHED_NAMES: Final = 4_096
"""The most names, and characters of them, whose rows are cached."""
_MAX_FEW_ROWS: Final = 4
"""Up to this number of conditions on a key are checked one by one."""
_MAX_PATHS: Final = 8
"""Up to this number of paths are evaluated one by one."""


class Layer(ABC):
    """A layer: add all conditions, exhaust `build`, then call `lookup`."""

    rows_with_condition: int
    """The rows with a condition in the layer."""
    rows_without_condition: int
    """The rows without one."""
    inexact: frozenset[int]
    """The rows whose condition must be checked after a lookup has found them."""

    @abstractmethod
    def add(self, row: int, field: Field, condition: Condition) -> None:
        """Add the row's condition."""

    @abstractmethod
    def build(self, size: int) -> Iterator[None]:
        """Build the tables for rows below `size`, in small steps."""

    @abstractmethod
    def lookup(self, request: Request) -> int:
        """Return the rows that may still match."""

    def _set_rows(self, rows: list[int], size: int) -> None:
        self.rows_with_condition = mask_of(rows, size)
        self.rows_without_condition = ((1 << size) - 1) ^ self.rows_with_condition


class ValueLayer(Layer):
    """A field with one value (also a path into the body that may have several nodes)."""

    def __init__(self, field: Field) -> None:
        self.name = field.name
        self.read = field.read
        self._may_be_list = field.info.kind in ("json", "set")
        self._pairs: NumberedConditions = []

    def add(self, row: int, field: Field, condition: Condition) -> None:
        self._pairs.append((row, condition))

    def build(self, size: int) -> Iterator[None]:
        self._set_rows([row for row, _ in self._pairs], size)
        self._index = FieldIndex(self._may_be_list)
        self.inexact = yield from _filled(self._index, self._pairs, size)

    def lookup(self, request: Request) -> int:
        value = self.read(request)
        if type(value) is str:
            return self.rows_without_condition | self._index.lookup_text(value)
        return self.rows_without_condition | self._index.lookup(value)


class SmallLayer(ValueLayer):
    """A field with few different values: every condition is decided, so that a `JoinedLayer` can cache the rows."""

    def build(self, size: int) -> Iterator[None]:
        yield from super().build(size)
        self._inexact_mask = mask_of(sorted(self.inexact), size)
        self._conditions = {row: condition for row, condition in self._pairs if row in self.inexact}
        self.inexact = frozenset()

    def lookup(self, request: Request) -> int:
        value = self.read(request)
        mask = self.rows_without_condition | self._index.lookup(value)
        for row in positions(mask & self._inexact_mask):
            if not self._conditions[row].matches(value):
                mask ^= 1 << row
        return mask


class ToolNamesLayer(ValueLayer):
    """The names of the tools, which agents send with each request: the rows of a tuple of names are cached."""

    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self._cache: dict[tuple[str, ...], int] = {}

    def lookup(self, request: Request) -> int:
        names = request.tool_names
        mask = self._cache.get(names)
        if mask is None:
            mask = super().lookup(request)
            if len(self._cache) >= MAX_CACHED_VALUES:
                self._cache.clear()
            if len(names) + sum(map(len, names)) <= MAX_CACHED_NAMES:  # names may be empty
                self._cache[names] = mask
        return mask


class JoinedLayer:
    """Layers of small fields with one lookup: the rows of all their values together are cached."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        small = [layer for layer in layers if isinstance(layer, SmallLayer)]
        assert len(small) == len(layers)
        self._layers = small
        names = dict.fromkeys((*(layer.name for layer in small), "generates", "dialect"))
        # of one name, attrgetter would return no tuple: one of the two names above is then read in addition
        count = max(2, len({layer.name for layer in small}))
        self._values = attrgetter(*list(names)[:count])
        self._cache: dict[tuple[object, ...], int] = {}
        self.rows_with_condition = 0
        for layer in small:
            self.rows_with_condition |= layer.rows_with_condition

    def lookup(self, request: Request) -> int:
        values = self._values(request)
        mask = self._cache.get(values)
        if mask is None:
            mask = -1
            for layer in self._layers:
                mask &= layer.lookup(request)
            if all(len(value) <= MAX_CACHED_LENGTH for value in values if type(value) is str):
                if len(self._cache) >= MAX_CACHED_VALUES:
                    self._cache.clear()
                self._cache[values] = mask
        return mask


class LinearFieldIndex:
    """A few conditions, which are checked one by one faster than by an index."""

    __slots__ = ("_pairs", "rows_met_by_missing")

    def __init__(self, pairs: NumberedConditions) -> None:
        self._pairs = tuple(pairs)
        self.rows_met_by_missing = self.lookup(MISSING)

    def lookup(self, value: Json | Missing) -> int:
        mask = 0
        for row, condition in self._pairs:
            if condition.matches(value):
                mask |= 1 << row
        return mask


class KeyedLayer(Layer):
    """Headers, query parameters, the fields of a form, or the values of `mcp` of a call to an MCP server.

    Only names that both the request and the layer have are read."""

    def __init__(self, field: Field) -> None:
        self._name = field.name
        self._pairs: dict[str, NumberedConditions] = {}
        self._indexes: dict[str, FieldIndex | LinearFieldIndex] = {}

    def add(self, row: int, field: Field, condition: Condition) -> None:
        self._pairs.setdefault(str(field.key), []).append((row, condition))

    def build(self, size: int) -> Iterator[None]:
        self._set_rows([row for pairs in self._pairs.values() for row, _ in pairs], size)
        self._absent = self.rows_without_condition
        inexact: set[int] = set()
        for key, pairs in self._pairs.items():
            index, inexact_rows = yield from _index_of(pairs, size)
            self._indexes[key] = index
            self._absent |= index.rows_met_by_missing
            inexact |= inexact_rows
        self.inexact = frozenset(inexact)

    def lookup(self, request: Request) -> int:
        values: Mapping[str, str] = getattr(request, self._name)
        mask = self._absent
        for key in self._common(values):
            mask = _apply(mask, self._indexes[key], values.get(key, MISSING))
        return mask

    def _common(self, values: Mapping[str, str]) -> Iterator[str]:
        if len(self._indexes) <= len(values):
            return (key for key in self._indexes if key in values)
        if self._name == "headers":
            return (key for key in map(str.lower, values) if key in self._indexes)
        return (key for key in values if key in self._indexes)


def _apply(mask: int, index: FieldIndex | LinearFieldIndex, value: Json | Missing) -> int:
    """Return the mask for the value of a key. Before, the mask is that of a missing value."""
    if index.rows_met_by_missing:
        mask &= ~index.rows_met_by_missing
    return mask | index.lookup(value)


class _Node:
    """A node of a trie of paths into the body."""

    __slots__ = ("children", "index")

    def __init__(self) -> None:
        self.children: dict[str | int, _Node] = {}
        self.index: FieldIndex | LinearFieldIndex | None = None


class BodyLayer(Layer):
    """Singular paths into the body, or into a part of a call to an MCP server.

    A few are evaluated one by one, many by a trie, as far as the body has them."""

    def __init__(self, field: Field) -> None:
        self._part = None if field.name == "body" else field.name
        self._pairs: dict[tuple[str | int, ...], NumberedConditions] = {}
        self._paths: dict[tuple[str | int, ...], JsonPath] = {}
        self._few: list[tuple[JsonPath, FieldIndex | LinearFieldIndex]] = []
        self._root = _Node()

    def add(self, row: int, field: Field, condition: Condition) -> None:
        assert field.path is not None
        self._paths[field.path.keys] = field.path
        self._pairs.setdefault(field.path.keys, []).append((row, condition))

    def build(self, size: int) -> Iterator[None]:
        self._set_rows([row for pairs in self._pairs.values() for row, _ in pairs], size)
        self._absent = self.rows_without_condition
        inexact: set[int] = set()
        for keys, pairs in self._pairs.items():
            index, inexact_rows = yield from _index_of(pairs, size)
            self._absent |= index.rows_met_by_missing
            inexact |= inexact_rows
            if len(self._pairs) <= _MAX_PATHS:
                self._few.append((self._paths[keys], index))
            else:
                self._add_to_trie(keys, index)
        self.inexact = frozenset(inexact)

    def _add_to_trie(self, keys: tuple[str | int, ...], index: FieldIndex | LinearFieldIndex) -> None:
        node = self._root
        for key in keys:
            node = node.children.setdefault(key, _Node())
        node.index = index

    def lookup(self, request: Request) -> int:
        body = request.body if self._part is None else request.mcp.get(self._part, MISSING)
        mask = self._absent
        if body is MISSING:
            return mask
        for path, index in self._few:
            value = path.first(body)
            if value is not MISSING:
                mask = _apply(mask, index, value)
        return mask if self._few else self._walk(body, mask)

    def _walk(self, body: Json, mask: int) -> int:
        waiting: list[tuple[_Node, Json]] = [(self._root, body)]
        while waiting:
            node, value = waiting.pop()
            index = node.index
            if index is not None:
                mask = _apply(mask, index, value)
            children = node.children
            if isinstance(value, dict):
                waiting += [(children[key], value[key]) for key in children.keys() & value.keys()]
            elif isinstance(value, list) and children:
                waiting += [(child, value[place]) for place, child in _places(children, len(value))]
        return mask


def _places(children: Mapping[str | int, _Node], length: int) -> Iterator[tuple[int, _Node]]:
    """Yield the children that are within a list of this length."""
    if len(children) <= 2 * length:
        for place, child in children.items():
            if isinstance(place, int) and -length <= place < length:
                yield place, child
    else:
        for place in range(-length, length):
            if place in children:
                yield place, children[place]


def _index_of(
    pairs: NumberedConditions, size: int
) -> Generator[None, None, tuple[FieldIndex | LinearFieldIndex, frozenset[int]]]:
    """Build the index of a key's conditions, and return it with the rows that it does not decide."""
    if len(pairs) <= _MAX_FEW_ROWS:
        yield
        return LinearFieldIndex(pairs), frozenset()
    index = FieldIndex(may_be_list=True)
    inexact = yield from _filled(index, pairs, size)
    return index, inexact


def _filled(index: FieldIndex, pairs: NumberedConditions, size: int) -> Generator[None, None, frozenset[int]]:
    inexact = []
    for number, (row, condition) in enumerate(pairs):
        if not number % 64:
            yield
        if not index.add(row, condition):
            inexact.append(row)
    yield from index.build(size)
    return frozenset(inexact)
