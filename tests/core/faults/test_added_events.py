"""Events and comments that a fault adds: where they come, and what a later fault at the same place does."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.faults import FAULTS, FormFault
from mockllm.core.rendering.event_layout import EventLayout, MemberPlace, Payload
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, WaitStep
from tests.core.faults.plans import HEAD

STEPS = (
    EventStep(b'{"type":"ping"}', 0, "ping", "ping"),
    EventStep(b'{"text":"one"}', 1, "chunk"),
    WaitStep(1.0, 1),
    EventStep(b'{"text":"two"}', 2, "chunk"),
    EventStep(b'{"stop":true}', 2, "finish"),
)
STREAM = Plan(HEAD, STEPS, Framing.SSE)
ADDING: dict[str, tuple[str, dict[str, Any], bytes]] = {
    "pings": ("comment_flood", {"form": "ping", "count": 2}, b'event: ping\ndata: {"type":"ping"}\n\n' * 2),
    "comments": ("comment_flood", {"count": 2, "comment": "c"}, b": c\n\n" * 2),
    "an empty chunk": ("empty_chunk", {"form": "empty_text"}, b'data: {"text":""}\n\n'),
}


class TextForm(EventLayout):
    """The form of events with a text and no other place."""

    def text(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "text") if "text" in payload else None


def applied(plan: Plan, name: str, **settings: Any) -> Plan:
    fault = FAULTS[name].model_validate(settings)
    return fault.apply_to_stream(plan, TextForm()) if isinstance(fault, FormFault) else fault.apply(plan)


def first_events(count: int) -> bytes:
    events = tuple(step for step in STEPS if type(step) is EventStep)
    return sent_bytes(replace(STREAM, steps=events[:count]))


@pytest.mark.parametrize("adding", ADDING)
@pytest.mark.parametrize(
    "after", [{"chunks": 1}, {"fraction": 0.5}, {"events": 2}], ids=["chunks", "fraction", "events"]
)
def test_later_fault_at_the_place_acts_after_what_was_added(adding: str, after: dict[str, Any]) -> None:
    name, settings, added = ADDING[adding]
    for later in ("reset", "truncate"):
        plan = applied(applied(STREAM, name, after=after, **settings), later, after=after)
        assert sent_bytes(plan) == first_events(2) + added, later
        assert any(type(step) is CutStep for step in plan.steps)


@pytest.mark.parametrize("adding", ADDING)
def test_added_events_keep_their_order(adding: str) -> None:
    name, settings, added = ADDING[adding]
    first = applied(STREAM, "comment_flood", after={"chunks": 1}, count=1, comment="first")
    plan = applied(first, name, after={"chunks": 1}, **settings)
    assert sent_bytes(plan).startswith(first_events(2) + b": first\n\n" + added)


@pytest.mark.parametrize("adding", ADDING)
@pytest.mark.parametrize("inside", [1, 10, 20])
def test_place_of_bytes_inside_event_is_before_it(adding: str, inside: int) -> None:
    name, settings, added = ADDING[adding]
    before = first_events(2)
    after = {"bytes": len(before) + inside}
    plan = applied(STREAM, name, after=after, **settings)
    assert sent_bytes(plan) == before + added + sent_bytes(STREAM)[len(before) :]


@pytest.mark.parametrize("adding", ADDING)
def test_place_inside_event_with_a_pause_is_before_it(adding: str) -> None:
    """An earlier fault has divided the event."""
    name, settings, added = ADDING[adding]
    before = first_events(2)
    for inside, further in ((5, 5), (5, 3), (5, 9)):
        divided = applied(STREAM, "stall", after={"bytes": len(before) + inside})
        plan = applied(divided, name, after={"bytes": len(before) + further}, **settings)
        assert sent_bytes(plan) == before + added + sent_bytes(STREAM)[len(before) :], (inside, further)


@pytest.mark.parametrize("adding", ADDING)
@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.0, 1.02])
def test_place_of_time_with_slow_bytes_is_between_events(adding: str, seconds: float) -> None:
    name, settings, added = ADDING[adding]
    plan = applied(applied(STREAM, "drip"), name, after={"time": f"{seconds}s"}, **settings)
    sent = sent_bytes(replace(plan, delivery=STREAM.delivery))
    assert sent in [
        first_events(count) + added + sent_bytes(STREAM)[len(first_events(count)) :] for count in range(5)
    ]
