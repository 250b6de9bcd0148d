"""A stream that was rendered once and is played at other times each time: its events, with holes where each
request's ids, time and input tokens stand.

Apart from stencils, which are the same in their waits as well: pace and faults work on these events as on
rendered ones. Most of what stands before the last hole of an event stands there in all of them, and is filled once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from mockllm.core.rendering.placeholders import (
    ByteTemplate,
    PlaceholderFinder,
    Prerendered,
    TrackedIds,
    picker,
)
from mockllm.core.rendering.plan import EventStep, Kind, Plan, Step

Note: TypeAlias = tuple[int, bytes, int, Kind, str | None]
"""An event: the number of what it begins with, what stands behind that, and the rest of its Data."""


class PrerenderedStream(Prerendered, frozen=True, eq=False):
    """`leads` are what events begin with, up to their last hole; the others of a plan's steps stand as they are."""

    leads: Sequence[ByteTemplate]
    notes: Sequence[Note | Step]

    def plan(self, root: bytes, second: int, tokens: int) -> Plan:
        """The plan of the answer with ids of this root."""
        said = self.fill(root, second, tokens)
        leads = [lead.written(said) for lead in self.leads]
        steps: list[Step] = []
        for note in self.notes:
            if type(note) is tuple:
                lead, rest, beat, kind, event = note
                steps.append(EventStep(leads[lead] + rest, beat, kind, event))
            else:
                steps.append(note)  # type: ignore[arg-type]  # mypy does not narrow by `type() is not`
        return Plan(self.head(said), tuple(steps), self.framing)


def noted(plan: Plan, ids: TrackedIds) -> PrerenderedStream:
    """The score of a plan that was rendered with these ids, without times of its own."""
    holes = PlaceholderFinder(ids)
    numbers: dict[tuple[tuple[bytes, ...], tuple[int, ...]], int] = {}
    notes: list[Note | Step] = []
    size = 0
    for step in plan.steps:
        if type(step) is not EventStep:
            notes.append(step)
            continue
        (*lead, rest), order = holes.split(step.payload)
        number = numbers.setdefault((tuple(lead), order), len(numbers))
        notes.append((number, rest, step.chunk_index, step.kind, step.event))
        size += len(rest) + 200
    leads = tuple(ByteTemplate(parts, picker(order), 0) for parts, order in numbers)
    return PrerenderedStream(*holes.around(plan, size), leads, tuple(notes))
