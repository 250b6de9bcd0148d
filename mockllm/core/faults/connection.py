"""Faults of the connection: it ends, falls silent, or carries an answer slowly."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, Literal

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.faults.base import Fault, NotPlayed, fault
from mockllm.core.faults.fault_points import MIDDLE, After, alive, cut, gap, headless
from mockllm.core.rendering.framing import closing
from mockllm.core.rendering.plan import Cut, Flow, How, Plan, Raw, Step, Wait
from mockllm.core.values.types import Drawable, Duration

SLICES: Final = 20
"""So many times a second a slow connection carries something."""


class Cutting(Fault):
    """Ends the answer at a place."""

    how: ClassVar[How]

    after: After = Field(default=MIDDLE, description="Where the answer ends.")

    def broken(self, plan: Plan) -> Plan | NotPlayed:
        place = gap(plan, self.after)
        return place if isinstance(place, NotPlayed) else cut(plan, place, self.how)


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

    def broken(self, plan: Plan) -> Plan | NotPlayed:
        steps = alive(plan)
        if len(steps) < len(plan.steps):
            return NotPlayed("the answer is cut before its end")
        beat = steps[-1].beat if steps else 0
        end: tuple[Step, ...] = (Wait(self.for_, beat), Cut("close", beat))
        last = closing(plan)
        closed = (Raw(last, beat),) if last else ()
        delivery = replace(plan.delivery, body="close")
        head = plan.head.without("content-length")
        return replace(plan, head=head, steps=(*steps, *closed, *end), delivery=delivery)


@fault("bandwidth")
class Bandwidth(Fault):
    """The answer leaves no faster than this, its head included."""

    bytes_per_second: Drawable[Annotated[float, Field(ge=1)]] = Field(
        default=1000.0, description="How many bytes leave in a second."
    )

    def broken(self, plan: Plan) -> Plan | NotPlayed:
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

    def broken(self, plan: Plan) -> Plan | NotPlayed:
        return replace(plan, delivery=replace(plan.delivery, over=plan.delivery.over + self.for_))


@fault("no_response")
class NoResponse(Fault):
    """The request is accepted and never answered: not a byte of an answer is sent."""

    instead = True

    then: Literal["reset", "close", "silence"] = Field(
        default="reset",
        description="Whether the connection is reset, closed, or stays open until the client leaves.",
    )

    def broken(self, plan: Plan) -> Plan | NotPlayed:
        return headless(plan, plan.delay, self.then)
