"""Events and comments that a fault adds: where they come, and what a later fault at the same place does."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mockllm.core.faults import FAULTS, FormFault
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, Step, WaitStep
from tests.core.faults.plans import HEAD, TextForm

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


SLOW: dict[str, tuple[Step, ...]] = {
    "one wait": (*STEPS[:2], WaitStep(10.0, 1), *STEPS[3:]),
    "two waits": (*STEPS[:2], WaitStep(4.0, 1), WaitStep(6.0, 1), *STEPS[3:]),
    "a wait first": (WaitStep(10.0, 0), *STEPS[:2], *STEPS[3:]),
    "a wait at the end": (*STEPS[:2], *STEPS[3:], WaitStep(10.0, 1)),
}


@pytest.mark.parametrize("adding", ADDING)
@pytest.mark.parametrize("steps", SLOW.values(), ids=SLOW)
@pytest.mark.parametrize("seconds", [3.0, 5.0, 9.0])
def test_time_with_slow_bytes_is_that_without(adding: str, steps: tuple[Step, ...], seconds: float) -> None:
    name, settings, added = ADDING[adding]
    plan = replace(STREAM, steps=steps)
    for each in (plan, applied(plan, "drip")):
        found = applied(each, name, after={"time": f"{seconds}s"}, **settings).steps
        place = next(
            index for index, step in enumerate(found) if step not in steps and type(step) is not WaitStep
        )
        waited = sum(step.seconds for step in found[:place] if type(step) is WaitStep)
        assert waited == pytest.approx(seconds, abs=0.2)
        assert sent_bytes(replace(STREAM, steps=found)).count(added) == 1


@pytest.mark.parametrize("adding", ADDING)
@pytest.mark.parametrize("seconds", [3.0, 5.0, 9.0])
def test_time_with_slow_bytes_is_within_a_stall(adding: str, seconds: float) -> None:
    name, settings, _ = ADDING[adding]
    stalled = applied(replace(STREAM, steps=(*STEPS[:2], *STEPS[3:])), "stall", after={"chunks": 1})
    found = applied(applied(stalled, "drip"), name, after={"time": f"{seconds}s"}, **settings).steps
    place = next(
        index for index, step in enumerate(found) if step not in STEPS and type(step) is not WaitStep
    )
    waited = sum(step.seconds for step in found[:place] if type(step) is WaitStep)
    assert waited == pytest.approx(seconds, abs=0.2)


@pytest.mark.parametrize("adding", ADDING)
@pytest.mark.parametrize(
    "after", [{"chunks": 2}, {"fraction": 1.0}, {"time": "1s"}], ids=["chunks", "fraction", "time"]
)
@pytest.mark.parametrize("cut", ["cut_event", "reset"])
def test_cut_event_gets_nothing_in_it(adding: str, after: dict[str, Any], cut: str) -> None:
    name, settings, added = ADDING[adding]
    place = {"at": {"chunk": 2}} if cut == "cut_event" else {"after": {"bytes": len(first_events(2)) + 5}}
    plan = applied(applied(STREAM, cut, **place), name, after=after, **settings)
    assert sent_bytes(plan).startswith(first_events(2) + added)


def test_place_of_bytes_is_after_what_was_added_there() -> None:
    after = {"bytes": len(first_events(2))}
    added = applied(STREAM, "comment_flood", form="ping", count=1, after=after)
    plan = applied(added, "stall", after=after)
    assert all(step in plan.steps for step in added.steps)
    rest = sent_bytes(STREAM)[len(first_events(2)) :]
    assert sent_bytes(applied(plan, "reset", after=after)) == sent_bytes(added).removesuffix(rest)


@pytest.mark.parametrize("adding", ADDING)
@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.0, 1.02])
def test_place_of_time_with_slow_bytes_is_between_events(adding: str, seconds: float) -> None:
    name, settings, added = ADDING[adding]
    plan = applied(applied(STREAM, "drip"), name, after={"time": f"{seconds}s"}, **settings)
    sent = sent_bytes(replace(plan, delivery=STREAM.delivery))
    assert sent in [
        first_events(count) + added + sent_bytes(STREAM)[len(first_events(count)) :] for count in range(5)
    ]
