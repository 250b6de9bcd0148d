"""Which of many matchers hold for a request, in order, at the cost of a few: for rules and for modifiers.

Matchers become rows, rows' conditions layers; each layer gives a mask of the rows that may hold, and the
AND of the masks is what is left. Its result is exactly that of asking one matcher after the other.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeAlias

from mockllm.core.matching.bitsets import BitCounter, mask_of, positions
from mockllm.core.matching.conjunctions import Conjunction, FieldTest, Part, rows_of
from mockllm.core.matching.fields import FIELDS, Field
from mockllm.core.matching.index_layers import (
    BodyLayer,
    JoinedLayer,
    KeyedLayer,
    Layer,
    SmallLayer,
    ValueLayer,
)
from mockllm.core.matching.matchers import FieldMismatch, Matcher
from mockllm.core.matching.near_miss_distance import distance
from mockllm.core.request.request import Request

LAYERS: Final = 4
"""So many conditions of a row on one field are indexed; further ones are checked on what is found."""
_SEVERAL: Final = 64
"""Of so many different paths that may give several nodes there are layers."""
_LOOKED_AT: Final = 64
"""Of so many near matchers at least it is counted exactly how near they are."""
_ALIKE: Final = 320
"""Of so many at most, where all of them may be among the nearest."""
_SHORT: Final = 8192
"""Bytes of a request beyond which it is not looked at more than at least: each row would go through its texts."""

Place: TypeAlias = tuple[int, str, int]
"""Where a layer stands: the field's number, its key where it has layers of its own, the layer's number."""

_TOGETHER: Final = (
    ("method", "path", "provider", "dialect", "api", "generates", "host"),
    ("model", "stream"),
)
"""Fields of few values whose layers are joined: what the transport knows, and what most bodies begin with."""
_ORDER: Final = {name: number for number, name in enumerate(FIELDS)}


class RuleIndex:
    """An immutable index of matchers."""

    def __init__(self, matchers: Sequence[Matcher]) -> None:
        for _ in self._build(matchers):
            pass

    @classmethod
    def in_slices(cls, matchers: Sequence[Matcher]) -> Generator[None, None, RuleIndex]:
        """Builds it in steps of a millisecond or two; its value is the index. A table of thousands of
        conditions on one field, and the automaton of its literals, are a step each: 3 to 15 ms for 10,000."""
        index = cls.__new__(cls)
        yield from index._build(matchers)
        return index

    # --- building ------------------------------------------------------------------------------

    def _build(self, matchers: Sequence[Matcher]) -> Iterator[None]:
        self._matchers = tuple(matchers)
        self._owners: list[int] = []
        """Whose each bit is. The last matcher has the lowest bits."""
        self._bits_from = [0] * (len(matchers) + 1)
        """How many bits belong to each matcher and those behind it."""
        self._spans: dict[tuple[int, int], int] = {}
        self._several: set[str] = set()
        layers: dict[Place, Layer] = {}
        placed: list[list[tuple[Layer | None, Part]]] = []
        for number in reversed(range(len(matchers))):
            for row in reversed(rows_of(matchers[number])):
                placed.append(self._place(len(placed), row, layers))
                self._owners.append(number)
            self._bits_from[number] = len(placed)
            if not number % 32:
                yield
        self._all = (1 << len(placed)) - 1
        self._layers = [layers[place] for place in sorted(layers)]
        for layer in self._layers:
            yield from layer.close(len(placed))
        self._joined = _joined(layers)
        self._rest: dict[int, tuple[Part, ...]] = {}
        for bit, parts in enumerate(placed):
            rest = tuple(part for layer, part in parts if layer is None or bit in layer.unsure)
            if rest:
                self._rest[bit] = rest
            if not bit % 256:
                yield
        self._sure = mask_of([bit for bit in range(len(placed)) if bit not in self._rest], len(placed))

    def _place(
        self, bit: int, row: Conjunction, layers: dict[Place, Layer]
    ) -> list[tuple[Layer | None, Part]]:
        """Gives each leaf of a row to its layer; None stands with what no layer takes."""
        taken: Tally[tuple[int, str]] = Tally()
        placed: list[tuple[Layer | None, Part]] = []
        for part in row:
            key = self._family(part) if isinstance(part, FieldTest) else None
            if key is None or taken[key] == LAYERS:
                placed.append((None, part))
                continue
            assert isinstance(part, FieldTest)
            place = (*key, taken[key])
            layer = layers.get(place)
            if layer is None:
                layer = layers[place] = _layer_for(part.field)
            layer.add(bit, part.field, part.condition)
            taken[key] += 1
            placed.append((layer, part))
        return placed

    def _family(self, leaf: FieldTest) -> tuple[int, str] | None:
        """Which layers are the leaf's."""
        field = leaf.field
        if field.path is None or field.path.singular:
            return _ORDER[field.name], ""
        if len(self._several) < _SEVERAL:
            self._several.add(field.path.text)
        return (_ORDER[field.name], field.path.text) if field.path.text in self._several else None

    # --- finding -------------------------------------------------------------------------------

    def find(self, request: Request) -> Iterator[int]:
        """The numbers of the matchers that hold, in order; each is looked for when it is asked for."""
        return self.among(self.match_mask(request), request, 0, len(self._matchers))

    def match_mask(self, request: Request) -> int:
        """The rows that may hold, as a mask: what all layers together leave."""
        alive = self._all
        for layer in self._joined:
            # A field that none of the rows left asks for is not read.
            if alive & layer.bound:
                alive &= layer.lookup(request)
                if not alive:
                    break
        return alive

    def decided(self, hits: int) -> bool:
        """Whether a request's hits alone say which matchers hold: no condition is left to check."""
        return not hits & ~self._sure

    def among(self, hits: int, request: Request, first: int, end: int) -> Iterator[int]:
        """The numbers from `first` up to `end` of the matchers that hold, out of a request's hits."""
        last = -1
        for bit in positions(hits & self._span(first, end)):
            matcher = self._owners[bit]
            if matcher != last and self._holds(bit, request):
                yield matcher
                last = matcher

    def _span(self, first: int, end: int) -> int:
        """The mask of these matchers' rows."""
        span = self._spans.get((first, end))
        if span is None:
            span = (1 << self._bits_from[first]) - (1 << self._bits_from[end])
            self._spans = {(first, end): span, **dict(islice(self._spans.items(), 3))}
        return span

    def _holds(self, bit: int, request: Request) -> bool:
        rest = self._rest.get(bit)
        return rest is None or all(part.matches(request) for part in rest)

    def nearest(
        self, request: Request, count: int = 3, end: int | None = None
    ) -> list[tuple[int, list[FieldMismatch]]]:
        """The matchers (up to `end`) that nearly hold, with how the request differs from what each wants.
        The fewer tests fail the nearer, then the smaller the slip, then the more hold, then in order."""
        among = alive = self._span(0, len(self._matchers) if end is None else end)
        failed, held = BitCounter(), BitCounter()
        for layer in self._layers:
            mask = layer.lookup(request)
            failed.add(among & ~mask)
            held.add(mask & layer.bound)
            alive &= mask
        most = _ALIKE if len(request.raw) <= _SHORT else _LOOKED_AT
        numbers = _nearest(failed, held, among & ~(alive & self._sure), count, most, self._owners)
        ranked = sorted((*distance(self._matchers[number], request), number) for number in numbers)
        near = [number for failures, *_, number in ranked if failures]
        return [(number, self._matchers[number].differences(request)) for number in near[:count]]


def _joined(layers: Mapping[Place, Layer]) -> list[Layer | JoinedLayer]:
    """All layers in the order of their fields, some of them as one."""
    joined: list[Layer | JoinedLayer] = []
    groups = {name: group for group in _TOGETHER for name in group}
    made: set[tuple[str, ...]] = set()
    names = tuple(FIELDS)
    for place in sorted(layers):
        group = groups.get(names[place[0]])
        if group is None:
            joined.append(layers[place])
        elif group not in made:
            made.add(group)
            joined.append(JoinedLayer([layers[each] for each in sorted(layers) if names[each[0]] in group]))
    return joined


def _nearest(
    failed: BitCounter, held: BitCounter, left: int, count: int, most: int, owners: Sequence[int]
) -> set[int]:
    """Whose the rows are that are nearest among those left: enough of them, and up to so many where as many are as
    near as the `count` that are wanted."""
    found: set[int] = set()
    while left and len(found) < _LOOKED_AT:
        best = held.highest(failed.lowest(left))
        bound = most if len(found) < count else _LOOKED_AT
        for bit in positions(best):
            found.add(owners[bit])
            if len(found) == bound:
                break
        left ^= best
    return found


def _layer_for(field: Field) -> Layer:
    if field.path is not None and field.path.singular:
        return BodyLayer(field)
    if field.name in ("headers", "query"):
        return KeyedLayer(field)
    return SmallLayer(field) if field.spec.small else ValueLayer(field)
