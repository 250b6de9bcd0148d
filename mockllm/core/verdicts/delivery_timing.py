"""How an answer went by time: what had left of it when it ended, and for how long nothing came.

Told from the plan, which is kept by absolute deadlines, and from how long it was played.
"""

from __future__ import annotations

from typing import NamedTuple

from mockllm.core.rendering.framing import written
from mockllm.core.rendering.plan import Plan, WaitStep


class DeliveryTiming(NamedTuple):
    """`began`: a byte was due. `last` is the silence that the answer ended in, `before` the longest before it, in
    seconds. `heard` of `all` pieces were due."""

    began: bool
    last: float
    before: float
    heard: int
    all: int

    @property
    def longest(self) -> float:
        return max(self.last, self.before)


def delivery_timing(plan: Plan, took: float, *, finished: bool) -> DeliveryTiming | None:
    """Of an answer that took so many seconds; `finished`: it ended with its last byte. None where it flowed in
    small parts, of which it cannot be told when they left."""
    if plan.delivery.flows or plan.delivery.over:
        return None
    due, last, longest = plan.delay, 0.0, 0.0
    heard = every = 0
    began = False
    if due <= took and not plan.delivery.withheld:
        began, longest, last = True, due, due
    for step, data in written(plan):
        if type(step) is WaitStep:
            due += step.seconds
        elif data:
            every = max(every, step.chunk_index)
            if due <= took:
                began, heard = True, max(heard, step.chunk_index)
                longest, last = max(longest, due - last), due
    return DeliveryTiming(began, 0.0 if finished else max(0.0, took - last), longest, heard, every)
