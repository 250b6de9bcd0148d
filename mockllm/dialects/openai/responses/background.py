"""Background responses: what a request with `background: true` gets.

A background response is its stream, each event at its time; no timer runs. It is queued until `response.in_progress`,
and ends with the last event. Sources: the SDK's `Responses.create` and `Responses.retrieve`, and the events
`ResponseQueuedEvent` and `ResponseInProgressEvent`; no recording was at hand.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import loads
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.dialects.background import background_run
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import BODY_HEADERS, body_plan
from mockllm.dialects.openai.responses.history import IN_PROGRESS

QUEUED: Final = "response.queued"


def in_background(stream: Plan, pace: Pacing, identity: ResponseIdentity, *, streamed: bool) -> Plan:
    """Return the response to a client that does not wait; its `background` is the whole stream."""
    run = background_run(stream, pace, IN_PROGRESS)
    whole = run.plan
    if streamed:
        return replace(whole, background=run)
    first = next(step for step in whole.steps if isinstance(step, EventStep))
    return replace(
        body_plan(loads(first.payload)["response"], identity, BODY_HEADERS, end=b""), background=run
    )
