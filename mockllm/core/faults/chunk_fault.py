"""Base classes of the faults that change one chunk of a stream."""

from collections.abc import Callable, Sequence
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.faults.base import Fault
from mockllm.core.faults.fault_points import FIRST, ChunkPoint, find_chunk, split_step
from mockllm.core.rendering.framing import steps_with_bytes
from mockllm.core.rendering.plan import CutStep, Plan, Step, WaitStep
from mockllm.core.values.types import Drawable, Duration

Then: TypeAlias = Literal["end", "close", "reset", "go_on"]
MAX_SPLITS: Final = 100
"""The most events that one fault splits: each split reads the whole plan."""


class ChunkFault(Fault):
    """A fault of one chunk of a stream."""

    needs_stream: ClassVar[bool] = True
    further_chunks: ClassVar[int] = 0
    """How many chunks after that of `at` the fault needs."""

    at: ChunkPoint = Field(default=FIRST, description="Which chunk has the fault.")

    def apply_to_plan(self, plan: Plan) -> Plan:
        return replace(plan, steps=self.apply_to_chunk(plan, *find_chunk(plan, self.at)))

    def apply_to_chunk(self, plan: Plan, start: int, end: int) -> tuple[Step, ...]:
        """Return the plan's steps with the fault. `start` and `end` enclose the steps of the chunk."""
        raise NotImplementedError  # pragma: no cover - abstract


class Splitting(ChunkFault):
    """A fault that splits an event."""

    then: Then
    pause: Drawable[Duration] = Field(
        default=0.1, description="With `go_on`: how long after the first part the second one comes."
    )

    count: Annotated[int, Field(ge=1, le=MAX_SPLITS)] = Field(
        default=1,
        description="With `go_on`: how many chunks come in two parts, that one and those after it; 100 at most.",
    )

    def split_each(
        self, plan: Plan, indices: Sequence[int], offset: Callable[[Step], Callable[[bytes], int]]
    ) -> tuple[Step, ...]:
        """Return the plan's steps, with the first of these events split, or as many as `count` says. `offset` returns
        what finds an event's offset in its bytes."""
        for index in reversed(indices[: self.count if self.then == "go_on" else 1]):
            plan = replace(plan, steps=self.split(plan, index, offset(plan.steps[index])))
        return tuple(plan.steps)

    def split(self, plan: Plan, index: int, offset: Callable[[bytes], int]) -> tuple[Step, ...]:
        """Return the plan's steps, one of them split at an offset of its bytes."""
        step = plan.steps[index]
        data = next(data for number, (_, data) in enumerate(steps_with_bytes(plan)) if number == index)
        first, second = split_step(step, data, offset(data))
        begun = (*plan.steps[:index], first)
        if self.then == "go_on":
            pause = WaitStep(self.pause, step.chunk_number, attached_to_chunk=True, after_write=True)
            return (*begun, pause, second, *plan.steps[index + 1 :])
        return (*begun, CutStep(self.then, step.chunk_number))
