"""Plans as the messages of a WebSocket."""

from __future__ import annotations

from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, RawStep, ResponseHead, WaitStep
from mockllm.core.rendering.websocket_frames import close_frame
from mockllm.core.rendering.websocket_session import message_plan, timed_messages

HEAD = ResponseHead(200, ())


def test_messages_have_the_sum_of_the_waits_before() -> None:
    steps = (
        EventStep(b"a", 0, "open"),
        WaitStep(1.0, 0),
        WaitStep(0.5, 0),
        EventStep(b"b", 1, "chunk"),
        RawStep(close_frame(1011), 1),
        CutStep("close", 1),
    )
    plan = Plan(HEAD, steps, Framing.WEBSOCKET, delay=2.0)
    assert message_plan(plan) is plan
    assert timed_messages(plan) == [(2.0, b"a"), (3.5, b"b")]


def test_events_of_another_protocol_follow_all_its_waits() -> None:
    steps = (
        EventStep(b"a", 0, "open"),
        WaitStep(1.0, 0),
        EventStep(b"b", 1, "chunk"),
        WaitStep(2.0, 1),
        CutStep("reset", 1),
    )
    plan = message_plan(Plan(HEAD, steps, Framing.SSE, delay=0.5))
    assert plan.steps[-1] == CutStep("reset", 1)
    assert timed_messages(plan) == [(3.5, b"a"), (3.5, b"b")]
