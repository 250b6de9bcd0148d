"""An answer that was rendered once, with holes where each request's ids, time and input tokens stand.

Rendering costs some 3 us an event, filling a stencil one join for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import overload

from mockllm.core.rendering.framing import framed
from mockllm.core.rendering.placeholders import (
    ByteTemplate,
    PlaceholderFinder,
    Prerendered,
    TrackedIds,
    picker,
)
from mockllm.core.rendering.plan import CutStep, Plan, RawStep, Step, WaitStep


class Steps(Sequence[Step]):
    """The steps of one answer, each filled when it is its turn: a long one would hold up all others if it were
    filled as it begins, and hold all its bytes while its reader is slow."""

    __slots__ = ("_pieces", "_said")

    def __init__(self, pieces: Sequence[WaitStep | CutStep | ByteTemplate], said: Sequence[bytes]) -> None:
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
        return (
            RawStep(piece.written(self._said), piece.chunk_index)
            if isinstance(piece, ByteTemplate)
            else piece
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


class PrerenderedResponse(Prerendered, frozen=True, eq=False):
    """What leaves, piece by piece; the waits between them are the same each time, too."""

    templates: Sequence[WaitStep | CutStep | ByteTemplate]
    delay: float

    @property
    def alone(self) -> ByteTemplate | None:
        """The piece of an answer that leaves as a whole and at once."""
        piece = self.templates[0] if len(self.templates) == 1 else None
        return piece if type(piece) is ByteTemplate and not self.delay else None

    def plan(self, said: Sequence[bytes]) -> Plan:
        """The plan of the answer in whose holes this stands."""
        return Plan(self.head(said), Steps(self.templates, said), self.framing, self.delay)


def cut(plan: Plan, ids: TrackedIds) -> PrerenderedResponse:
    """The stencil of a plan that was rendered with these ids; steps between two waits become one."""
    holes = PlaceholderFinder(ids)
    pieces: list[WaitStep | CutStep | ByteTemplate] = []
    size = 0
    for group in groups(plan):
        if not isinstance(group, RawStep):
            pieces.append(group)
            continue
        parts, order = holes.split(group.data)
        pieces.append(ByteTemplate(parts, picker(order), group.chunk_index))
        size += sum(map(len, parts)) + 100 * len(parts)
    return PrerenderedResponse(*holes.around(plan, size), tuple(pieces), plan.delay)


def groups(plan: Plan) -> Iterator[WaitStep | CutStep | RawStep]:
    """A plan's waits (and cut), and between two of them all bytes as one."""
    said: list[bytes] = []
    beat = 0
    for step, item in zip_longest(plan.steps, framed(plan)):
        if isinstance(item, (WaitStep, CutStep)):
            if said:
                yield RawStep(b"".join(said), beat)
                said.clear()
            yield item
        else:
            said.append(item)  # type: ignore[arg-type]  # only faults make anything else
            beat = beat if step is None else step.chunk_index
    if said:
        yield RawStep(b"".join(said), beat)
