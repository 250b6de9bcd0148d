"""Background responses: what a request with `background: true` gets, and the state of the response at any time.

A background response is its stream, each event at its time; no timer runs. It is queued until `response.in_progress`,
and ends with the last event. Sources: the SDK's `Responses.create` and `Responses.retrieve`, and the events
`ResponseQueuedEvent` and `ResponseInProgressEvent`; no recording was at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json, loads
from mockllm.core.rendering.framing import lasting
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.plan import BackgroundRun, EventStep, Plan, Step, WaitStep
from mockllm.core.request.stored_responses import StoredResponse, Timeline
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import BODY_HEAD, body_plan
from mockllm.dialects.openai.request_fields import object_of
from mockllm.dialects.openai.responses.history import response_object

QUEUED: Final = "response.queued"
IN_PROGRESS: Final = "response.in_progress"
ITEM_DONE: Final = "response.output_item.done"
DEFAULT_QUEUED: Final = 0.2
DEFAULT_IN_PROGRESS: Final = 0.5
"""Seconds of the states where no scenario sets them."""


def in_background(stream: Plan, pace: Pacing, stamp: ResponseIdentity, *, streamed: bool) -> Plan:
    """Return the response to a client that does not wait; its `background` is the whole stream."""
    whole = replace(stream, steps=tuple(_timed(stream, pace)))
    run = BackgroundRun(whole, pace.queued_polls or 0, pace.in_progress_polls or 0)
    if streamed:
        return replace(whole, background=run)
    first = next(step for step in whole.steps if isinstance(step, EventStep))
    return replace(body_plan(loads(first.payload)["response"], stamp, BODY_HEAD, end=b""), background=run)


def _timed(stream: Plan, pace: Pacing) -> Iterator[Step]:
    """Yield the steps with the waits of the states. A state that reads count has no wait."""
    queued = _seconds(pace.queued, pace.queued_polls, DEFAULT_QUEUED) * pace.slowdown
    in_progress = _seconds(pace.in_progress, pace.in_progress_polls, DEFAULT_IN_PROGRESS) * pace.slowdown
    for step in stream.steps:
        begins = isinstance(step, EventStep) and step.event == IN_PROGRESS
        if begins and queued > 0:
            yield WaitStep(queued, 0)
        yield step
        if begins and in_progress > (lasts := lasting(stream)):
            yield WaitStep(in_progress - lasts, 0)


def _seconds(time: float | None, polls: int | None, default: float) -> float:
    if time is not None:
        return time
    return default if polls is None else 0.0


def timeline_of(run: BackgroundRun, began: float) -> Timeline:
    """Return the events of a background response that began at a time of a clock that is never set."""
    events: list[tuple[float, str, bytes]] = []
    seconds = 0.0
    for step in run.plan.steps:
        if isinstance(step, WaitStep):
            seconds += step.seconds
        elif isinstance(step, EventStep):
            events.append((seconds, step.event or "", step.payload))
    return Timeline(began, tuple(events), run.queued_polls, run.in_progress_polls)


def has_ended(timeline: Timeline, now: float) -> bool:
    """Return whether a background response has its last event, or was cancelled."""
    if timeline.cancelled is not None:
        return True
    return not timeline.polled and timeline.elapsed(now) >= timeline.events[-1][0]


def response_at(stored: StoredResponse, now: float) -> dict[str, Json]:
    """Return the response object as a read at this time finds it."""
    timeline = stored.timeline
    if timeline is None or (timeline.cancelled is None and has_ended(timeline, now)):
        return response_object(stored.response_body)
    past = [event for event in timeline.events if event[0] <= timeline.elapsed(now)]
    status = "in_progress" if any(name == IN_PROGRESS for _, name, _ in past) else "queued"
    if timeline.polls < timeline.queued_polls:
        status = "queued"
    elif timeline.polled:
        status = "in_progress"
    if timeline.cancelled is not None:
        status = "cancelled"
    output = [loads(payload)["item"] for _, name, payload in past if name == ITEM_DONE]
    opening = object_of(loads(timeline.events[0][2])["response"])
    return {**opening, "status": status, "output": [] if status == "queued" else output}


def events_after(timeline: Timeline, number: int, now: float) -> Iterator[Step]:
    """Yield the events behind the sequence number, each at its time; of a cancelled response those before its end."""
    elapsed, last = timeline.elapsed(now), len(timeline.events) - 1
    for place, (seconds, name, payload) in enumerate(timeline.events):
        if place <= number:
            continue
        if seconds > elapsed:
            if timeline.cancelled is not None:
                return
            yield WaitStep(seconds - elapsed, 0)
            elapsed = seconds
        yield EventStep(payload, 0, "end" if place == last else "open", name)
