"""Faults of a whole stream: its end, errors and pauses in it, comments, and how its bytes are divided."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal

from msgspec.structs import replace
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from mockllm.core.failure import ErrorName, Failure
from mockllm.core.faults.base import (
    MAX_REPEATS,
    OWN_ERROR,
    Fault,
    NotApplicable,
    ReplyFault,
    ReplyFaultContext,
    fault,
)
from mockllm.core.faults.connection import add_throttle
from mockllm.core.faults.fault_points import (
    MIDDLE,
    GapPoint,
    chunk_count,
    chunks_before,
    find_event_gap,
    find_gap,
    live_steps,
)
from mockllm.core.rendering.encoder import first_chunks
from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, RawStep, Step, Throttle, WaitStep
from mockllm.core.reply.reply import Reply
from mockllm.core.values.constants import Constant
from mockllm.core.values.types import Drawable, Duration, Templated


@fault("no_terminator", "stream")
class NoTerminator(Fault):
    """The protocol's end of the stream is missing (`[DONE]`, `message_stop`, `response.completed`, the bracket of a
    JSON array); HTTP ends correctly."""

    needs_stream: ClassVar[bool] = True

    def apply_to_plan(self, plan: Plan) -> Plan:
        steps = live_steps(plan)
        rest = tuple(step for step in steps if not (type(step) is EventStep and step.kind == "end"))
        if plan.framing is Framing.JSON_ARRAY and len(steps) == len(plan.steps):
            return replace(plan, steps=(*rest, CutStep("end", 0)))
        if len(rest) == len(steps):
            raise NotApplicable("only the end of the response ends this stream")
        return replace(plan, steps=(*rest, *plan.steps[len(steps) :]))


@fault("no_finish", "stream")
class NoFinish(ReplyFault):
    """The stream has all of its content and no finish reason."""

    needs_stream: ClassVar[bool] = True

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply:
        if reply.failure is not None:
            raise NotApplicable(OWN_ERROR)
        return replace(reply, unfinished=True)


@fault("error_event", "stream")
class ErrorEvent(ReplyFault):
    """The provider's error in the middle of a stream, in its form; it replaces a non-streaming response."""

    applies_after_supported_reply: ClassVar[bool] = True

    after: GapPoint = Field(default=MIDDLE, description="Where the error comes.")
    type: ErrorName = Field(default="overloaded", description="Which error it is.")
    status: Templated[Annotated[int, Field(ge=400, le=599)]] | None = Field(
        default=None, description="The status of a non-streaming response, in place of the error's own."
    )
    message: Templated[str] | None = Field(
        default=None, description="The message, in place of the provider's message."
    )

    form: Literal["event", "in_chunk"] = Field(
        default="event",
        description="In a stream: a separate event, or a chunk with the error beside the finish reason `error`, "
        "as gateways send it. Only chat and completions have chunks of that form.",
    )

    def apply_to_reply(self, reply: Reply, context: ReplyFaultContext) -> Reply:
        plan = context.plan(reply)
        gap = find_gap(plan, self.after)
        count = gap.chunk_number if plan.streamed else chunks_before(plan, self.after)
        if reply.failure is not None and count >= chunk_count(plan):
            raise NotApplicable(f"{OWN_ERROR} there")
        failure = Failure(
            self.type,
            self.status,
            self.message,
            in_chunk=self.form == "in_chunk",
            events_before_error=None if count else self.after.events,
        )
        opened = 0 if failure.events_before_error is None else 1  # a part that is opened needs a chunk
        return replace(first_chunks(reply, max(count, opened)), failure=failure)


@fault("stall", "stream")
class Stall(Fault):
    """No byte is sent for a while, then the response continues."""

    after: GapPoint = Field(default=MIDDLE, description="Where it stalls.")
    for_: Drawable[Duration] = Field(default=10.0, alias="for", description="How long.")

    def apply_to_plan(self, plan: Plan) -> Plan:
        gap = find_gap(plan, self.after)
        if gap.seconds_before_head is not None:
            return replace(plan, delay=plan.delay + self.for_)
        wait = WaitStep(self.for_, gap.chunk_number, attached_to_chunk=True, after_write=True)
        return replace(plan, steps=(*gap.before, wait, *gap.after))


@fault("drip", "stream")
class Drip(Fault):
    """The body is sent byte by byte, each byte in its own packet."""

    size: Drawable[Annotated[int, Field(ge=1)]] = Field(default=1, description="How many bytes at a time.")
    every: Drawable[Duration] = Field(default=0.001, description="How long until the next bytes.")

    def apply_to_plan(self, plan: Plan) -> Plan:
        return add_throttle(plan, Throttle(self.size, self.every, head=False))


@fault("comment_flood", "stream")
class CommentFlood(Fault):
    """Many comments or pings between two events, which a client must skip."""

    needs_stream: ClassVar[bool] = True

    after: GapPoint = Field(default=MIDDLE, description="Where they come.")
    count: Drawable[Annotated[int, Field(ge=1, le=MAX_REPEATS)]] = Field(
        default=1000, description="How many."
    )
    form: Literal["comment", "ping"] = Field(
        default="comment",
        description="`comment`: comments of server-sent events. `ping`: the event `ping`, if the protocol has one.",
    )
    comment: Constant[str] = Field(default="keep-alive", description="The text of each comment.")
    every: Drawable[Duration] = Field(default=0.0, description="The time between two of them.")

    @field_validator("comment")
    @classmethod
    def of_a_comment(cls, comment: str, info: ValidationInfo) -> str:
        if info.data.get("form") == "ping":
            raise PydanticCustomError("comment", "a ping has no text: write either form: ping or comment")
        return comment

    def apply_to_plan(self, plan: Plan) -> Plan:
        if plan.framing not in LINE_ENDS:
            raise NotApplicable("only server-sent events have comments")
        pings = [step for step in plan.steps if type(step) is EventStep and step.event == "ping"]
        if self.form == "ping" and not pings:
            raise NotApplicable("the response has no pings")
        gap = find_event_gap(plan, self.after)
        if self.form == "ping":
            one: Step = replace(pings[0], chunk_number=gap.chunk_number, kind="added")
        else:
            end = LINE_ENDS[plan.framing]
            lines = [f": {line}".encode() + end for line in self.comment.splitlines() or [""]]
            one = RawStep(b"".join(lines) + end, gap.chunk_number, attached_to_chunk=True)
        flood: tuple[Step, ...]
        if self.every:
            flood = (one, WaitStep(self.every, gap.chunk_number, attached_to_chunk=True)) * self.count
        elif isinstance(one, RawStep):
            if len(one.data) * self.count > MAX_COMMENT_BYTES:
                raise NotApplicable(f"the comments would have more than {MAX_COMMENT_BYTES // 1_000_000} MB")
            flood = (replace(one, data=one.data * self.count),)
        else:
            flood = (one,) * self.count
        return replace(plan, steps=(*gap.before, *flood, *gap.after))


MAX_COMMENT_BYTES: Final = 10_000_000
"""The most bytes of comments that are one step."""

LINE_ENDS: Final = {
    Framing.SSE: b"\n",
    Framing.SSE_CRLF: b"\r\n",
    Framing.SSE_DENSE: b"\n",
    Framing.SSE_DENSE_CRLF: b"\r\n",
}
"""The line ends of server-sent events."""


CRLF_FORMS: Final = {Framing.SSE: Framing.SSE_CRLF, Framing.SSE_DENSE: Framing.SSE_DENSE_CRLF}
"""The framings with LF, and the same ones with CRLF."""


@fault("crlf", "stream")
class Crlf(Fault):
    """The lines of events end with CRLF, which the standard allows and few providers send."""

    needs_stream: ClassVar[bool] = True

    def apply_to_plan(self, plan: Plan) -> Plan:
        if plan.framing in CRLF_FORMS:
            return replace(plan, framing=CRLF_FORMS[plan.framing])
        if plan.framing in CRLF_FORMS.values():
            raise NotApplicable("its lines end with CRLF already")
        raise NotApplicable("the response is not a stream of server-sent events")


@fault("coalesce", "stream")
class Coalesce(Fault):
    """Several events come in one packet, at the time of the last of them."""

    needs_stream: ClassVar[bool] = True

    events: Drawable[Annotated[int, Field(ge=2)]] = Field(default=4, description="How many events together.")

    def apply_to_plan(self, plan: Plan) -> Plan:
        return replace(plan, steps=tuple(_grouped(plan, self.events)))


def _grouped(plan: Plan, count: int) -> Iterator[Step]:
    """Yield the steps, with those after the first wait in groups. The steps before are sent with the head."""
    group: list[Step] = []
    waited, events = False, 0
    for step in plan.steps:
        if type(step) is WaitStep:
            waited = True
            yield step
        elif waited and type(step) is not CutStep:
            group.append(step)
            events += type(step) is EventStep
            if events == count:
                yield from group
                group.clear()
                events = 0
        else:
            yield from group
            group.clear()
            yield step
    yield from group
