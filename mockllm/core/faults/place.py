"""Where in an answer a fault strikes, and how a place is found in a plan.

`at` is a piece itself, and exists in streams only. `after` (the gap behind a piece, a byte, a moment) comes
with the first fault that needs it: a model beside `At`, and how it is found beside `chunk`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from mockllm.core.plan import Data, Plan
from mockllm.core.values import Templated


class At(BaseModel):
    """A piece of the answer, as it is sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    chunk: Templated[Annotated[int, Field(ge=1)]] = Field(
        description="The number of the chunk, counted from 1: one visible piece of the answer's content."
    )


def says(plan: Plan, chunk: int) -> tuple[int, int] | None:
    """The steps that say a chunk, from the first to behind the last; None where there is no such chunk."""
    found = [
        index
        for index, step in enumerate(plan.steps)
        if isinstance(step, Data) and step.kind == "say" and step.beat == chunk
    ]
    return (found[0], found[-1] + 1) if found else None


def chunks(plan: Plan) -> int:
    """How many chunks the answer has."""
    return max((step.beat for step in plan.steps), default=0)
