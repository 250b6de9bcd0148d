"""Faults in the events of a stream."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from mockllm.core.faults.fault import Fault, NotPlayed, fault
from mockllm.core.faults.place import At, chunks, says
from mockllm.core.plan import Data, Plan
from mockllm.core.values import Templated


@fault("malformed")
class Malformed(Fault):
    """One chunk whose data cannot be read: an intact event around broken JSON."""

    needs_stream = True

    at: At = Field(default=At(chunk=1), description="Which chunk is malformed.")
    data: Templated[str] = Field(default='{"broken": ', description="What is sent as the event's data.")
    then: Literal["end", "go_on"] = Field(
        default="end", description="Whether the stream ends there, or goes on with the next chunk."
    )

    def broken(self, plan: Plan) -> Plan | NotPlayed:
        place = says(plan, self.at.chunk)
        if place is None:
            count = chunks(plan)
            return NotPlayed(f"the answer has only {count} chunk{'s' if count != 1 else ''}")
        start, end = place
        said = plan.steps[start]
        assert isinstance(said, Data)
        event = replace(said, payload=self.data.encode())
        rest = plan.steps[end:] if self.then == "go_on" else ()
        return replace(plan, steps=(*plan.steps[:start], event, *rest))
