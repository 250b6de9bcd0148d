"""An answer that was rendered once, with holes where each request's ids, time and input tokens stand.

Rendering costs some 3 us an event, filling a stencil one join for all. What is a hole is found in the bytes:
the answer is rendered with ids that are remembered and, for time and tokens, with numbers that no text holds.
Whoever cuts a stencil compares what it gives with what rendering gives before relying on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from operator import itemgetter
from typing import Final, Literal, TypeAlias, overload

from msgspec import Struct

from mockllm.core.chance import BASE62, Ids, Mould, filled, mould
from mockllm.core.framing import framed
from mockllm.core.plan import Cut, Framing, Head, Headers, Plan, Raw, Step, Wait

SECOND: Final = 7_391_846_205
"""The time (epoch seconds) that makes a hole."""
TOKENS: Final = 8_642_001_357_000_000
"""The input tokens that make a hole, also where a million at most is added or taken away."""
_NUMBERS: Final = rb"\b(?:7391846205|864200135[678]\d{6})\b"


class NotedIds(Ids):
    """Ids that remember what was asked of them."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        super().__init__(0, "stencil", 0)
        self.asked: dict[str, Mould] = {}

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        made = super().make(prefix, length, place, alphabet)
        self.asked[made] = mould(prefix, length, place, alphabet)
        return made


Number: TypeAlias = tuple[Literal["second", "tokens"], int]
"""Which number stands in a hole, and what is added to it."""


def said_of(
    ids: Sequence[Mould], numbers: Sequence[Number], root: bytes, second: int, tokens: int
) -> list[bytes]:
    """What stands in one answer's holes: its ids (of this root), then its time and input tokens."""
    said = filled(ids, root)
    for of, offset in numbers:
        said.append(b"%d" % ((second if of == "second" else tokens) + offset))
    return said


class Piece(Struct, frozen=True):
    """What leaves together. `parts` are its bytes, every second of them an empty place for a hole; `pick`
    takes what stands there, in order, out of the ids and then the numbers."""

    parts: Sequence[bytes]
    pick: Callable[[Sequence[bytes]], Sequence[bytes]]
    beat: int

    def written(self, said: Sequence[bytes]) -> bytes:
        """Its bytes, with this in the holes."""
        parts = [*self.parts]
        parts[1::2] = self.pick(said)
        return b"".join(parts)


class Steps(Sequence[Step]):
    """The steps of one answer, each filled when it is its turn: a long one would hold up all others if it were
    filled as it begins, and hold all its bytes while its reader is slow."""

    __slots__ = ("_pieces", "_said")

    def __init__(self, pieces: Sequence[Wait | Cut | Piece], said: Sequence[bytes]) -> None:
        self._pieces = pieces
        self._said = said

    def __len__(self) -> int:
        return len(self._pieces)

    @overload
    def __getitem__(self, place: int) -> Step: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Step]: ...
    def __getitem__(self, place: int | slice) -> Step | Sequence[Step]:
        if isinstance(place, slice):
            return Steps(self._pieces[place], self._said)
        piece = self._pieces[place]
        return Raw(piece.written(self._said), piece.beat) if isinstance(piece, Piece) else piece

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


class Stencil(Struct, frozen=True, eq=False):
    """`own` are the headers that hold an id, each with the number of its id."""

    status: int
    fixed: Headers
    own: Sequence[tuple[str, int]]
    ids: Sequence[Mould]
    numbers: Sequence[Number]
    pieces: Sequence[Wait | Cut | Piece]
    framing: Framing
    delay: float
    size: int
    """Bytes that it takes, about."""

    @property
    def counts(self) -> bool:
        """Whether the input tokens stand in a hole."""
        return any(of == "tokens" for of, _ in self.numbers)

    @property
    def alone(self) -> Piece | None:
        """The piece of an answer that leaves as a whole and at once."""
        piece = self.pieces[0] if len(self.pieces) == 1 else None
        return piece if type(piece) is Piece and not self.delay else None

    def fill(self, root: bytes, second: int, tokens: int) -> Sequence[bytes]:
        """What stands in one answer's holes: its ids (of this root), then its time and input tokens."""
        return said_of(self.ids, self.numbers, root, second, tokens)

    def plan(self, said: Sequence[bytes]) -> Plan:
        """The plan of the answer in whose holes this stands."""
        own = tuple([(name, said[number].decode()) for name, number in self.own])
        return Plan(Head(self.status, self.fixed, own), Steps(self.pieces, said), self.framing, self.delay)


class Holes:
    """Finds the holes in what was rendered with these ids."""

    def __init__(self, ids: NotedIds) -> None:
        self.ids: Sequence[Mould] = tuple(ids.asked.values())
        self.numbers: list[Number] = []
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

    def headers(self, head: Head) -> tuple[Headers, Sequence[tuple[str, int]]]:
        """Those that are the same each time, and those that hold an id, each with the number of its id."""
        fixed = tuple(pair for pair in head.headers if pair[1] not in self._known)
        return fixed, tuple(
            (name, self._known[value]) for name, value in head.headers if value in self._known
        )

    def _place(self, hole: str) -> int:
        if hole in self._known:
            return self._known[hole]
        value = int(hole)
        number: Number = ("second", 0) if value == SECOND else ("tokens", value - TOKENS)
        if number not in self.numbers:
            self.numbers.append(number)
        return len(self._names) + self.numbers.index(number)


def cut(plan: Plan, ids: NotedIds) -> Stencil:
    """The stencil of a plan that was rendered with these ids; steps between two waits become one."""
    holes = Holes(ids)
    pieces: list[Wait | Cut | Piece] = []
    size = 1000
    for group in groups(plan):
        if not isinstance(group, Raw):
            pieces.append(group)
            continue
        parts, order = holes.split(group.data)
        pieces.append(Piece(parts, picker(order), group.beat))
        size += sum(map(len, parts)) + 100 * len(parts)
    fixed, own = holes.headers(plan.head)
    return Stencil(
        plan.head.status,
        fixed,
        own,
        holes.ids,
        tuple(holes.numbers),
        tuple(pieces),
        plan.framing,
        plan.delay,
        size,
    )


def groups(plan: Plan) -> Iterator[Wait | Cut | Raw]:
    """A plan's waits (and cut), and between two of them all bytes as one."""
    said: list[bytes] = []
    beat = 0
    for step, item in zip_longest(plan.steps, framed(plan)):
        if isinstance(item, (Wait, Cut)):
            if said:
                yield Raw(b"".join(said), beat)
                said.clear()
            yield item
        else:
            said.append(item)  # type: ignore[arg-type]  # only faults make anything else
            beat = beat if step is None else step.beat
    if said:
        yield Raw(b"".join(said), beat)


def picker(order: Sequence[int]) -> Callable[[Sequence[bytes]], Sequence[bytes]]:
    """Takes the items at these places."""
    if not order:
        return lambda said: ()
    if len(order) == 1:
        return lambda said: (said[order[0]],)
    return itemgetter(*order)
