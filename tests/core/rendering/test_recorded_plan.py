"""Recorded bytes as a plan: those of a binary event stream become its events."""

from __future__ import annotations

import pytest

from mockllm.core.rendering.aws_event_stream import write_event, write_frame
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead, WaitStep
from mockllm.core.rendering.recorded_plan import RecordedFrame, framing_of, replayed

HEAD = ResponseHead(200, (("content-type", "application/vnd.amazon.eventstream"),))
ONE = write_event(EventStep(b'{"a":1}', 0, "open", "delta"))
TWO = write_event(EventStep(b'{"b":2}', 0, "open", "stop"))
EXCEPTION = write_event(EventStep(b'{"message":"no"}', 0, "error", "throttlingException"))
OTHER = write_frame({":event-type": "delta", ":message-type": "event"}, b"{}")


def plan_of(*frames: bytes) -> Plan:
    recorded = [RecordedFrame(float(number), data) for number, data in enumerate(frames)]
    plan = replayed(HEAD, recorded, Framing.AWS_EVENT_STREAM, lambda event: 1)
    assert sent_bytes(plan) == b"".join(frames)
    return plan


def test_binary_event_stream_is_recognized_by_its_type() -> None:
    framing = framing_of("application/vnd.amazon.eventstream", ONE, streamed=True)
    assert framing is Framing.AWS_EVENT_STREAM


def test_frames_become_events() -> None:
    events = [step for step in plan_of(ONE + TWO).steps if isinstance(step, EventStep)]
    assert [(step.event, step.payload, step.chunk_number) for step in events] == [
        ("delta", b'{"a":1}', 1),
        ("stop", b'{"b":2}', 2),
    ]


@pytest.mark.parametrize("data", [EXCEPTION, OTHER, ONE[:20], b"no frame"])
def test_other_bytes_become_raw_steps(data: bytes) -> None:
    first, last = plan_of(ONE + data).steps
    assert isinstance(first, EventStep)
    assert isinstance(last, RawStep)
    assert last.data == data


def test_frame_in_two_parts_is_no_event() -> None:
    steps = plan_of(ONE[:9], ONE[9:] + TWO).steps
    assert [type(step) for step in steps] == [RawStep, WaitStep, RawStep, EventStep]
