"""Resumption of streams: the ids of their events, and the rest of a stream behind an event.

Source: `basic/transports` of the specification, "Resumability and Redelivery", versions 2025-03-26 to 2025-11-25. The
version 2026-07-28 has none. `writePrimingEvent` and `replayEvents` of the TypeScript SDK's server (1.32.2) have the
version of the first event without data, and the refusal of an unknown id.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.rendering.plan import BackgroundRun, EventStep, Framing, Plan, ResponseHead, Step
from mockllm.core.request.stored_responses import StoredResponse, StoreUpdate
from mockllm.dialects.background import events_after, timeline_of
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.mcp.errors import OK, refusal
from mockllm.dialects.mcp.protocol import LAST_EVENT_HEADER, SERVER_ERROR
from mockllm.dialects.mcp.request import RpcRequest, ServerRequest

SSE: Final = (
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache, no-transform"),
    ("x-accel-buffering", "no"),
)
MESSAGE: Final = "message"
"""The name of every event (`event: message`)."""
STORED: Final = "mcp stream "
"""The name under which a stream is stored, before the client's session and its own id."""
PRIMED_SINCE: Final = "2025-11-25"
"""The version since which a stream begins with an event without data: older clients cannot read one."""
RESUMABLE: Final = 600.0
"""Seconds after its last event in which a stream can be resumed."""
MAX_DIGITS: Final = 9
"""How many digits the number of an event has at most."""


def resumable(stream: Plan, request: RpcRequest, identity: ResponseIdentity) -> Plan:
    """Return the stream of a response with ids, for a client that can resume it; else the stream as it is."""
    if request.modern or request.over_stdio:
        return stream
    id = identity.ids.make("stream-", 24)
    steps: list[Step] = [EventStep(b"", 0, "open", MESSAGE)] if request.protocol >= PRIMED_SINCE else []
    steps += stream.steps
    number = 0
    for place, step in enumerate(steps):
        if type(step) is EventStep:
            # the field `id` is a line behind the name: stored events and faults keep both together
            steps[place] = replace(step, event=f"{MESSAGE}\nid: {id}_{number}")
            number += 1
    numbered = replace(stream, steps=tuple(steps))
    return replace(numbered, background=BackgroundRun(numbered))


def is_resumable(plan: Plan) -> bool:
    """Return whether a response is a stream with ids. Otherwise, what goes on behind it is a task."""
    return plan.background is not None and plan.background.plan.streamed


def stream_update(run: BackgroundRun, request: RpcRequest, delay: float) -> StoreUpdate:
    """Return the stored stream. `delay` is the seconds before its head."""
    timeline = timeline_of(run, request.monotonic + delay)
    _, _, last_id = timeline.events[-1][1].rpartition(": ")
    name = _name(last_id.rpartition("_")[0], request)
    return StoreUpdate((name,), StoredResponse(name, None, b"", b"", timeline=timeline))


def resumed(request: ServerRequest) -> Plan | Failure:
    """Return the stream of an earlier response behind the last event that the client has, each event at its time."""
    id, _, number = request.headers[LAST_EVENT_HEADER].rpartition("_")
    stored = request.lookup.stored(_name(id, request))
    timeline = None if stored is None else stored.timeline
    known = timeline is not None and number.isdecimal() and number.isascii() and len(number) <= MAX_DIGITS
    if timeline is None or not known:
        return refusal(SERVER_ERROR, "Invalid event ID", 400)
    if timeline.elapsed(request.monotonic) > timeline.events[-1][0] + RESUMABLE:
        return refusal(SERVER_ERROR, "The stream of this event ID is no longer stored", 400)
    return Plan(
        ResponseHead(OK, SSE), tuple(events_after(timeline, int(number), request.monotonic)), Framing.SSE
    )


def _name(id: str, request: ServerRequest) -> str:
    return f"{STORED}{request.client_session or ''} {id}"
