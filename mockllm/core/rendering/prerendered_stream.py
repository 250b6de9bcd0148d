"""A stream that was rendered once and is played at other times each time: its events, with holes where each
request's ids, time and input tokens stand.

Apart from stencils, which are the same in their waits as well: pace and faults work on these events as on
rendered ones. Most of what stands before the last hole of an event stands there in all of them, and is filled once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from mockllm.core.rendering.placeholders import Holed, Holes, NotedIds, Piece, picker
from mockllm.core.rendering.plan import Data, Kind, Plan, Step

Note: TypeAlias = tuple[int, bytes, int, Kind, str | None]
"""An event: the number of what it begins with, what stands behind that, and the rest of its Data."""


class Score(Holed, frozen=True, eq=False):
    """`leads` are what events begin with, up to their last hole; the others of a plan's steps stand as they are."""

    leads: Sequence[Piece]
    notes: Sequence[Note | Step]

    def plan(self, root: bytes, second: int, tokens: int) -> Plan:
        """The plan of the answer with ids of this root."""
        said = self.fill(root, second, tokens)
        leads = [lead.written(said) for lead in self.leads]
        steps: list[Step] = []
        for note in self.notes:
            if type(note) is tuple:
                lead, rest, beat, kind, event = note
                steps.append(Data(leads[lead] + rest, beat, kind, event))
            else:
                steps.append(note)  # type: ignore[arg-type]  # mypy does not narrow by `type() is not`
        return Plan(self.head(said), tuple(steps), self.framing)


def noted(plan: Plan, ids: NotedIds) -> Score:
    """The score of a plan that was rendered with these ids, without times of its own."""
    holes = Holes(ids)
    numbers: dict[tuple[tuple[bytes, ...], tuple[int, ...]], int] = {}
    notes: list[Note | Step] = []
    size = 0
    for step in plan.steps:
        if type(step) is not Data:
            notes.append(step)
            continue
        (*lead, rest), order = holes.split(step.payload)
        number = numbers.setdefault((tuple(lead), order), len(numbers))
        notes.append((number, rest, step.beat, step.kind, step.event))
        size += len(rest) + 200
    leads = tuple(Piece(parts, picker(order), 0) for parts, order in numbers)
    return Score(*holes.around(plan, size), leads, tuple(notes))
