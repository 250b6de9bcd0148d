"""Faults of the connection: the connection ends, falls silent, or carries the response slowly."""

from typing import Annotated, ClassVar, Final, Literal

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.faults.base import Fault, NotApplicable, fault
from mockllm.core.faults.fault_points import (
    MIDDLE,
    GapPoint,
    cut_at,
    find_event_gap,
    find_gap,
    live_steps,
    withhold,
)
from mockllm.core.rendering.framing import closing_bytes
from mockllm.core.rendering.plan import CutKind, CutStep, Plan, RawStep, Step, Throttle, WaitStep
from mockllm.core.rendering.websocket_frames import close_frame
from mockllm.core.values.constants import Constant
from mockllm.core.values.types import Drawable, Duration

SLICES_PER_SECOND: Final = 20
"""How often a slow connection sends bytes."""


class Cutting(Fault):
    """A fault that ends the response at a place."""

    how: ClassVar[CutKind]

    after: GapPoint = Field(default=MIDDLE, description="Where the response ends.")

    def apply_to_plan(self, plan: Plan) -> Plan:
        return cut_at(plan, find_gap(plan, self.after), self.how)


@fault("reset", "connection")
class Reset(Cutting):
    """The connection is reset (RST) in the middle of the response, once the client's system has the bytes before."""

    how = "reset"


@fault("close", "connection")
class Close(Cutting):
    """The connection is closed (FIN) in the middle of the response, after the bytes before are sent."""

    how = "close"

    code: Annotated[int, Field(ge=1000, le=4999)] | None = Field(
        default=None, description="The close code of a WebSocket; without it no close frame is sent."
    )
    reason: Constant[str] = Field(default="", description="The reason beside the code.")

    def apply_to_plan(self, plan: Plan) -> Plan:
        if plan.delivery.websocket_factory is not None and self.after.time is not None:
            # a handshake: the whole WebSocket is closed then
            last = b"" if self.code is None else close_frame(self.code, self.reason)
            return replace(plan, steps=(WaitStep(self.after.time, 0), RawStep(last, 0), CutStep(self.how, 0)))
        if self.code is None or not plan.framing.is_websocket:
            return super().apply_to_plan(plan)
        gap = find_event_gap(plan, self.after)  # within another frame it would be no frame
        index = gap.chunk_number
        end = (RawStep(close_frame(self.code, self.reason), index), CutStep(self.how, index))
        return replace(plan, steps=(*gap.before, *end, *gap.after))


@fault("silence", "connection")
class Silence(Cutting):
    """No further byte is sent, and the connection stays open until the client leaves, as with a dead peer."""

    how = "silence"


@fault("slow_close", "connection")
class SlowClose(Fault):
    """The response ends with its connection (no length, no chunks), which is closed long after the last byte."""

    for_: Drawable[Duration] = Field(
        default=5.0, alias="for", description="How long after the last byte the connection is closed."
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        steps = live_steps(plan)
        if len(steps) < len(plan.steps):
            raise NotApplicable("the response is cut before its end")
        chunk_number = steps[-1].chunk_number if steps else 0
        end: tuple[Step, ...] = (WaitStep(self.for_, chunk_number), CutStep("close", chunk_number))
        last = closing_bytes(plan)
        closed = (RawStep(last, chunk_number),) if last else ()
        delivery = replace(plan.delivery, body_end="connection_end")
        head = plan.head.without("content-length")
        return replace(plan, head=head, steps=(*steps, *closed, *end), delivery=delivery)


@fault("bandwidth", "connection")
class Bandwidth(Fault):
    """The response is sent no faster than this, its head included."""

    bytes_per_second: Drawable[Annotated[float, Field(ge=1)]] = Field(
        default=1000.0, description="How many bytes are sent in a second."
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        size = max(1, int(self.bytes_per_second / SLICES_PER_SECOND))
        return add_throttle(plan, Throttle(size, size / self.bytes_per_second))


def add_throttle(plan: Plan, throttle: Throttle) -> Plan:
    """Return the plan with a further limit on the rate of its bytes."""
    return replace(plan, delivery=replace(plan.delivery, throttles=(*plan.delivery.throttles, throttle)))


@fault("slow_headers", "connection")
class SlowHeaders(Fault):
    """The head is sent line by line, and the body after its last line."""

    needs_http = True

    for_: Drawable[Duration] = Field(
        default=5.0, alias="for", description="How long it takes from the head's first line to its last."
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        return replace(
            plan, delivery=replace(plan.delivery, head_seconds=plan.delivery.head_seconds + self.for_)
        )


@fault("no_response", "connection")
class NoResponse(Fault):
    """The request is accepted, and no byte of a response is sent."""

    replaces_response = True

    then: Literal["reset", "close", "silence"] = Field(
        default="reset",
        description="Whether the connection is reset, closed, or stays open until the client leaves.",
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        return withhold(plan, plan.delay, self.then)
