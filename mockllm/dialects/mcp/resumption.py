"""Resumption of streams: the ids of their events, and the rest of a stream after an event.

Source: `basic/transports` of the specification, "Resumability and Redelivery", versions 2025-03-26 to 2025-11-25.
The version 2026-07-28 has none. Two facts are from the TypeScript SDK's server 1.32.2. `writePrimingEvent` has the
version of the first event without data, and `replayEvents` has the refusal of an unknown id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.plan import (
    BackgroundRun,
    Delivery,
    EventStep,
    ExpectedResponses,
    Framing,
    Plan,
    ResponseHead,
    Step,
)
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject, Timeline
from mockllm.dialects.background import events_after, timeline_of
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.mcp.errors import OK, refusal
from mockllm.dialects.mcp.protocol import LAST_EVENT_HEADER, SERVER_ERROR
from mockllm.dialects.mcp.replayed import recorded_events
from mockllm.dialects.mcp.request import RpcRequest, ServerRequest

SSE: Final = (
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache, no-transform"),
    ("x-accel-buffering", "no"),
)
MESSAGE: Final = "message"
"""The name of every event (`event: message`)."""
STORED: Final = "mcp stream "
"""The name under which a stream is stored, before its server, the client's session and its own id."""
STORED_EVENT: Final = "mcp event "
"""The same for an event with a recorded id."""
STORED_WAIT: Final = "mcp wait "
"""The same for the key of a suspended response: what is stored is the id of its stream."""
PRIMED_SINCE: Final = "2025-11-25"
"""The version since which a stream begins with an event without data: older clients cannot read one."""
RESUMABLE: Final = 600.0
"""Seconds after its last event in which a stream can be resumed."""
MAX_DIGITS: Final = 9
"""The most digits that the number of an event has."""


def resumable(stream: Plan, request: RpcRequest, identity: ResponseIdentity) -> Plan:
    """Return the stream of a response with ids, for a client that can resume it; else the stream as it is."""
    if not _resumes(request):
        return stream
    earlier = continued_stream(request)
    primed = earlier is None and request.protocol >= PRIMED_SINCE
    steps = (*([EventStep(b"", 0, "open", MESSAGE)] if primed else ()), *stream.steps)
    ids = _further_ids(earlier) if earlier else _ids(identity.ids.make("stream-", 24))
    numbered = replace(stream, steps=tuple(_with_ids(steps, ids)))
    return replace(numbered, background=BackgroundRun(numbered))


def with_event_id(body: Plan, request: RpcRequest) -> Plan:
    """Return a response without a stream. Where it continues a stream, it has the id of its event there."""
    earlier = continued_stream(request)
    return (
        body if earlier is None else replace(body, steps=tuple(_with_ids(body.steps, _further_ids(earlier))))
    )


def _further_ids(earlier: StoredObject) -> Iterator[str]:
    """Yield the ids of what comes in place of a stream's last event."""
    return _ids(earlier.response_body.decode(), len(_events(earlier)) - 1)


def _ids(stream: str, begin: int = 0) -> Iterator[str]:
    return (f"{stream}_{number}" for number in count(begin))


def resumable_recording(stream: Plan, request: RpcRequest) -> Plan:
    """Return a recorded stream with its own ids as one that can be resumed; any other recording as it is."""
    if stream.framing not in (Framing.SSE, Framing.SSE_CRLF) or not _resumes(request):
        return stream
    has_ids = any(type(step) is EventStep and step.id is not None for step in recorded_events(stream))
    return replace(stream, background=BackgroundRun(stream)) if has_ids else stream


def is_resumable(plan: Plan) -> bool:
    """Return whether a response is a stream with ids. Otherwise, what goes on after it is a task."""
    return plan.background is not None and plan.background.plan.streamed


def stream_update(run: BackgroundRun, request: RpcRequest, delay: float) -> StorageUpdate:
    """Return the stored stream, or the stored one that this one continues with both. `delay` is the seconds before
    its head."""
    steps = tuple(recorded_events(run.plan))
    timeline = timeline_of(replace(run, plan=replace(run.plan, steps=steps)), request.monotonic + delay)
    ids = [step.id for step in steps if type(step) is EventStep]
    earlier = continued_stream(request)
    if earlier is not None:
        return _stored_stream(earlier.response_body.decode(), _joined(earlier, timeline), run.plan, request)
    first = next(id for id in ids if id is not None)
    stream = first.rpartition("_")[0]
    if ids == [f"{stream}_{number}" for number in range(len(ids))]:
        return _stored_stream(stream, timeline, run.plan, request)
    update = _stored_stream(first, timeline, run.plan, request, ids)
    return update._replace(others=tuple(_event_names(ids, first, request)))


def _stored_stream(
    stream: str,
    timeline: Timeline,
    plan: Plan,
    request: RpcRequest,
    recorded: Sequence[str | None] = (),
) -> StorageUpdate:
    """Return the stream as it is stored; of a suspended response also the stream's id, by the response's key."""
    name, wanted = _name(STORED, stream, request), plan.delivery.expected_responses
    state = {"ids": recorded, "wait": None if wanted is None else [wanted.key, wanted.names]}
    stored = StoredObject(name, None, dumps(state), stream.encode(), timeline=timeline)
    if wanted is None:
        return StorageUpdate((name,), stored, is_optional=True)
    wait = StoredObject(_name(STORED_WAIT, wanted.key, request), None, stream.encode(), b"")
    return StorageUpdate((name,), stored, others=(wait,), is_optional=True)


def continued_stream(request: RpcRequest) -> StoredObject | None:
    """Return the stored stream that the response to this request continues."""
    if request.continues is None:
        return None
    wait = request.object_lookup.stored(_name(STORED_WAIT, request.continues, request))
    return (
        None
        if wait is None
        else request.object_lookup.stored(_name(STORED, wait.request_body.decode(), request))
    )


def _events(stored: StoredObject) -> tuple[tuple[float, str, bytes], ...]:
    return () if stored.timeline is None else stored.timeline.events


def _joined(earlier: StoredObject, rest: Timeline) -> Timeline:
    """Return a stream up to its questions, and what follows the client's responses. Its last event is the error for
    a client that does not respond."""
    timeline = earlier.timeline
    assert timeline is not None
    since = timeline.elapsed(rest.began)
    events = ((since + seconds, name or MESSAGE, payload) for seconds, name, payload in rest.events)
    return timeline._replace(events=(*timeline.events[:-1], *events))


def _event_names(ids: Sequence[str | None], stream: str, request: RpcRequest) -> Iterator[StoredObject]:
    """Yield the place of each event with a recorded id."""
    for number, id in enumerate(ids):
        if id is not None:
            yield StoredObject(_name(STORED_EVENT, id, request), None, dumps([stream, number]), b"")


def resumed(request: ServerRequest) -> Plan | Failure:
    """Return the stream of an earlier response after the last event that the client has, each event at its time."""
    stream, number = _place(request)
    stored = request.object_lookup.stored(_name(STORED, stream, request))
    timeline = None if stored is None else stored.timeline
    if stored is None or timeline is None or number is None or number >= len(timeline.events):
        return refusal(SERVER_ERROR, "Invalid event ID", 400)
    if timeline.elapsed(request.monotonic) > timeline.events[-1][0] + RESUMABLE:
        return refusal(SERVER_ERROR, "The stream of this event ID is no longer stored", 400)
    rest = events_after(timeline, number, request.monotonic)
    state = object_of(loads(stored.request_body))
    places = range(number + 1, len(timeline.events))
    ids = (state["ids"][place] if state["ids"] else f"{stream}_{place}" for place in places)
    plan = Plan(ResponseHead(OK, SSE), tuple(_with_ids(rest, ids)), Framing.SSE)
    return plan if state["wait"] is None else _waiting(plan, *state["wait"])


def _waiting(rest: Plan, key: str, names: Sequence[str]) -> Plan:
    """Return the rest of a stream that waits for its client: the events before the last are questions."""
    *events, last = rest.steps
    steps = (replace(step, kind="ping") if type(step) is EventStep else step for step in events)
    wanted = ExpectedResponses(key, tuple(names), resumes=True)
    return replace(rest, steps=(*steps, last), delivery=Delivery(expected_responses=wanted))


def _place(request: ServerRequest) -> tuple[str, int | None]:
    """Return the stream of the event that the client names, and the event's number in it; None for an unknown one."""
    id = request.headers[LAST_EVENT_HEADER]
    recorded = request.object_lookup.stored(_name(STORED_EVENT, id, request))
    if recorded is not None:
        place: list[Json] = loads(recorded.request_body)
        return place[0], place[1]
    stream, _, number = id.rpartition("_")
    is_number = number.isdecimal() and len(number) <= MAX_DIGITS and str(int(number)) == number
    return stream, int(number) if is_number else None


def _resumes(request: RpcRequest) -> bool:
    return not (request.modern or request.over_stdio)


def _with_ids(steps: Iterable[Step], ids: Iterable[str | None]) -> Iterator[Step]:
    """Yield the steps, the events with these ids."""
    unused = iter(ids)
    return (replace(step, id=next(unused)) if type(step) is EventStep else step for step in steps)


def _name(kind: str, id: str, request: ServerRequest) -> str:
    return request.stored_name(kind, f"{request.client_session or ''} {id}")
