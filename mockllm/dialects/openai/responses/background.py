"""Background responses: what a request with `background: true` gets, and the state of the response at any time.

A background response is its stream, each event at its time; no timer runs. It is queued until `response.in_progress`,
and ends with the last event. Sources: the SDK's `Responses.create` and `Responses.retrieve`, and the events
`ResponseQueuedEvent` and `ResponseInProgressEvent`; no recording was at hand.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.background import background_run, has_ended, is_queued
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import BODY_HEADERS, body_plan
from mockllm.dialects.openai.responses.history import response_object

QUEUED: Final = "response.queued"
IN_PROGRESS: Final = "response.in_progress"
ITEM_DONE: Final = "response.output_item.done"


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


def response_at(stored: StoredObject, monotonic: float) -> dict[str, Json]:
    """Return the response object as a read at this time finds it."""
    timeline = stored.timeline
    if timeline is None or (timeline.cancelled is None and has_ended(timeline, monotonic)):
        return response_object(stored.response_body)
    past = [event for event in timeline.events if event[0] <= timeline.elapsed(monotonic)]
    status = "queued" if is_queued(timeline, monotonic, IN_PROGRESS) else "in_progress"
    if timeline.cancelled is not None:
        status = "cancelled"
    output = [loads(payload)["item"] for _, name, payload in past if name == ITEM_DONE]
    opening = object_of(loads(timeline.events[0][2])["response"])
    return {**opening, "status": status, "output": [] if status == "queued" else output}
