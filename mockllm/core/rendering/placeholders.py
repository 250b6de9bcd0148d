"""Holes in what was rendered once: where each request's ids, time and input tokens stand.

What is a hole is found in the bytes: an answer is rendered with ids that are remembered and, for time and tokens,
with numbers that no text holds. Whoever cuts holes compares what filling them gives with what rendering gives
before relying on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from mockllm.core.randomness import BASE62, IdPattern, Ids, fill_ids, id_pattern
from mockllm.core.rendering.plan import Framing, Headers, Plan, ResponseHead

SECOND: Final = 7_391_846_205
"""The time (epoch seconds) that makes a hole."""
TOKENS: Final = 8_642_001_357_000_000
"""The input tokens that make a hole, also where a million at most is added or taken away."""
_NUMBERS: Final = rb"\b(?:7391846205|864200135[678]\d{6})\b"


class TrackedIds(Ids):
    """Ids that remember what was asked of them."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        super().__init__(0, "stencil", 0)
        self.asked: dict[str, IdPattern] = {}

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        made = super().make(prefix, length, place, alphabet)
        self.asked[made] = id_pattern(prefix, length, place, alphabet)
        return made


Number: TypeAlias = tuple[Literal["second", "tokens"], int]
"""Which number stands in a hole, and what is added to it."""


class ByteTemplate(Struct, frozen=True):
    """What leaves together. `parts` are its bytes, every second of them an empty place for a hole; `pick`
    takes what stands there, in order, out of the ids and then the numbers."""

    parts: Sequence[bytes]
    pick: Callable[[Sequence[bytes]], Sequence[bytes]]
    chunk_index: int

    def written(self, said: Sequence[bytes]) -> bytes:
        """Its bytes, with this in the holes."""
        parts = [*self.parts]
        parts[1::2] = self.pick(said)
        return b"".join(parts)


class Prerendered(Struct, frozen=True, eq=False):
    """What of an answer is the same each time, around its holes. `own` are the headers that hold an id, each with
    the number of its id."""

    status: int
    fixed: Headers
    unique_headers: Sequence[tuple[str, int]]
    ids: Sequence[IdPattern]
    numbers: Sequence[Number]
    framing: Framing
    size: int
    """Bytes that it takes, about."""

    @property
    def counts(self) -> bool:
        """Whether the input tokens stand in a hole."""
        return any(of == "tokens" for of, _ in self.numbers)

    def fill(self, root: bytes, second: int, tokens: int) -> Sequence[bytes]:
        """What stands in one answer's holes: its ids (of this root), then its time and input tokens."""
        said = fill_ids(self.ids, root)
        for of, offset in self.numbers:
            said.append(b"%d" % ((second if of == "second" else tokens) + offset))
        return said

    def head(self, said: Sequence[bytes]) -> ResponseHead:
        """The head of the answer in whose holes this stands."""
        return ResponseHead(
            self.status,
            self.fixed,
            tuple([(name, said[number].decode()) for name, number in self.unique_headers]),
        )


Around: TypeAlias = tuple[
    int, Headers, Sequence[tuple[str, int]], Sequence[IdPattern], Sequence[Number], Framing, int
]


class PlaceholderFinder:
    """Finds the holes in what was rendered with these ids."""

    def __init__(self, ids: TrackedIds) -> None:
        self._ids = tuple(ids.asked.values())
        self._numbers: list[Number] = []
        """Those that were found, in order."""
        self._names = list(ids.asked)
        self._known = {name: number for number, name in enumerate(self._names)}
        names = (re.escape(name.encode()) for name in self._names)
        self._pattern = re.compile(b"(" + b"|".join([*names, _NUMBERS]) + b")")

    def split(self, data: bytes) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
        """The bytes, every second part of them an empty place for a hole; and what stands in these, by its place
        among ids and then numbers."""
        parts = self._pattern.split(data)
        order = tuple([self._place(hole.decode()) for hole in parts[1::2]])
        parts[1::2] = [b""] * len(order)
        return tuple(parts), order

    def around(self, plan: Plan, size: int) -> Around:
        """What stands around the holes, once they were found in all of the plan's steps, which take so many bytes:
        the fields of a Holed."""
        headers, known = plan.head.headers, self._known
        fixed = tuple(pair for pair in headers if pair[1] not in known)
        own = tuple((name, known[value]) for name, value in headers if value in known)
        return plan.head.status, fixed, own, self._ids, tuple(self._numbers), plan.framing, 1000 + size

    def _place(self, hole: str) -> int:
        if hole in self._known:
            return self._known[hole]
        value = int(hole)
        number: Number = ("second", 0) if value == SECOND else ("tokens", value - TOKENS)
        if number not in self._numbers:
            self._numbers.append(number)
        return len(self._names) + self._numbers.index(number)


def picker(order: Sequence[int]) -> Callable[[Sequence[bytes]], Sequence[bytes]]:
    """Takes the items at these places."""
    if not order:
        return lambda said: ()
    if len(order) == 1:
        return lambda said: (said[order[0]],)
    return itemgetter(*order)
