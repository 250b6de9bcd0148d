"""Fields added to the events or the body of a plan, or removed, whatever made it: the setting `extras`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads, pretty
from mockllm.core.rendering.plan import EventStep, Plan

ITEMS: Final = "[]"
"""The step of a path to all items of a list."""
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[\*?\]")


class ExtraFields(Struct, frozen=True):
    """Fields to add to the objects at a path, and the names of those to remove before.

    `at`: member names, and ITEMS for all items of a list. `events`: names, types or kinds of events; empty for all.
    """

    fields: Mapping[str, Json]
    at: tuple[str, ...] = ()
    events: frozenset[str] = frozenset()
    without: tuple[str, ...] = ()


def parse_path(text: str) -> tuple[str, ...] | None:
    """Return the steps of a path such as `$.choices[].message`; None where it is not one."""
    steps: list[str] = []
    if text[:1] != "$":
        return None
    position = 1
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            return None
        steps.append(step[1] or ITEMS)
        position = step.end()
    return tuple(steps)


def with_extra_fields(plan: Plan, extras: Sequence[ExtraFields]) -> Plan:
    """Return the plan with these fields where they are missing, or without them. Errors, and events that are no JSON,
    stay as they are."""
    if plan.head.status >= 400:
        return plan
    steps = tuple(
        _extended(step, extras) if isinstance(step, EventStep) and step.kind != "error" else step
        for step in plan.steps
    )
    return replace(plan, steps=steps)


def event_names(step: EventStep, payload: Json) -> frozenset[str]:
    """Return the words by which `events` selects an event: its name, its `type`, its kind."""
    type_ = payload.get("type") if isinstance(payload, dict) else None
    return frozenset(word for word in (step.event, type_, step.kind) if isinstance(word, str))


def _extended(step: EventStep, extras: Sequence[ExtraFields]) -> EventStep:
    try:
        payload = None if step.kind == "error" else loads(step.payload)
    except JSONDecodeError:
        return step
    names = event_names(step, payload)
    chosen = [extra for extra in extras if not extra.events or extra.events & names]
    changed = [_change(extra, payload) for extra in chosen]
    if not any(changed):
        return step
    indented = step.payload.startswith((b"{\n", b"[\n"))
    return replace(step, payload=pretty(payload) if indented else dumps(payload))


def _change(extra: ExtraFields, payload: Json) -> bool:
    """Remove and add the fields; return whether that changed anything."""
    changed = False
    for place in _places(payload, extra.at):
        unwanted = [name for name in extra.without if name in place]
        for name in unwanted:
            del place[name]
        missing = extra.fields.keys() - place.keys()
        place.update((name, value) for name, value in extra.fields.items() if name in missing)
        changed = changed or bool(unwanted) or bool(missing)
    return changed


def _places(value: Json, at: tuple[str, ...]) -> Iterator[dict[str, Json]]:
    """Yield the objects at a path."""
    if not at:
        if isinstance(value, dict):
            yield value
    elif at[0] == ITEMS:
        for item in value if isinstance(value, list) else ():
            yield from _places(item, at[1:])
    elif isinstance(value, dict) and at[0] in value:
        yield from _places(value[at[0]], at[1:])
