"""A stream that was rendered once, with holes where each answer's ids stand.

Rendering a stream costs some 3 us an event; filling a stencil costs one join. Everything else in the bytes
is fixed by what the stencil is kept under: the reply, the protocol's variant, and the second (`created`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mockllm.core.chance import BASE62, Ids
from mockllm.core.framing import frame
from mockllm.core.plan import Cut, Framing, Head, Plan, Raw, Step, Wait


class NotedIds(Ids):
    """Ids that remember what was asked of them."""

    __slots__ = ("asked",)

    def __init__(self) -> None:
        super().__init__(0, "stencil", 0)
        self.asked: dict[str, tuple[str, int, str, bytes]] = {}

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        made = super().make(prefix, length, place, alphabet)
        self.asked[made] = (prefix, length, place, alphabet)
        return made


@dataclass(frozen=True, slots=True)
class Stencil:
    """`segments` alternate between fixed bytes and the number of an id; `spans` say which bytes of the whole
    belong to which step (a Wait stands for itself)."""

    head: Head
    holes: tuple[tuple[str, int, str, bytes], ...]
    names: tuple[str, ...]
    segments: tuple[bytes, ...]
    order: tuple[int, ...]
    spans: tuple[Wait | tuple[int, int, int], ...]
    framing: Framing
    delay: float
    second: int
    """The second for which it was rendered (`created` and the like)."""

    def fill(self, ids: Ids) -> Plan:
        """The plan with an answer's own ids."""
        made = [ids.make(*hole) for hole in self.holes]
        head = self.head
        if self.names:
            fresh = dict(zip(self.names, made, strict=True))
            head = Head(head.status, tuple((name, fresh.get(value, value)) for name, value in head.headers))
        if len(made) == 1:
            whole = made[0].encode().join(self.segments)
        else:
            parts = [self.segments[0]]
            for hole, segment in zip(self.order, self.segments[1:], strict=True):
                parts += (made[hole].encode(), segment)
            whole = b"".join(parts)
        steps: list[Step] = []
        for span in self.spans:
            steps.append(span if type(span) is Wait else Raw(whole[span[0] : span[1]], span[2]))  # type: ignore[index]
        return Plan(head, tuple(steps), self.framing, self.delay)


def cut_stencil(plan: Plan, ids: NotedIds, second: int) -> Stencil:
    """The stencil of a plan that was rendered with these ids in this second; steps between two waits become one."""
    spans: list[Wait | tuple[int, int, int]] = []
    pending: list[bytes] = []
    rendered: list[bytes] = []
    start = beat = 0

    def flush() -> None:
        nonlocal start
        if pending:
            joined = b"".join(pending)
            pending.clear()
            rendered.append(joined)
            spans.append((start, start + len(joined), beat))
            start += len(joined)

    for step in plan.steps:
        assert not isinstance(step, Cut), "a plan that is cut is not kept"
        if isinstance(step, Wait):
            flush()
            spans.append(step)
        else:
            beat = step.beat
            pending.append(frame(step, plan.framing))
    flush()
    names = tuple(ids.asked)
    whole = b"".join(rendered)
    if not names:
        return Stencil(plan.head, (), (), (whole,), (), tuple(spans), plan.framing, plan.delay, second)
    pieces = re.split(b"(" + b"|".join(re.escape(name.encode()) for name in names) + b")", whole)
    order = tuple(names.index(piece.decode()) for piece in pieces[1::2])
    return Stencil(
        plan.head, tuple(ids.asked.values()), names, tuple(pieces[::2]), order, tuple(spans), plan.framing, plan.delay,
        second,
    )
