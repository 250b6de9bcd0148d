"""Plans that the tests of faults break: a stream, a whole answer, an error."""

from __future__ import annotations

from typing import TypeVar

from mockllm.core.faults import Fault, NotPlayed
from mockllm.core.rendering.plan import Data, Framing, Head, Plan, Step, Wait

F = TypeVar("F", bound=Fault)

HEAD = Head(200, (("content-type", "text/event-stream"), ("x-a", "b")))
STEPS: tuple[Step, ...] = (
    Data(b"role", 0, "open"),
    Wait(1.0, 0),
    Data(b"one", 1, "say", "delta"),
    Wait(2.0, 1),
    Data(b"two", 2, "say", "delta"),
    Data(b"stop", 2, "finish"),
    Data(b"done", 2, "end"),
)
STREAM = Plan(HEAD, STEPS, Framing.SSE, delay=0.5)
BODY = b'{"id": "one", "text": "one<two>", "n": [1, 2]}'
WHOLE = Plan(
    Head(200, (("content-type", "application/json"),)),
    (Wait(4.0, 0), Data(BODY, 0, "body")),
    spoken=((0, "one"), (0, "<two>")),
)
ERROR = Plan(Head(503, (("content-type", "application/json"),)), (Data(b'{"error": "no"}', 0, "body"),))
EMPTY = Plan(Head(204, ()), ())
ARRAY = Plan(
    HEAD, (Data(b"{1}", 1, "say"), Data(b"{2}", 2, "say"), Data(b"{3}", 2, "finish")), Framing.JSON_ARRAY
)


def played(fault: Fault, plan: Plan = STREAM) -> Plan:
    made = fault.play(plan)
    assert isinstance(made, Plan), made
    return made


def reason(fault: Fault, plan: Plan = STREAM) -> str:
    """Why it is not played."""
    made = fault.play(plan)
    assert isinstance(made, NotPlayed), made
    return made.reason
