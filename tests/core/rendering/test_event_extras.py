"""Members that are added to single events of a stream."""

from __future__ import annotations

from msgspec.structs import replace

from mockllm.core.rendering.event_extras import unknown_events, with_event_extras
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead, Step, WaitStep

FIRST = EventStep(b'{"type":"start","usage":{"in":3}}', 0, "open", "begin")
LAST = EventStep(b"[DONE]", 1, "end")
STEPS: tuple[Step, ...] = (FIRST, WaitStep(1.0, 0), EventStep(b'{"text":"a"}', 1, "chunk"), LAST)
STREAM = Plan(ResponseHead(200, ()), STEPS, Framing.SSE)


def test_extras_are_merged_and_waits_stay_in_place() -> None:
    extras = {"chunk": {"new": 1}, "begin": {"usage": {"out": 4}}}
    assert with_event_extras(STREAM, extras, EventLayout()).steps == (
        replace(FIRST, payload=b'{"type":"start","usage":{"in":3,"out":4}}'),
        WaitStep(1.0, 0),
        EventStep(b'{"text":"a","new":1}', 1, "chunk"),
        LAST,
    )


def test_extras_by_several_names_of_an_event_add_up() -> None:
    extras = {"begin": {"a": 1}, "start": {"b": 2}, "open": {"c": 3}}
    first = with_event_extras(STREAM, extras, EventLayout()).steps[0]
    assert first == replace(FIRST, payload=b'{"type":"start","usage":{"in":3},"a":1,"b":2,"c":3}')


def test_events_without_json_have_no_name_for_extras() -> None:
    assert unknown_events(STREAM, {"start": {}, "end": {}, "chunk": {}, "other": {}}) == ["end", "other"]
