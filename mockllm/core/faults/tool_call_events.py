"""Changes of the events of tool calls: their indexes, ids, order, and first arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from mockllm.core.faults.base import NotApplicable
from mockllm.core.faults.form_events import ABSENT, FormEvent, put_member
from mockllm.core.rendering.event_layout import EventLayout, MemberPlace, ToolCallPlace
from mockllm.core.rendering.plan import Plan

CallEvents: TypeAlias = list[tuple[FormEvent, ToolCallPlace]]


def tool_call_events(
    events: Sequence[FormEvent], layout: EventLayout
) -> Iterator[tuple[FormEvent, ToolCallPlace]]:
    opened: set[object] = set()
    for event in events:
        for place in layout.calls(event.payload, opened):
            opened.add(place.number)
            yield event, place


def break_index(calls: CallEvents, how: str | None) -> None:
    """Change the indexes, if `how` says so."""
    if how is None:
        return
    places = [place.index for _, place in calls if place.index is not None]
    places = [index for index in places if index.member in index.parent]
    if not places:
        raise NotApplicable("its calls have no index")
    numbers = [index.parent[index.member] for index in places]
    single = len(set(numbers)) == 1
    for index in places:
        put_member(index, ABSENT if how == "missing" else numbers[0] + 1 if single else numbers[0])


def add_placeholders(calls: CallEvents) -> None:
    """Set the arguments `{}` where a call opens with empty ones."""
    arguments = [place.arguments for _, place in calls if place.arguments is not None]
    if not any(type(each.parent.get(each.member)) is str for each in arguments):
        raise NotApplicable("its calls have their arguments as an object")
    for _, _, place in _first_arguments(calls):
        if place.parent.get(place.member) == "":
            put_member(place, "{}")


def _first_arguments(calls: CallEvents) -> Iterator[tuple[FormEvent, object, MemberPlace]]:
    """Yield the first place of arguments of each call."""
    seen: set[object] = set()
    for event, place in calls:
        if place.arguments is not None and place.number not in seen:
            seen.add(place.number)
            yield event, place.number, place.arguments


def with_placeholders(plan: Plan, calls: CallEvents, layout: EventLayout) -> Plan:
    """Return the plan with an event more before each call whose first arguments are real ones."""
    steps = list(plan.steps)
    for event, _, place in reversed(list(_first_arguments(calls))):
        if place.parent.get(place.member) != "{}":
            real = place.parent[place.member]
            put_member(place, "{}")
            data = layout.write(event.payload, plan.framing)
            put_member(place, real)
            steps.insert(event.position, replace(event.step, payload=data, kind="ping"))
    return replace(plan, steps=tuple(steps))


def interleaved(plan: Plan, events: list[FormEvent], layout: EventLayout) -> Plan:
    """Return the plan with the events of calls in turn: one of each call. Times stay at their places."""
    calls: dict[object, list[FormEvent]] = {}
    for event, place in tool_call_events(events, layout):
        calls.setdefault(place.number, []).append(event)
    if len(calls) < 2:
        raise NotApplicable("the response calls one tool only")
    own = [event for queue in calls.values() for event in queue]
    positions = sorted({event.position for event in own})
    if len(positions) < len(own) or all(len(queue) == 1 for queue in calls.values()):
        raise NotApplicable("its calls come whole")
    numbers = {event.position: event.payload.get(layout.sequence or "") for event in own}
    steps = list(plan.steps)
    for position, event in zip(positions, _in_turn(list(calls.values())), strict=True):
        if layout.sequence is None:
            steps[position] = event.step
        else:
            payload = {**event.payload, layout.sequence: numbers[position]}
            steps[position] = replace(event.step, payload=layout.write(payload, plan.framing))
    return replace(plan, steps=tuple(steps))


def _in_turn(queues: list[list[FormEvent]]) -> Iterator[FormEvent]:
    for turn in range(max(map(len, queues))):
        yield from (queue[turn] for queue in queues if turn < len(queue))


def break_ids(calls: CallEvents, how: str | None) -> None:
    """Change the ids, if `how` says so."""
    if how is None:
        return
    places = [(place.number, place.id) for _, place in calls if place.id is not None]
    call_ids = {number: id.parent[id.member] for number, id in places if id.parent.get(id.member)}
    if not call_ids:
        raise NotApplicable("its calls have no id")
    later = [(number, id) for number, id in places if not id.parent.get(id.member)]
    if how in ("repeated", "empty_later") and not later:
        raise NotApplicable("only the first event of a call has a place for its id")
    for number, id in places if how in ("missing", "empty") else later:
        known = {"missing": ABSENT, "repeated": call_ids.get(number, ABSENT)}
        if how != "empty" or id.parent.get(id.member):
            put_member(id, known.get(how, ""))
