"""Responses that are rendered once, with placeholders for all that differs in each response.

Rendering costs about 3 us an event. Filling a prerendered response costs one join for all events between two waits.
A prerendered response has the same waits each time. Only the events of a prerendered stream are the same, so that
pacing and faults work on the events as on rendered ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Final, TypeAlias, overload

from msgspec.structs import asdict, replace

from mockllm.core.rendering.argument_forms import ChunkCount
from mockllm.core.rendering.framing import framed
from mockllm.core.rendering.placeholder_parser import PlaceholderParser, value_selector
from mockllm.core.rendering.placeholders import (
    MARKED_TOOL_CALL,
    NUMBER_FROM_TOOL_CALL,
    Placeholders,
    PlaceholderStep,
    Prerendered,
)
from mockllm.core.rendering.plan import CutStep, EventKind, EventStep, Plan, RawStep, Step, WaitStep
from mockllm.core.rendering.stored_parts import PrerenderedStoredParts

MIN_REPEATS: Final = 8
"""So often at least a body has a time that is filled once for all responses of a second (`repeated_time_index`)."""


class LazilyFilledSteps(Sequence[Step]):
    """The steps of one response, each filled at each read. Filling a long response at once would block all
    other responses, and would hold all its bytes while its client reads slowly."""

    __slots__ = ("_steps", "_values")

    def __init__(
        self, steps: Sequence[WaitStep | CutStep | PlaceholderStep], values: Sequence[bytes]
    ) -> None:
        self._steps = steps
        self._values = values

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, place: int) -> Step: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Step]: ...
    def __getitem__(self, place: int | slice) -> Step | Sequence[Step]:
        if isinstance(place, slice):
            return LazilyFilledSteps(self._steps[place], self._values)
        return self._filled(self._steps[place])

    def __iter__(self) -> Iterator[Step]:
        for step in self._steps:  # `Sequence` would read each by its place: a stream does that for each chunk
            yield self._filled(step)

    def _filled(self, step: WaitStep | CutStep | PlaceholderStep) -> Step:
        if isinstance(step, PlaceholderStep):
            return RawStep(step.filled_bytes(self._values), step.last_chunk(self._values))
        return step

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))


class PrerenderedResponse(Prerendered, frozen=True, eq=False):
    """A response whose steps are the same each time but for placeholders; the waits between them are equal, too."""

    steps: Sequence[WaitStep | CutStep | PlaceholderStep]
    delay: float
    stored_parts: PrerenderedStoredParts | None = None
    """What the dialect stores of the response; None where that is read from each plan."""

    @property
    def undelayed_body(self) -> PlaceholderStep | None:
        """The body of a response that is sent at once."""
        step = self.steps[0] if len(self.steps) == 1 else None
        return step if type(step) is PlaceholderStep and not self.delay else None

    @property
    def repeated_time_index(self) -> int | None:
        """The index of a time that the body has many times, as a stream has it in each event. None where it has none.
        None too without an `undelayed_body`, with values that are no sums, and with a generated tool call."""
        body = self.undelayed_body
        if body is None or self.sums is None or self.argument_forms:
            return None
        found = self._value_indexes(body)
        times = (index for index, each in enumerate(self.sums, len(self.id_patterns)) if each.is_time)
        return next((index for index in times if found.count(index) >= MIN_REPEATS), None)

    def body_with(self, value_index: int, value: bytes) -> PlaceholderStep:
        """Return the body with one value at all its places. All others stay placeholders."""
        body = self.undelayed_body
        assert body is not None, "it has a `repeated_time_index`"
        parts, others = [body.parts[0]], []
        for index, text in zip(self._value_indexes(body), body.parts[2::2], strict=True):
            if index == value_index:
                parts[-1] += value + text
            else:
                parts += [b"", text]
                others.append(index)
        return replace(body, parts=tuple(parts), select=value_selector(others))

    def _value_indexes(self, body: PlaceholderStep) -> Sequence[int]:
        """Return the indexes of the values of a body's placeholders, in their order."""
        count = len(self.id_patterns) + len(self.computations)
        return [int(index) for index in body.select([b"%d" % index for index in range(count)])]

    def with_stored_parts(self, form: PrerenderedStoredParts | None) -> PrerenderedResponse:
        """Return the same response with what the dialect stores of it."""
        return self if form is None else replace(self, stored_parts=form, size=self.size + form.size)

    def plan(self, values: Sequence[bytes]) -> Plan:
        """Return the plan of the response with these values (see `compute_placeholder_values`)."""
        return Plan(self.head(values), LazilyFilledSteps(self.steps, values), self.framing, self.delay)


def prerender_response(plan: Plan, placeholders: Placeholders) -> PrerenderedResponse:
    """Compile a plan that was rendered with these placeholders; steps between two waits become one."""
    parser = PlaceholderParser(plan, placeholders)
    drafts: list[WaitStep | CutStep | tuple[tuple[bytes, ...], tuple[int, ...], int]] = []
    size = 0
    for group in joined_steps(plan):
        if not isinstance(group, RawStep):
            if isinstance(group, WaitStep) and not isinstance(group.seconds, (float, int)):
                raise TypeError("a cached response has the same waits each time")
            drafts.append(group)
            continue
        parts, numbers = parser.split(group.data)
        drafts.append((parts, numbers, group.chunk_number))
        size += sum(map(len, parts)) + 100 * len(parts)
    without_steps, selector_for = parser.finish(size)
    # of a generated tool call, the number of chunks differs: a value has it, see `PlaceholderStep.chunk_number`. The
    # call that is rendered in its place (`MARKED_TOOL_CALL`) has two, which shows the bytes between two chunks
    counted = any(type(form) is ChunkCount for form in without_steps.argument_forms)
    last_of_tool_call = len(MARKED_TOOL_CALL.chunks) if counted else None
    steps = tuple(
        PlaceholderStep(
            draft[0],
            selector_for(draft[1]),
            NUMBER_FROM_TOOL_CALL if draft[2] == last_of_tool_call else draft[2],
        )
        if isinstance(draft, tuple)
        else draft
        for draft in drafts
    )
    return PrerenderedResponse(**asdict(without_steps), steps=steps, delay=plan.delay)


def joined_steps(plan: Plan) -> Iterator[WaitStep | CutStep | RawStep]:
    """Return a plan's waits and cut, and between two of them all bytes as one step."""
    joined: list[bytes] = []
    chunk_number = 0
    for step, item in zip_longest(plan.steps, framed(plan)):
        if isinstance(item, (WaitStep, CutStep)):
            if joined:
                yield RawStep(b"".join(joined), chunk_number)
                joined.clear()
            yield item
        else:
            joined.append(item)  # type: ignore[arg-type]  # only faults make anything else
            chunk_number = chunk_number if step is None else step.chunk_number
    if joined:
        yield RawStep(b"".join(joined), chunk_number)


StreamEvent: TypeAlias = tuple[int, bytes, int, EventKind, str | None, str | None]
"""The number of the prefix that an event begins with, the bytes after the prefix, and all fields but the payload
of its EventStep."""


class PrerenderedStream(Prerendered, frozen=True, eq=False):
    """The events of a stream. In most protocols, the events of the chunks begin with the same bytes up to their last
    placeholder, so such a prefix is filled once. `events` has all steps in order: events without their prefix, other
    steps as they are."""

    prefixes: Sequence[PlaceholderStep]
    events: Sequence[StreamEvent | Step]

    def plan(self, id_seed: bytes, now: float, input_tokens: int) -> Plan:
        """Return the plan of the response with ids of this id seed."""
        values = self.compute_placeholder_values(id_seed, now, input_tokens)
        prefixes = [prefix.filled_bytes(values) for prefix in self.prefixes]
        steps: list[Step] = []
        for event in self.events:
            if type(event) is tuple:
                prefix, rest, chunk_number, kind, name, id = event
                steps.append(EventStep(prefixes[prefix] + rest, chunk_number, kind, name, id))
            else:
                steps.append(event)  # type: ignore[arg-type]  # mypy does not narrow by `type() is not`
        return Plan(self.head(values), tuple(steps), self.framing)


def prerender_stream(plan: Plan, placeholders: Placeholders) -> PrerenderedStream:
    """Compile a plan without the waits of a pace that was rendered with these placeholders."""
    parser = PlaceholderParser(plan, placeholders)
    prefixes: dict[tuple[tuple[bytes, ...], tuple[int, ...]], int] = {}
    events: list[StreamEvent | Step] = []
    size = 0
    for step in plan.steps:
        if type(step) is not EventStep:
            events.append(step)
            continue
        (*prefix, rest), numbers = parser.split(step.payload)
        key = (tuple(prefix), numbers)
        place = prefixes.get(key)
        if place is None:
            place = prefixes[key] = len(prefixes)
            size += sum(map(len, prefix)) + 100 * len(prefix)
        events.append((place, rest, step.chunk_number, step.kind, step.event, step.id))
        size += len(rest) + 200
    without_steps, selector_for = parser.finish(size)
    steps = tuple(PlaceholderStep(parts, selector_for(numbers), 0) for parts, numbers in prefixes)
    return PrerenderedStream(**asdict(without_steps), prefixes=steps, events=tuple(events))
