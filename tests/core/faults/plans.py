"""Plans for tests of faults: a stream, a non-streaming response, an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from mockllm.core.faults import Fault, NotApplicable
from mockllm.core.rendering.event_layout import EventLayout, MemberPlace, Payload
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead, Step, WaitStep

F = TypeVar("F", bound=Fault)

HEAD = ResponseHead(200, (("content-type", "text/event-stream"), ("x-a", "b")))
STEPS: tuple[Step, ...] = (
    EventStep(b"role", 0, "open"),
    WaitStep(1.0, 0),
    EventStep(b"one", 1, "chunk", "delta"),
    WaitStep(2.0, 1),
    EventStep(b"two", 2, "chunk", "delta"),
    EventStep(b"stop", 2, "finish"),
    EventStep(b"done", 2, "end"),
)
STREAM = Plan(HEAD, STEPS, Framing.SSE, delay=0.5)
BODY = b'{"id": "one", "text": "one<two>", "n": [1, 2]}'
WHOLE = Plan(
    ResponseHead(200, (("content-type", "application/json"),)),
    (WaitStep(4.0, 0), EventStep(BODY, 0, "body")),
    chunk_texts=((0, "one"), (0, "<two>")),
)
ERROR = Plan(
    ResponseHead(503, (("content-type", "application/json"),)), (EventStep(b'{"error": "no"}', 0, "body"),)
)
EMPTY = Plan(ResponseHead(204, ()), ())
ARRAY = Plan(
    HEAD,
    (EventStep(b"{1}", 1, "chunk"), EventStep(b"{2}", 2, "chunk"), EventStep(b"{3}", 2, "finish")),
    Framing.JSON_ARRAY,
)


class TextForm(EventLayout):
    """The form of events with a text and no other place."""

    def text(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "text") if "text" in payload else None


def played(fault: Fault, plan: Plan = STREAM) -> Plan:
    return fault.apply(plan)


def reason(fault: Fault, plan: Plan = STREAM) -> str:
    """Why it is not played."""
    return refusal(lambda: fault.apply(plan))


def refusal(apply: Callable[[], object]) -> str:
    """Why a fault is not applied."""
    with pytest.raises(NotApplicable) as raised:
        apply()
    return str(raised.value)
