"""A stream that was rendered once and is played at other times each time: its events, with holes where each
request's ids, time and input tokens stand.

Apart from stencils, which are the same in their waits as well: pace and faults work on these events as on
rendered ones. Most of what stands before the last hole of an event stands there in all of them, and is filled once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from mockllm.core.chance import Mould
from mockllm.core.plan import Data, Framing, Head, Headers, Kind, Plan, Step
from mockllm.core.stencil import Holes, NotedIds, Number, Piece, picker, said_of

Note: TypeAlias = tuple[int, bytes, int, Kind, str | None]
"""An event: the number of what it begins with, what stands behind that, and the rest of its Data."""


class Score(Struct, frozen=True, eq=False):
    """`leads` are what events begin with, up to their last hole; the others of a plan's steps stand as they are."""

    status: int
    fixed: Headers
    own: Sequence[tuple[str, int]]
    ids: Sequence[Mould]
    numbers: Sequence[Number]
    leads: Sequence[Piece]
    notes: Sequence[Note | Step]
    framing: Framing
    size: int
    """Bytes that it takes, about."""

    @property
    def counts(self) -> bool:
        """Whether the input tokens stand in a hole."""
        return any(of == "tokens" for of, _ in self.numbers)

    def plan(self, root: bytes, second: int, tokens: int) -> Plan:
        """The plan of the answer with ids of this root."""
        said = said_of(self.ids, self.numbers, root, second, tokens)
        own = tuple([(name, said[number].decode()) for name, number in self.own])
        leads = [lead.written(said) for lead in self.leads]
        steps: list[Step] = []
        for note in self.notes:
            if type(note) is tuple:
                lead, rest, beat, kind, event = note
                steps.append(Data(leads[lead] + rest, beat, kind, event))
            else:
                steps.append(note)  # type: ignore[arg-type]  # mypy does not narrow by `type() is not`
        return Plan(Head(self.status, self.fixed, own), tuple(steps), self.framing)


def noted(plan: Plan, ids: NotedIds) -> Score:
    """The score of a plan that was rendered with these ids, without times of its own."""
    holes = Holes(ids)
    numbers: dict[tuple[tuple[bytes, ...], tuple[int, ...]], int] = {}
    notes: list[Note | Step] = []
    size = 1000
    for step in plan.steps:
        if type(step) is not Data:
            notes.append(step)
            continue
        (*lead, rest), order = holes.split(step.payload)
        number = numbers.setdefault((tuple(lead), order), len(numbers))
        notes.append((number, rest, step.beat, step.kind, step.event))
        size += len(rest) + 200
    leads = tuple(Piece(parts, picker(order), 0) for parts, order in numbers)
    fixed, own = holes.headers(plan.head)
    facts = (fixed, own, holes.ids, tuple(holes.numbers), leads, tuple(notes), plan.framing, size)
    return Score(plan.head.status, *facts)
