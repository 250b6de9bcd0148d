"""The rule index: it finds the matchers of rules and modifiers that match a request, at the cost of checking a few.

A matcher becomes rows, each a conjunction of conditions, and of matchers that are checked as they are. A matcher with
`any` becomes several, at most 32: an `any` that would make more is checked as it is. The conditions of all rows are
in layers, each a bitmap index on one field, or on the paths of the body. A layer returns a mask of the rows that may
match, and the AND of the masks has those that may match by all layers. What the layers do not decide is checked for
these rows. The result is exactly that of checking one matcher after the other, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.matching.bitsets import BitCounter, mask_of, positions
from mockllm.core.matching.conditions import AllOf, Condition
from mockllm.core.matching.fields import FIELDS, Field
from mockllm.core.matching.index_layers import (
    BodyLayer,
    JoinedLayer,
    KeyedLayer,
    Layer,
    SmallLayer,
    ToolNamesLayer,
    ValueLayer,
)
from mockllm.core.matching.matchers import (
    AllMatcher,
    AnyMatcher,
    FieldMatcher,
    FieldTestResult,
    Matcher,
    NotMatcher,
)
from mockllm.core.matching.near_miss_distance import distance
from mockllm.core.request.request import Request

MAX_ROWS: Final = 32
"""The most rows of one matcher; further disjunctions are checked without the index."""
MAX_LAYERS: Final = 4
"""The conditions of a row on one field that are indexed; further ones are checked for the rows that are found."""
_MAX_MULTI_PATHS: Final = 64
"""The most JSONPaths that have a layer although they may select several values of a body."""
_MIN_RANKED: Final = 64
"""At least so many near misses are ranked by how much their values differ (`near_miss_distance.py`)."""
_MAX_RANKED: Final = 320
"""Up to so many are ranked so, where equally many tests of each failed."""
_MAX_SHORT_REQUEST: Final = 8192
"""Bytes of a request above which only the minimum is ranked: each row would read the request's texts."""

LayerKey: TypeAlias = tuple[int, str, int]
"""The field's number, its JSONPath if that may select several values (else empty), and the layer's number."""

_HEAD_FIELDS: Final = ("method", "path", "provider", "dialect", "api", "generates", "host")
"""Small fields of the head, whose layers are joined. A small field has a low cardinality: few different values."""
_SMALL_BODY_FIELDS: Final = ("model", "stream")
"""Small fields of the body, whose layers are joined. Conditions on them need no texts of the request."""
_ORDER: Final = {name: number for number, name in enumerate(FIELDS)}


class FieldTest(Struct, frozen=True):
    """A part of a `FieldMatcher`: one of the conditions that all have to be met by the value of its field."""

    field: Field
    condition: Condition

    def matches(self, request: Request) -> bool:
        return self.condition.matches(self.field.read(request))


RowPart: TypeAlias = FieldTest | AnyMatcher | NotMatcher
"""One condition of a row, or a matcher that is checked as it is."""
Conjunction: TypeAlias = tuple[RowPart, ...]


def rows_of(matcher: Matcher) -> list[Conjunction]:
    """Return the rows of a matcher: it matches where any row matches. Only field tests can be indexed."""
    if isinstance(matcher, FieldMatcher):
        return [
            tuple(FieldTest(matcher.field, condition) for condition in _split(matcher.condition_on_value))
        ]
    if isinstance(matcher, NotMatcher):
        return [(matcher,)]
    if isinstance(matcher, AnyMatcher):
        rows = [row for part in matcher.parts for row in rows_of(part)]
        return rows if len(rows) <= MAX_ROWS else [(matcher,)]
    product: list[Conjunction] = [()]
    for part in matcher.parts:
        rows = rows_of(part)
        if len(product) * len(rows) > MAX_ROWS and isinstance(part, AnyMatcher | AllMatcher):
            rows = [(AnyMatcher((part,)),)]  # one part of a row, which may be no AllMatcher
        product = [left + right for left in product for right in rows]
    return product


def _split(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, AllOf):
        for part in condition.conditions:
            yield from _split(part)
    else:
        yield condition


class RuleIndex:
    """An immutable index of matchers."""

    def __init__(self, matchers: Sequence[Matcher]) -> None:
        for _ in self._build(matchers):
            pass

    @classmethod
    def in_slices(cls, matchers: Sequence[Matcher]) -> Generator[None, None, RuleIndex]:
        """Build the index in steps of one or two milliseconds, and return it. A table of thousands of
        conditions on one field is one step. So is the automaton that searches a value for the texts of many
        conditions (`lookup_tables.py`). Such a step takes 3 to 15 ms for 10,000 conditions."""
        index = cls.__new__(cls)
        yield from index._build(matchers)
        return index

    def _build(self, matchers: Sequence[Matcher]) -> Iterator[None]:
        self._matchers = tuple(matchers)
        self._matcher_of_bit: list[int] = []
        """The matcher of each bit. The last matcher has the lowest bits."""
        self._bits_from = [0] * (len(matchers) + 1)
        """The number of bits of each matcher and all later ones."""
        self._spans: dict[tuple[int, int], int] = {}
        self._multi_paths: set[str] = set()
        layers: dict[LayerKey, Layer] = {}
        placed: list[list[tuple[Layer | None, RowPart]]] = []
        for number in reversed(range(len(matchers))):
            for row in reversed(rows_of(matchers[number])):
                placed.append(self._place(len(placed), row, layers))
                self._matcher_of_bit.append(number)
            self._bits_from[number] = len(placed)
            if not number % 32:
                yield
        self._all = (1 << len(placed)) - 1
        self._layers = [layers[key] for key in sorted(layers)]
        for layer in self._layers:
            yield from layer.build(len(placed))
        self._head_layer = _joined(layers, _HEAD_FIELDS)
        self._further_layers = _further(layers)
        self._remaining_parts: dict[int, tuple[RowPart, ...]] = {}
        for bit, parts in enumerate(placed):
            rest = tuple(part for layer, part in parts if layer is None or bit in layer.inexact)
            if rest:
                self._remaining_parts[bit] = rest
            if not bit % 256:
                yield
        self._exact = mask_of(
            [bit for bit in range(len(placed)) if bit not in self._remaining_parts], len(placed)
        )

    def _place(
        self, bit: int, row: Conjunction, layers: dict[LayerKey, Layer]
    ) -> list[tuple[Layer | None, RowPart]]:
        """Add each field test of a row to its layer. Return the parts with their layers, None for no layer."""
        counts: Counter[tuple[int, str]] = Counter()
        placed: list[tuple[Layer | None, RowPart]] = []
        for part in row:
            field_key = self._field_key(part) if isinstance(part, FieldTest) else None
            if field_key is None or counts[field_key] == MAX_LAYERS:
                placed.append((None, part))
                continue
            assert isinstance(part, FieldTest)
            key = (*field_key, counts[field_key])
            layer = layers.get(key)
            if layer is None:
                layer = layers[key] = _layer_for(part.field)
            layer.add(bit, part.field, part.condition)
            counts[field_key] += 1
            placed.append((layer, part))
        return placed

    def _field_key(self, test: FieldTest) -> tuple[int, str] | None:
        """Return the first two parts of the key of a test's layers; None where it has no layer."""
        field = test.field
        if field.path is None or field.path.singular:
            return _ORDER[field.name], ""
        if len(self._multi_paths) < _MAX_MULTI_PATHS:
            self._multi_paths.add(field.path.text)
        return (_ORDER[field.name], field.path.text) if field.path.text in self._multi_paths else None

    def route_mask(self, request: Request) -> int:
        """Return the mask of the rows that may match by these fields of the head: method, path, provider, dialect,
        api, generates and host. It is the same for all requests with this head. `match_mask` looks up the conditions
        on headers, query, session and API key, with those on the body."""
        return self._all & self._head_layer.lookup(request)

    def match_mask(self, request: Request, route_mask: int | None = None) -> int:
        """Return the mask of the rows that may match. `route_mask`: that of the request's head, if it is known."""
        remaining = self.route_mask(request) if route_mask is None else route_mask
        for layer in self._further_layers:
            # A field without a condition of the remaining rows is not read.
            if remaining & layer.rows_with_condition:
                remaining &= layer.lookup(request)
                if not remaining:
                    break
        return remaining

    def is_exact(self, mask: int) -> bool:
        """Return whether a mask has exactly the rows that match: no condition of them is left to check."""
        return not mask & ~self._exact

    def matching(self, mask: int, request: Request, first: int, end: int) -> Iterator[int]:
        """Yield the numbers from `first` up to `end` of the matchers that match, from the mask of a request."""
        last = -1
        for bit in positions(mask & self._span(first, end)):
            matcher = self._matcher_of_bit[bit]
            if matcher != last and self._row_matches(bit, request):
                yield matcher
                last = matcher

    def _span(self, first: int, end: int) -> int:
        """Return the mask of the rows of these matchers."""
        span = self._spans.get((first, end))
        if span is None:
            span = (1 << self._bits_from[first]) - (1 << self._bits_from[end])
            # At most four are stored: each request needs those of rules and of modifiers, near misses need others.
            self._spans = {(first, end): span, **dict(islice(self._spans.items(), 3))}
        return span

    def _row_matches(self, bit: int, request: Request) -> bool:
        rest = self._remaining_parts.get(bit)
        return rest is None or all(part.matches(request) for part in rest)

    def nearest(
        self, request: Request, count: int = 3, end: int | None = None
    ) -> list[tuple[int, list[FieldTestResult]]]:
        """Return the matchers (up to `end`) of near misses with the results of their tests, the nearest first.

        The matcher with fewer failed tests is nearer, then the one with the smaller distance, then the one with more
        passed tests, then the first.
        """
        among = remaining = self._span(0, len(self._matchers) if end is None else end)
        failed, passed = BitCounter(), BitCounter()
        for layer in self._layers:
            mask = layer.lookup(request)
            failed.add(among & ~mask)
            passed.add(mask & layer.rows_with_condition)
            remaining &= mask
        max_count = _MAX_RANKED if len(request.raw) <= _MAX_SHORT_REQUEST else _MIN_RANKED
        numbers = _nearest(
            failed, passed, among & ~(remaining & self._exact), count, max_count, self._matcher_of_bit
        )
        ranked = sorted((*distance(self._matchers[number], request), number) for number in numbers)
        near = [number for failures, *_, number in ranked if failures]
        return [(number, self._matchers[number].test_results(request)) for number in near[:count]]


def _joined(layers: Mapping[LayerKey, Layer], fields: Sequence[str]) -> JoinedLayer:
    """Return the layers of these fields as one."""
    names = tuple(FIELDS)
    return JoinedLayer([layers[key] for key in sorted(layers) if names[key[0]] in fields])


def _further(layers: Mapping[LayerKey, Layer]) -> list[Layer | JoinedLayer]:
    """Return the layers of all fields but the joined ones of the head, in the order of their fields."""
    further: list[Layer | JoinedLayer] = []
    names = tuple(FIELDS)
    done = False
    for key in sorted(layers):
        name = names[key[0]]
        if name in _SMALL_BODY_FIELDS:
            if not done:
                done = True
                further.append(_joined(layers, _SMALL_BODY_FIELDS))
        elif name not in _HEAD_FIELDS:
            further.append(layers[key])
    return further


def _nearest(
    failed: BitCounter,
    passed: BitCounter,
    left: int,
    count: int,
    max_count: int,
    matcher_of_bit: Sequence[int],
) -> set[int]:
    """Return the matchers of the nearest rows among those left, at least `_MIN_RANKED` if there are as many. There
    are more, up to `max_count`, while rows are equally near and the caller's `count` is not reached."""
    matchers: set[int] = set()
    while left and len(matchers) < _MIN_RANKED:
        best = passed.highest(failed.lowest(left))
        bound = max_count if len(matchers) < count else _MIN_RANKED
        for bit in positions(best):
            matchers.add(matcher_of_bit[bit])
            if len(matchers) == bound:
                break
        left ^= best
    return matchers


def _layer_for(field: Field) -> Layer:
    if field.path is not None and field.path.singular:
        return BodyLayer(field)
    if field.name in ("headers", "query", "form", "mcp"):
        return KeyedLayer(field)
    if field.name == "tools":
        return ToolNamesLayer(field)
    return SmallLayer(field) if field.info.small else ValueLayer(field)
