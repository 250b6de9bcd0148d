"""The events of a stream with their JSON, which faults of form change and write again."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.faults.base import NO_REPLY, UNSTREAMED, Fault, NotApplicable, bounded
from mockllm.core.faults.fault_points import live_steps
from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.rendering.event_layout import EventLayout, MemberPlace, Payload
from mockllm.core.rendering.plan import EventStep, Plan

ABSENT: Final = object()
"""The value of a member that is not there."""


class FormEvent(Struct, eq=False):
    """An event of a stream with its JSON, which a fault changes in place."""

    position: int
    """The index of its step."""
    step: EventStep
    payload: Payload


class FormFault(Fault):
    """A fault of the events' members, whose places the protocol's `EventLayout` describes."""

    needs_stream: ClassVar[bool] = True
    needs_reply: ClassVar[bool] = True

    def apply_to_plan(self, plan: Plan) -> Plan:
        """Refuse a plan that was not made from a reply."""
        raise NotApplicable(NO_REPLY)

    def apply_to_stream(self, plan: Plan, layout: EventLayout) -> Plan:
        """Return the plan with the fault. Raise NotApplicable."""
        if not plan.streamed:
            raise NotApplicable(UNSTREAMED)
        events = list(stream_events(plan))
        return bounded(plan, self.apply_to_events(plan, events, layout))

    def apply_to_events(self, plan: Plan, events: list[FormEvent], layout: EventLayout) -> Plan:
        """Apply the fault to a stream whose events with JSON are `events`."""
        raise NotImplementedError  # pragma: no cover - abstract


def stream_events(plan: Plan) -> Iterator[FormEvent]:
    """Yield the events whose data are a JSON object. Their payloads are new objects."""
    for position, step in enumerate(live_steps(plan)):
        if type(step) is EventStep:
            try:
                payload = loads(step.payload)
            except JSONDecodeError:
                continue
            if type(payload) is dict:
                yield FormEvent(position, step, payload)


def rewritten(plan: Plan, events: Sequence[FormEvent], layout: EventLayout) -> Plan:
    """Return the plan with the changed payloads. The bytes of an unchanged event stay."""
    steps = list(plan.steps)
    for event in events:
        if loads(event.step.payload) != event.payload:
            data = layout.write(event.payload, plan.framing)
            steps[event.position] = replace(event.step, payload=data)
    return replace(plan, steps=tuple(steps))


def changed(plan: Plan, events: Sequence[FormEvent], layout: EventLayout, reason: str) -> Plan:
    """Return the plan with the changed payloads. Raise NotApplicable with `reason` where none has changed."""
    result = rewritten(plan, events, layout)
    if result.steps == tuple(plan.steps):
        raise NotApplicable(reason)
    return result


def put_member(place: MemberPlace, value: Json) -> None:
    """Set a member, or remove it."""
    if value is ABSENT:
        place.parent.pop(place.member, None)
    else:
        place.parent[place.member] = value
