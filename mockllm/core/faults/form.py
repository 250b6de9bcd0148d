"""Faults of the form of a stream: members that are missing, repeated, or in another event than the protocol's own.

The content is complete. These streams are those that strict parsers reject and lenient parsers misread.
"""

from collections.abc import Callable, Collection
from typing import ClassVar, Final, Literal, TypeAlias

from msgspec.structs import replace
from pydantic import Field

from mockllm.core.faults.base import Fault, NotApplicable, fault
from mockllm.core.faults.fault_points import FIRST, MIDDLE, ChunkPoint, GapPoint, find_chunk, find_event_gap
from mockllm.core.faults.form_events import (
    ABSENT,
    FormEvent,
    FormFault,
    changed,
    put_member,
    rewritten,
    stream_events,
)
from mockllm.core.faults.tool_call_events import (
    add_placeholders,
    break_ids,
    break_index,
    interleaved,
    tool_call_events,
    with_placeholders,
)
from mockllm.core.json.codec import Json
from mockllm.core.rendering.event_layout import EventLayout, FinishPlace, MemberPlace, Payload
from mockllm.core.rendering.plan import EventStep, Framing, Plan, Step
from mockllm.core.values.types import Templated


@fault("tool_call_chunks", "form")
class ToolCallChunks(FormFault):
    """The events of tool calls have a wrong index or id, alternate, or begin with arguments that do not count."""

    index: Literal["missing", "wrong"] | None = Field(
        default=None,
        description="`missing`: no event has the index. `wrong`: every call has that of the first call; a single "
        "call has the next one.",
    )
    id: Literal["missing", "empty", "empty_later", "repeated"] | None = Field(
        default=None,
        description="`missing`: no event has the id. `empty`: the id is an empty text. `empty_later`: so in the "
        "events after the first one of the call. `repeated`: every event of the call has its id.",
    )
    interleave: bool = Field(default=False, description="Whether the events of several calls alternate.")
    placeholder: bool = Field(
        default=False, description="Whether the arguments `{}` come before the real arguments."
    )

    def apply_to_events(self, plan: Plan, events: list[FormEvent], layout: EventLayout) -> Plan:
        if not any(True for _ in tool_call_events(events, layout)):
            raise NotApplicable("the response calls no tool")
        if self.interleave:
            plan = interleaved(plan, events, layout)
            events = list(stream_events(plan))
        calls = list(tool_call_events(events, layout))
        break_index(calls, "missing" if self == ToolCallChunks() else self.index)
        break_ids(calls, self.id)
        if not self.placeholder:
            return rewritten(plan, events, layout)
        add_placeholders(calls)
        return with_placeholders(rewritten(plan, events, layout), calls, layout)


# --- finish reasons ----------------------------------------------------------------------------------


@fault("finish", "form")
class MisplacedFinish(FormFault):
    """The finish reason is in another event than the protocol's own, in several, or in none."""

    at: Literal["every", "last_chunk", "first", "twice", "never"] = Field(
        default="twice",
        description="`every`: in each event that has the place. `last_chunk`: with the last chunk of the content. "
        "`first`: in the first event in place of the last. `twice`: the event with it comes twice. `never`: "
        "nowhere, as with `no_finish`.",
    )

    def apply_to_events(self, plan: Plan, events: list[FormEvent], layout: EventLayout) -> Plan:
        places = [(event, place) for event in events for place in layout.finishes(event.payload)]
        ends = [(event, place) for event, place in places if place.ended]
        if not ends:
            raise NotApplicable("the response has no finish reason")
        if self.at == "twice":
            return _repeated(plan, ends)
        if self.at == "never":
            return _without_finish(plan, events, places, layout)
        if self.at == "last_chunk":
            return _finish_in_last_chunk(plan, events, places, layout)
        for _, end in ends:
            own = [(event, place) for event, place in places if place.choice == end.choice]
            if len(own) == 1:
                raise NotApplicable("one event only has a place for it")
            self._spread(own, end)
        return changed(plan, events, layout, "the finish reason is there already")

    def _spread(self, own: list[tuple[FormEvent, FinishPlace]], end: FinishPlace) -> None:
        reason, unfinished = _values(end), _values(own[0][1])
        for number, (_, place) in enumerate(own):
            if self.at == "every" or number == 0:
                _set_values(place, reason)
            elif place.ended:
                _set_values(place, unfinished)


FinishEvents: TypeAlias = list[tuple[FormEvent, FinishPlace]]


def _values(place: FinishPlace) -> dict[str, Json]:
    return {member: place.parent.get(member, ABSENT) for member in place.members}


def _set_values(place: FinishPlace, values: dict[str, Json]) -> None:
    for member, value in values.items():
        put_member(MemberPlace(place.parent, member), value)


def _repeated(plan: Plan, ends: FinishEvents) -> Plan:
    """Return the plan with each event that has a finish reason twice."""
    again = {event.position for event, _ in ends}
    steps: list[Step] = []
    for position, step in enumerate(plan.steps):
        steps += (step, step) if position in again else (step,)
    return replace(plan, steps=tuple(steps))


def _without_finish(plan: Plan, events: list[FormEvent], places: FinishEvents, layout: EventLayout) -> Plan:
    """Return the plan without the events that end a choice; a chunk stays, without its reason."""
    unfinished = {}
    for _, place in reversed(places):
        unfinished[place.choice] = _values(place)
    dropped = set()
    for event, place in places:
        if place.ended and event.step.kind == "chunk":
            _set_values(place, unfinished[place.choice])
        elif place.ended:
            dropped.add(event.position)
    return _without(rewritten(plan, events, layout), dropped)


def _without(plan: Plan, dropped: Collection[int]) -> Plan:
    """Return the plan without the steps at these indexes."""
    return replace(plan, steps=tuple(step for n, step in enumerate(plan.steps) if n not in dropped))


def _finish_in_last_chunk(
    plan: Plan, events: list[FormEvent], places: FinishEvents, layout: EventLayout
) -> Plan:
    """Return the plan with finish reasons in the last chunk of each choice, and without the events that had them."""
    dropped = set()
    for end_event, end in [pair for pair in places if pair[1].ended]:
        chunks = [
            (event, place)
            for event, place in places
            if place.choice == end.choice and event.step.kind == "chunk"
        ]
        if not chunks:
            raise NotApplicable("no chunk has a place for it")
        last, place = chunks[-1]
        if last is end_event:
            raise NotApplicable("the last chunk has it already")
        _set_values(place, _values(end))
        for member, value in end_event.payload.items():
            if value is not None and last.payload.get(member) is None:
                last.payload[member] = value
        dropped.add(end_event.position)
    return _without(rewritten(plan, events, layout), dropped)


# --- roles and usage ---------------------------------------------------------------------------------


@fault("role", "form")
class MisplacedRole(FormFault):
    """Each event that has the place has a role, or none has."""

    at: Literal["every", "never"] = Field(default="every", description="In which events it is.")

    def apply_to_events(self, plan: Plan, events: list[FormEvent], layout: EventLayout) -> Plan:
        places = [place for event in events for place in layout.roles(event.payload)]
        role = next((value for place in places if (value := place.parent.get(place.member))), None)
        if role is None:
            raise NotApplicable("no event has a role")
        for place in places:
            put_member(place, role if self.at == "every" else ABSENT)
        return changed(plan, events, layout, "each event has it already")


@fault("usage", "form")
class MisplacedUsage(FormFault):
    """The token counts are in another event than the protocol's own, or in several."""

    at: Literal["every", "first", "finish"] = Field(
        default="every",
        description="`every`: each event that has the place has the final counts. `first`: only the first one. "
        "`finish`: only the one with the finish reason.",
    )

    def apply_to_events(self, plan: Plan, events: list[FormEvent], layout: EventLayout) -> Plan:
        places = [(event, place) for event in events if (place := layout.usage(event.payload)) is not None]
        counted = [(event, place) for event, place in places if place.parent.get(place.member)]
        if not counted:
            raise NotApplicable("the response does not show it")
        if len(places) == 1:
            raise NotApplicable("one event only has a place for it")
        usage = counted[-1][1].parent[counted[-1][1].member]
        others = [place.parent.get(place.member, ABSENT) for _, place in places]
        uncounted = None if None in others else ABSENT
        wanted = self._wanted(places, layout)
        if wanted is None:
            raise NotApplicable("the event with the finish reason has no place for it")
        dropped = set()
        for event, place in places:
            if event in wanted:
                put_member(place, usage)
            elif event.step.kind == "usage":
                dropped.add(event.position)
            elif place.parent.get(place.member):
                put_member(place, uncounted)
        remaining = _without(rewritten(plan, events, layout), dropped)
        if remaining.steps == tuple(plan.steps):
            raise NotApplicable("it is there already")
        return remaining

    def _wanted(
        self, places: list[tuple[FormEvent, MemberPlace]], layout: EventLayout
    ) -> list[FormEvent] | None:
        """Return the events that have the counts."""
        if self.at == "every":
            return [event for event, _ in places]
        if self.at == "first":
            return [places[0][0]]
        ends = [event for event, _ in places if any(end.ended for end in layout.finishes(event.payload))]
        return ends or None


# --- chunks ------------------------------------------------------------------------------------------

HOLLOW: Final[dict[str, Callable[[EventLayout, Payload], tuple[MemberPlace | None, Json]]]] = {
    "no_choices": lambda layout, payload: (layout.choices(payload), []),
    "null_text": lambda layout, payload: (layout.text(payload), None),
    "empty_text": lambda layout, payload: (layout.text(payload), ""),
    "no_delta": lambda layout, payload: (layout.delta(payload), ABSENT),
}
"""The forms of an empty chunk: the place that differs, and its value."""
HollowForm: TypeAlias = Literal["no_choices", "null_text", "empty_text", "no_delta"]


@fault("empty_chunk", "form")
class EmptyChunk(FormFault):
    """A further chunk comes that says nothing."""

    form: HollowForm = Field(
        default="no_choices",
        description="`no_choices`: its list of choices is empty. `null_text`: its text is null. `empty_text`: its "
        "text is empty. `no_delta`: the object around the text is missing.",
    )
    after: GapPoint = Field(default=MIDDLE, description="Where it comes.")

    def apply_to_events(self, plan: Plan, events: list[FormEvent], layout: EventLayout) -> Plan:
        gap = find_event_gap(plan, self.after)
        chunks = [
            event for event in events if layout.text(event.payload) is not None and event.step.kind == "chunk"
        ]
        if not chunks:
            raise NotApplicable("the response has no chunk of a text")
        before = [event for event in chunks if event.step.chunk_number <= gap.chunk_number]
        model = (before or chunks[:1])[-1]
        place, value = HOLLOW[self.form](layout, model.payload)
        if place is None:
            raise NotApplicable(f"no chunk has a place for {self.form}")
        put_member(place, value)
        data = layout.write(model.payload, plan.framing)
        hollow = EventStep(data, gap.chunk_number, "added", model.step.event)
        return replace(plan, steps=(*gap.before, hollow, *gap.after))


@fault("event_names", "form")
class EventNames(Fault):
    """The server-sent events have no name, or the name of another event."""

    needs_stream: ClassVar[bool] = True

    how: Literal["missing", "wrong"] = Field(
        default="missing", description="Whether the names are missing, or each chunk has a wrong one."
    )
    wrong_name: Templated[str] | None = Field(
        default=None,
        alias="name",
        description="With `wrong`: the name; by default that of the stream's first event.",
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        events = [step for step in plan.steps if type(step) is EventStep]
        first = next((step.event for step in events if step.event is not None), None)
        if first is None and (self.how == "missing" or self.wrong_name is None):
            raise NotApplicable("its events have no names")
        if plan.framing not in DATA_LINES:
            raise NotApplicable("its framing has no names of events")
        if self.how == "missing":
            steps = (replace(step, event=None) if type(step) is EventStep else step for step in plan.steps)
        else:
            wrong = first if self.wrong_name is None else " ".join(self.wrong_name.split())
            steps = (
                replace(step, event=wrong) if type(step) is EventStep and step.kind == "chunk" else step
                for step in plan.steps
            )
        return replace(plan, steps=tuple(steps))


@fault("merged_events", "form")
class MergedEvents(Fault):
    """Two events are one: the data of a chunk and of the event after it are in one event."""

    needs_stream: ClassVar[bool] = True

    at: ChunkPoint = Field(default=FIRST, description="Which chunk begins it.")
    how: Literal["one_line", "two_lines"] = Field(
        default="one_line",
        description="`one_line`: both are on one `data:` line. `two_lines`: each has its own, and the empty line "
        "between the events is missing.",
    )

    def apply_to_plan(self, plan: Plan) -> Plan:
        span = find_chunk(plan, self.at)
        if self.how == "two_lines" and plan.framing not in DATA_LINES:
            raise NotApplicable("only server-sent events have lines of data")
        start = span[1] - 1
        step = plan.steps[start]
        following = next(
            (n for n, each in enumerate(plan.steps[start + 1 :], start + 1) if type(each) is EventStep), None
        )
        if following is None:
            raise NotApplicable(f"no event follows chunk {self.at.chunk}")
        second = plan.steps[following]
        assert isinstance(step, EventStep)
        assert isinstance(second, EventStep)
        between = DATA_LINES[plan.framing] if self.how == "two_lines" else b""
        merged = replace(step, payload=step.payload + between + second.payload)
        rest = (*plan.steps[start + 1 : following], *plan.steps[following + 1 :])
        return replace(plan, steps=(*plan.steps[:start], merged, *rest))


DATA_LINES: Final = {Framing.SSE: b"\ndata: ", Framing.SSE_CRLF: b"\r\ndata: "}
"""The bytes that begin a further line of an event's data."""
