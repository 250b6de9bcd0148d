"""Fault points: the steps before and after each, and reasons where there is none."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from mockllm.core.faults.fault_points import (
    Gap,
    GapPoint,
    chunk_span,
    chunk_spans,
    chunks_before,
    cut_at,
    find_gap,
)
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import (
    CutStep,
    EventStep,
    Framing,
    Plan,
    RawStep,
    StepOutsideHttpChunks,
    WaitStep,
)
from tests.core.faults.plans import ARRAY, BODY, EMPTY, ERROR, STEPS, STREAM, WHOLE, refusal
from tests.core.faults.test_adjoining_chunks import DIVIDED, LONG


def found(plan: Plan, **place: Any) -> Gap:
    return find_gap(plan, GapPoint.model_validate(place))


def why(plan: Plan, **place: Any) -> str:
    return refusal(lambda: find_gap(plan, GapPoint.model_validate(place)))


@pytest.mark.parametrize(
    ("place", "index"),
    [
        pytest.param({"chunks": 0}, 1, id="before the first chunk, and before it is waited for"),
        pytest.param({"chunks": 1}, 3, id="right behind a chunk"),
        pytest.param({"chunks": 2}, 5, id="behind the last chunk, before what ends the stream"),
        pytest.param({"events": 0}, 0, id="before all events"),
        pytest.param({"events": 1}, 1, id="behind an event that says nothing"),
        pytest.param({"events": 5}, 7, id="behind the last event"),
        pytest.param({"fraction": "0%"}, 1, id="no chunk"),
        pytest.param({"fraction": "50%"}, 3, id="half of the chunks"),
        pytest.param({"fraction": "99%"}, 3, id="a fraction rounds down"),
        pytest.param({"fraction": 1}, 5, id="all chunks"),
        pytest.param({"bytes": 0}, 0, id="no byte"),
        pytest.param({"bytes": 12}, 1, id="behind the bytes of an event"),
        pytest.param({"bytes": 84}, 7, id="behind the last byte"),
        pytest.param({"time": "3.5s"}, 7, id="behind all that is due at that very moment"),
    ],
)
def test_find_gap_in_stream_splits_the_steps(place: dict[str, Any], index: int) -> None:
    assert found(STREAM, **place) == Gap(STEPS[:index], STEPS[index:])


def test_find_gap_at_byte_splits_event_within_framing() -> None:
    place = found(STREAM, bytes=15)
    assert place.before[-1] == RawStep(b"eve", 1, begins_event=True, attached_to_chunk=True)
    assert place.after[0] == RawStep(
        b"nt: delta\ndata: one\n\n", 1, attached_to_chunk=True, continues_event=True
    )
    assert (place.before[:-1], place.after[1:]) == (STEPS[:2], STEPS[3:])


@pytest.mark.parametrize("count", range(22))
def test_find_gap_in_array_preserves_its_brackets(count: int) -> None:
    place = found(ARRAY, bytes=count) if count <= 16 else found(ARRAY, bytes=16)
    assert sent_bytes(replace(ARRAY, steps=(*place.before, *place.after))) == sent_bytes(ARRAY)


def test_find_gap_splits_raw_bytes() -> None:
    plan = Plan(STREAM.head, (RawStep(b"abcd", 0),), Framing.SSE)
    assert found(plan, bytes=1) == Gap((RawStep(b"a", 0),), (RawStep(b"bcd", 0),))
    assert found(replace(plan, steps=(RawStep(b"abcd", 0, begins_event=True),)), bytes=1).before[
        0
    ] == RawStep(b"a", 0, True)


def test_find_gap_at_time_splits_a_wait() -> None:
    assert found(STREAM, time="2s") == Gap((*STEPS[:3], WaitStep(0.5, 1)), (WaitStep(1.5, 1), *STEPS[4:]))


def test_find_gap_at_time_before_the_head() -> None:
    assert found(STREAM, time="0.2s") == Gap((), STEPS, seconds_before_head=0.2)


@pytest.mark.parametrize(
    ("place", "before"),
    [
        pytest.param({"chunks": 0}, BODY[: BODY.index(b"one<")], id="before the text, not before its like"),
        pytest.param({"chunks": 1}, BODY[: BODY.index(b"<two>")], id="behind what the first chunk says"),
        pytest.param({"chunks": 2}, BODY[: BODY.index(b'", "n"')], id="behind the text"),
        pytest.param({"fraction": "50%"}, BODY[: BODY.index(b"<two>")], id="half of the chunks"),
        pytest.param({"bytes": 3}, BODY[:3], id="bytes"),
    ],
)
def test_find_gap_in_body_is_the_byte_after_the_chunks(place: dict[str, Any], before: bytes) -> None:
    built = found(WHOLE, **place)
    assert built.before == (WHOLE.steps[0], RawStep(before, 0, begins_event=True))
    assert built.after == (RawStep(BODY.removeprefix(before), 0, continues_event=True),)


def test_find_gap_in_body_without_text_is_at_its_start() -> None:
    assert found(replace(WHOLE, chunk_texts=((0, "three"),)), chunks=1) == Gap((), WHOLE.steps)


def test_find_gap_by_fraction_of_an_error_counts_bytes() -> None:
    assert found(ERROR, fraction="50%").before == (RawStep(b'{"error', 0, begins_event=True),)


@pytest.mark.parametrize(
    ("plan", "place", "reason"),
    [
        (STREAM, {"chunks": 3}, "the response has only 2 chunks"),
        (STREAM, {"events": 6}, "the response has only 5 events"),
        (STREAM, {"bytes": 85}, "the response has only 84 bytes"),
        (STREAM, {"time": "3.6s"}, "the response takes only 3.5 s"),
        (WHOLE, {"chunks": 3}, "the response has only 2 chunks"),
        (WHOLE, {"events": 1}, "the response is not streamed"),
        (ERROR, {"chunks": 0}, "the response has no chunks"),
        (EMPTY, {"bytes": 1}, "the response has only 0 bytes"),
    ],
)
def test_find_gap_beyond_the_end_has_reason(plan: Plan, place: dict[str, Any], reason: str) -> None:
    assert why(plan, **place) == reason


def test_find_gap_in_empty_response_is_before_its_end() -> None:
    assert found(EMPTY, bytes=0) == Gap((), ())
    assert found(Plan(STREAM.head, (STEPS[0], STEPS[-1]), Framing.SSE), chunks=0).before == (STEPS[0],)
    assert found(Plan(STREAM.head, (STEPS[0],), Framing.SSE), chunks=0).before == (STEPS[0],)


def test_find_gap_ignores_steps_after_a_cut() -> None:
    plan = replace(STREAM, steps=(*STEPS[:3], CutStep("close", 1), *STEPS[3:]))
    assert why(plan, chunks=2) == "the response has only 1 chunk"
    assert why(plan, events=3) == "the response has only 2 events"
    assert why(plan, bytes=37) == "the response has only 36 bytes"
    assert why(plan, time="2s") == "the response takes only 1.5 s"
    assert found(plan, chunks=1).after == plan.steps[3:]
    assert found(plan, bytes=36).after == plan.steps[3:]


def test_find_gap_does_not_count_unchunked_bytes() -> None:
    plan = Plan(STREAM.head, (StepOutsideHttpChunks(b"x", 0), EventStep(b"a", 1, "chunk")), Framing.NDJSON)
    assert found(plan, bytes=1).before == (
        StepOutsideHttpChunks(b"x", 0),
        RawStep(b"a", 1, begins_event=True, attached_to_chunk=True),
    )


def test_chunks_before_counts_for_each_kind_of_place() -> None:
    assert chunks_before(WHOLE, GapPoint(fraction=0.5)) == 1
    assert chunks_before(WHOLE, GapPoint(chunks=1)) == 1
    assert chunks_before(WHOLE, GapPoint(bytes=1)) == 2


def test_cut_at_counts_later_steps_for_the_length() -> None:
    built = cut_at(WHOLE, found(WHOLE, bytes=3), "reset")
    assert built.steps[-2:] == (CutStep("reset", 0), RawStep(BODY[3:], 0, continues_event=True))
    assert sent_bytes(built) == BODY[:3]


def test_cut_at_before_the_head_sends_no_byte() -> None:
    built = cut_at(STREAM, found(STREAM, time="0.2s"), "close")
    assert (built.steps, built.delay, built.delivery.sends_nothing) == ((CutStep("close", 0),), 0.2, True)


@pytest.mark.parametrize(
    "place",
    [{}, {"chunks": 1, "bytes": 2}, {"chunks": -1}, {"chunks": "3"}, {"fraction": 2}, {"time": 3}, {"x": 1}],
)
def test_gap_point_requires_exactly_one_setting(place: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GapPoint.model_validate(place)


def test_gap_point_needs_the_kind_of_its_setting() -> None:
    needs = {
        name: GapPoint.model_validate({name: value}).needs
        for name, value in {"chunks": 1, "events": 1, "bytes": 1, "fraction": 0.1, "time": "1s"}.items()
    }
    assert needs == {"chunks": "reply", "events": "stream", "bytes": "any", "fraction": "any", "time": "any"}


def test_chunk_spans_have_each_chunk_before_a_cut() -> None:
    steps = (
        *STEPS[:5],
        EventStep(b"two more", 2, "chunk"),
        CutStep("close", 2),
        EventStep(b"three", 3, "chunk"),
    )
    plan = replace(STREAM, steps=steps)
    assert chunk_spans(plan) == {1: (2, 3), 2: (4, 6)}
    assert [chunk_span(plan, chunk) for chunk in (1, 2, 3)] == [(2, 3), (4, 6), None]


def test_chunk_spans_leave_out_a_divided_chunk() -> None:
    assert chunk_spans(LONG).keys() - chunk_spans(DIVIDED).keys() == {2}
    commented = RawStep(b": c\n\n", 2, attached_to_chunk=True)
    assert chunk_spans(replace(LONG, steps=(*LONG.steps, commented))) == chunk_spans(LONG)
