"""Faults in events and in when they come: the steps that are left."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from mockllm.core.faults import FAULTS, Fault, ReplyFault, ReplyFaultContext
from mockllm.core.rendering.aws_event_stream import read_frames
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import (
    CutStep,
    EventStep,
    Framing,
    Plan,
    RawStep,
    ResponseHead,
    Step,
    WaitStep,
)
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from tests.core.faults import plans
from tests.core.faults.test_adjoining_chunks import DIVIDED


def built(name: str, **settings: Any) -> Any:
    return FAULTS[name].model_validate(settings)


ROLE, ONE, TWO, STOP, DONE = (plans.STEPS[index] for index in (0, 2, 4, 5, 6))
FIRST_WAIT, SECOND_WAIT = plans.STEPS[1], plans.STEPS[3]
REST = plans.STEPS[5:]

CASES: dict[str, tuple[Any, tuple[Step, ...]]] = {
    "a chunk comes twice": (built("duplicate"), (ROLE, FIRST_WAIT, ONE, ONE, *plans.STEPS[3:])),
    "a chunk comes four times": (
        built("duplicate", at={"chunk": 2}, times=3),
        (*plans.STEPS[:5], TWO, TWO, TWO, *REST),
    ),
    "a chunk is missing": (built("drop", at={"chunk": 2}), (*plans.STEPS[:4], *REST)),
    "several are missing": (built("drop", count=5), (ROLE, FIRST_WAIT, SECOND_WAIT, *REST)),
    "two change places, the waits stay": (built("reorder"), (ROLE, FIRST_WAIT, TWO, SECOND_WAIT, ONE, *REST)),
    "an event is cut": (
        built("cut_event"),
        (ROLE, FIRST_WAIT, RawStep(b"event: delta", 1, True, True), CutStep("end", 1)),
    ),
    "and the connection closed": (
        built("cut_event", then="close"),
        (ROLE, FIRST_WAIT, RawStep(b"event: delta", 1, True, True), CutStep("close", 1)),
    ),
    "and the connection reset": (
        built("cut_event", then="reset"),
        (ROLE, FIRST_WAIT, RawStep(b"event: delta", 1, True, True), CutStep("reset", 1)),
    ),
    "and the rest comes later": (
        built("cut_event", then="go_on", pause="1s"),
        (
            ROLE,
            FIRST_WAIT,
            RawStep(b"event: delta", 1, True, True),
            WaitStep(1.0, 1, attached_to_chunk=True, after_write=True),
            RawStep(b"\ndata: one\n\n", 1, False, True, continues_event=True),
            *plans.STEPS[3:],
        ),
    ),
    "nothing ends it": (built("no_terminator"), plans.STEPS[:6]),
    "it stalls": (
        built("stall"),
        (*plans.STEPS[:3], WaitStep(10.0, 1, attached_to_chunk=True, after_write=True), *plans.STEPS[3:]),
    ),
    "comments come at once": (
        built("comment_flood", count=2, comment="a\nb"),
        (*plans.STEPS[:3], RawStep(b": a\n: b\n\n: a\n: b\n\n", 1, attached_to_chunk=True), *plans.STEPS[3:]),
    ),
    "comments come one by one": (
        built("comment_flood", count=2, comment="", every="1s"),
        (
            *plans.STEPS[:3],
            RawStep(b": \n\n", 1, attached_to_chunk=True),
            WaitStep(1.0, 1, attached_to_chunk=True),
            RawStep(b": \n\n", 1, attached_to_chunk=True),
            WaitStep(1.0, 1, attached_to_chunk=True),
            *plans.STEPS[3:],
        ),
    ),
    "events come together": (built("coalesce", events=2), (ROLE, FIRST_WAIT, SECOND_WAIT, ONE, TWO, *REST)),
    "all events come together": (
        built("coalesce", events=9),
        (ROLE, FIRST_WAIT, SECOND_WAIT, ONE, TWO, *REST),
    ),
}


@pytest.mark.parametrize(("fault", "steps"), CASES.values(), ids=CASES)
def test_event_fault_changes_the_steps(fault: Fault, steps: tuple[Step, ...]) -> None:
    assert plans.played(fault) == replace(plans.STREAM, steps=steps)


@pytest.mark.parametrize("every", [0, 1])
def test_ping_of_the_protocol_is_repeated(every: int) -> None:
    ping = EventStep(b'{"type": "ping"}', 0, "ping", "ping")
    steps = (ROLE, ping, *plans.STEPS[1:])
    found = plans.played(
        built("comment_flood", form="ping", count=2, every=f"{every}s"), replace(plans.STREAM, steps=steps)
    )
    wait = (WaitStep(1.0, 1, attached_to_chunk=True),) * every
    pings = (replace(ping, chunk_number=1, kind="added"), *wait) * 2
    assert found.steps == (ROLE, ping, *plans.STEPS[1:3], *pings, *plans.STEPS[3:])


UNPLAYED: dict[str, tuple[Any, Plan, str]] = {
    "no such chunk": (built("duplicate", at={"chunk": 3}), plans.STREAM, "the response has only 2 chunks"),
    "nothing to change places with": (
        built("reorder", at={"chunk": 2}),
        plans.STREAM,
        "no chunk follows chunk 2",
    ),
    "the next chunk already comes before it": (
        built("reorder"),
        built("reorder").apply(plans.STREAM),
        "chunk 1 already comes after chunk 2",
    ),
    "the next chunk is divided": (
        built("reorder", at={"chunk": 1}),
        DIVIDED,
        "chunk 2 is not sent by itself",
    ),
    "one event of the chunk is divided": (
        built("duplicate", at={"chunk": 2}),
        DIVIDED,
        "chunk 2 is not sent by itself",
    ),
    "only letters of one byte": (
        built("cut_utf8"),
        plans.STREAM,
        "no chunk has a character of several bytes",
    ),
    "only such letters there": (
        built("cut_utf8", at={"chunk": 1}),
        plans.STREAM,
        "the chunk has no character of several bytes",
    ),
    "no chunk with letters": (
        built("cut_utf8", at={"chunk": 7}),
        plans.STREAM,
        "the response has only 2 chunks",
    ),
    "characters in base64": (
        built("cut_utf8"),
        replace(plans.STREAM, framing=Framing.AWS_EVENT_STREAM_BYTES),
        "the bytes of its events are in base64",
    ),
    "lines have no checksums": (
        built("bad_checksum"),
        plans.STREAM,
        "only the frames of a binary event stream have checksums",
    ),
    "no terminator": (
        built("no_terminator"),
        replace(plans.STREAM, steps=plans.STEPS[:6]),
        "only the end of the response ends this stream",
    ),
    "a place that is not there": (
        built("stall", after={"events": 9}),
        plans.STREAM,
        "the response has only 5 events",
    ),
    "a flood that has no place": (
        built("comment_flood", after={"chunks": 9}),
        plans.STREAM,
        "the response has only 2 chunks",
    ),
    "a protocol without pings": (
        built("comment_flood", form="ping"),
        plans.STREAM,
        "the response has no pings",
    ),
    "an array has no comments": (
        built("comment_flood"),
        plans.ARRAY,
        "only server-sent events have comments",
    ),
    "an array has no lines": (
        built("crlf"),
        plans.ARRAY,
        "the response is not a stream of server-sent events",
    ),
    "CRLF as it is": (
        built("crlf"),
        replace(plans.STREAM, framing=Framing.SSE_CRLF),
        "its lines end with CRLF already",
    ),
    "an error says nothing": (built("error_event"), plans.ERROR, "the response is not a reply"),
}


@pytest.mark.parametrize(("fault", "plan", "why"), UNPLAYED.values(), ids=UNPLAYED)
def test_event_fault_not_applicable_has_reason(fault: Fault, plan: Plan, why: str) -> None:
    assert plans.reason(fault, plan) == why


@pytest.mark.parametrize("name", [name for name, kind in FAULTS.items() if kind.needs_stream])
def test_stream_fault_on_non_streaming_response_has_reason(name: str) -> None:
    fault = FAULTS[name]()
    assert fault.needs == "stream"
    if isinstance(fault, ReplyFault):
        shown = ReplyFaultContext(
            Request(method="POST", path="/", headers={}), False, Random(0), lambda reply: plans.WHOLE
        )
        assert (
            plans.refusal(lambda: fault.apply_in_context(Reply(()), shown)) == "the response is not streamed"
        )
    else:
        assert plans.reason(fault, plans.WHOLE) == "the response is not streamed"


def test_drop_of_several_leaves_a_divided_chunk() -> None:
    left = plans.played(built("drop", at={"chunk": 1}, count=3), DIVIDED).steps
    numbers = [step.chunk_number for step in left if isinstance(step, EventStep) and step.kind == "chunk"]
    assert numbers == [2, 4, 4, 4, 5]
    assert [step for step in left if isinstance(step, RawStep)] == [
        step for step in DIVIDED.steps if isinstance(step, RawStep)
    ]


def test_stall_before_the_head_delays_it() -> None:
    assert plans.played(built("stall", after={"time": "0.1s"})) == replace(plans.STREAM, delay=10.5)


def test_stall_does_not_change_the_brackets_of_an_array() -> None:
    plan = plans.played(built("stall", after={"bytes": 2}), plans.ARRAY)
    assert sent_bytes(plan) == sent_bytes(plans.ARRAY)


LETTERS = Plan(
    ResponseHead(200, ()),
    (EventStep(b"a", 1, "chunk"), EventStep("bü".encode(), 2, "chunk"), EventStep("ä".encode(), 2, "chunk")),
    Framing.SSE,
)


def test_cut_utf8_splits_inside_a_character() -> None:
    first = (LETTERS.steps[0], RawStep(b"data: b\xc3", 2, True, True))
    rest = (RawStep(b"\xbc\n\n", 2, attached_to_chunk=True, continues_event=True), LETTERS.steps[2])
    assert plans.played(built("cut_utf8"), LETTERS).steps == (
        *first,
        WaitStep(0.1, 2, attached_to_chunk=True, after_write=True),
        *rest,
    )
    assert plans.played(built("cut_utf8", at={"chunk": 2}), LETTERS).steps == (
        *first,
        WaitStep(0.1, 2, attached_to_chunk=True, after_write=True),
        *rest,
    )
    assert plans.played(built("cut_utf8", then="end"), LETTERS).steps == (*first, CutStep("end", 2))


@pytest.mark.parametrize("at", [None, {"chunk": 2}], ids=["by default", "from a chunk on"])
def test_cut_utf8_splits_as_many_events_as_counted(at: Any) -> None:
    place = {} if at is None else {"at": at}
    parts = plans.played(built("cut_utf8", count=5, **place), LETTERS).steps
    assert [step.data for step in parts if isinstance(step, RawStep)] == [
        b"data: b\xc3",
        b"\xbc\n\n",
        b"data: \xc3",
        b"\xa4\n\n",
    ]
    assert sum(isinstance(step, WaitStep) for step in parts) == 2
    ended = plans.played(built("cut_utf8", count=5, then="end", **place), LETTERS).steps
    assert [type(step) for step in ended] == [EventStep, RawStep, CutStep]


def test_cut_event_splits_as_many_events_as_counted() -> None:
    parts = plans.played(built("cut_event", count=2, then="go_on", pause="1s"), plans.STREAM)
    assert sum(type(step) is RawStep for step in parts.steps) == 4
    assert sent_bytes(parts) == sent_bytes(plans.STREAM)


def test_cut_utf8_splits_inside_a_character_of_a_frame() -> None:
    binary = replace(LETTERS, framing=Framing.AWS_EVENT_STREAM)
    *_, first, _, second, _ = plans.played(built("cut_utf8"), binary).steps
    assert isinstance(first, RawStep)
    assert isinstance(second, RawStep)
    assert first.data.endswith(b"b\xc3")
    assert second.data.startswith(b"\xbc")


@pytest.mark.parametrize(("of", "place"), [("frame", -1), ("prelude", 8)])
@pytest.mark.parametrize("framing", [Framing.AWS_EVENT_STREAM, Framing.AWS_EVENT_STREAM_BYTES])
def test_bad_checksum_changes_one_byte(of: str, place: int, framing: Framing) -> None:
    binary = replace(plans.STREAM, framing=framing)
    before, after = (
        sent_bytes(plan) for plan in (binary, plans.played(built("bad_checksum", of=of), binary))
    )
    (changed,) = [n for n, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    good = list(read_frames(before))
    damaged = len(list(read_frames(after)))
    start, end = good[damaged - 1].end, good[damaged].end
    assert changed == (start + place if place > 0 else end + place)


def test_bad_checksum_may_end_the_stream() -> None:
    binary = replace(plans.STREAM, framing=Framing.AWS_EVENT_STREAM)
    *_, last = plans.played(built("bad_checksum", then="end"), binary).steps
    assert isinstance(last, RawStep)


def test_no_terminator_removes_the_bracket_of_an_array() -> None:
    assert sent_bytes(plans.played(built("no_terminator"), plans.ARRAY)) == sent_bytes(
        plans.ARRAY
    ).removesuffix(b"\n]")
    cut = plans.played(built("reset"), plans.ARRAY)
    assert plans.reason(built("no_terminator"), cut) == "only the end of the response ends this stream"


def test_no_terminator_ignores_steps_after_a_cut() -> None:
    cut = plans.played(built("reset"))
    assert plans.reason(built("no_terminator"), cut) == "only the end of the response ends this stream"
    both = replace(plans.STREAM, steps=(*plans.STEPS, CutStep("close", 2)))
    assert plans.played(built("no_terminator"), both).steps == (*plans.STEPS[:6], CutStep("close", 2))


def test_crlf_ends_lines_of_comments() -> None:
    plan = plans.played(built("comment_flood", count=1), plans.played(built("crlf")))
    assert b"data: one\r\n\r\n: keep-alive\r\n\r\n" in sent_bytes(plan)


def test_coalesce_leaves_a_cut_after_the_group() -> None:
    cut = replace(plans.STREAM, steps=(*plans.STEPS[:3], CutStep("reset", 1)))
    assert plans.played(built("coalesce"), cut) == cut


def test_coalesce_without_waits_changes_nothing() -> None:
    assert plans.played(built("coalesce"), plans.ARRAY) == plans.ARRAY


def test_ping_with_a_text_is_refused() -> None:
    with pytest.raises(ValidationError, match="a ping has no text"):
        built("comment_flood", form="ping", comment="x")
