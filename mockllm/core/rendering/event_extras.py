"""Members that a reply adds to single events of its stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.extra_fields import event_names
from mockllm.core.rendering.plan import EventStep, Plan


def with_event_extras(plan: Plan, extras: Mapping[str, Json], layout: EventLayout) -> Plan:
    """Return the stream with these members in its events, by the events' names, types or kinds."""
    steps = list(plan.steps)
    for position, step, payload, names in _named_events(plan):
        for name in extras:
            if name in names:
                payload = merged_json(payload, extras[name])
                steps[position] = replace(step, payload=layout.write(payload, plan.framing))
    return replace(plan, steps=tuple(steps))


def unknown_events(plan: Plan, extras: Mapping[str, Json]) -> list[str]:
    """Return the names of which the stream has no event."""
    known = {name for _, _, _, names in _named_events(plan) for name in names}
    return [name for name in extras if name not in known]


def _named_events(plan: Plan) -> Iterator[tuple[int, EventStep, Json, frozenset[str]]]:
    """Yield the events with JSON: the index of each, its JSON and its names."""
    for position, step in enumerate(plan.steps):
        if type(step) is EventStep:
            try:
                payload = loads(step.payload)
            except JSONDecodeError:
                continue
            yield position, step, payload, event_names(step, payload)
