"""Faults of the connection: it ends, falls silent, or carries an answer slowly."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.faults.base import Fault, NotApplicable, fault
from mockllm.core.faults.fault_points import MIDDLE, GapPoint, alive, cut, gap, headless
from mockllm.core.rendering.framing import closing
from mockllm.core.rendering.plan import CutStep, Flow, How, Plan, RawStep, Step, WaitStep
from mockllm.core.values.types import Drawable, Duration

SLICES: Final = 20
"""So many times a second a slow connection carries something."""


class Cutting(Fault):
    """Ends the answer at a place."""

    how: ClassVar[How]

    after: GapPoint = Field(default=MIDDLE, description="Where the answer ends.")

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        place = gap(plan, self.after)
        return place if isinstance(place, NotApplicable) else cut(plan, place, self.how)


@fault("reset")
class Reset(Cutting):
    """The connection is reset (RST) in mid-answer, once the client's system has what was sent before."""

    how = "reset"


@fault("close")
class Close(Cutting):
    """The connection is closed (FIN) in mid-answer, behind what was sent before."""

    how = "close"


@fault("silence")
class Silence(Cutting):
    """Nothing more comes, and the connection stays open until the client leaves, as with a dead peer."""

    how = "silence"


@fault("slow_close")
class SlowClose(Fault):
    """The answer ends with its connection (no length, no chunks), which is closed long after the last byte."""

    for_: Drawable[Duration] = Field(
        default=5.0, alias="for", description="How long after the last byte the connection is closed."
    )

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        steps = alive(plan)
        if len(steps) < len(plan.steps):
            return NotApplicable("the answer is cut before its end")
        beat = steps[-1].chunk_index if steps else 0
        end: tuple[Step, ...] = (WaitStep(self.for_, beat), CutStep("close", beat))
        last = closing(plan)
        closed = (RawStep(last, beat),) if last else ()
        delivery = replace(plan.delivery, body="close")
        head = plan.head.without("content-length")
        return replace(plan, head=head, steps=(*steps, *closed, *end), delivery=delivery)


@fault("bandwidth")
class Bandwidth(Fault):
    """The answer leaves no faster than this, its head included."""

    bytes_per_second: Drawable[Annotated[float, Field(ge=1)]] = Field(
        default=1000.0, description="How many bytes leave in a second."
    )

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        size = max(1, int(self.bytes_per_second / SLICES))
        return flowing(plan, Flow(size, size / self.bytes_per_second))


def flowing(plan: Plan, flow: Flow) -> Plan:
    """The plan with its bytes in such a flow."""
    return replace(plan, delivery=replace(plan.delivery, flows=(*plan.delivery.flows, flow)))


@fault("slow_headers")
class SlowHeaders(Fault):
    """The head leaves line by line, and the body behind its last one."""

    for_: Drawable[Duration] = Field(
        default=5.0, alias="for", description="How long it takes from the head's first line to its last."
    )

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        return replace(plan, delivery=replace(plan.delivery, over=plan.delivery.over + self.for_))


@fault("no_response")
class NoResponse(Fault):
    """The request is accepted and never answered: not a byte of an answer is sent."""

    instead = True

    then: Literal["reset", "close", "silence"] = Field(
        default="reset",
        description="Whether the connection is reset, closed, or stays open until the client leaves.",
    )

    def apply_to_plan(self, plan: Plan) -> Plan | NotApplicable:
        return headless(plan, plan.delay, self.then)
