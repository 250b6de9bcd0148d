"""Background responses as protocols share them: a stream whose events have times, and its state at any time.

A background response is its stream, each event at its time; no timer runs. It is queued until one of its events, and
ends with the last event.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from mockllm.core.rendering.framing import plan_duration
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.plan import BackgroundRun, EventStep, Plan, Step, WaitStep
from mockllm.core.request.stored_objects import Timeline, state_seconds

DEFAULT_QUEUED: Final = 0.2
DEFAULT_IN_PROGRESS: Final = 0.5
"""Seconds of the states where no scenario sets them."""


def background_run(stream: Plan, pace: Pacing, in_progress: str) -> BackgroundRun:
    """Return the stream with the waits of its states; `in_progress` names the event that ends the queue."""
    whole = replace(stream, steps=tuple(_timed(stream, pace, in_progress)))
    return BackgroundRun(whole, pace.queued_polls or 0, pace.in_progress_polls or 0)


def _timed(stream: Plan, pace: Pacing, in_progress: str) -> Iterator[Step]:
    """Yield the steps with the waits of the states. A state that reads count has no wait."""
    queued = state_seconds(pace.queued, pace.queued_polls, DEFAULT_QUEUED) * pace.slowdown
    working = state_seconds(pace.in_progress, pace.in_progress_polls, DEFAULT_IN_PROGRESS) * pace.slowdown
    for step in stream.steps:
        begins = isinstance(step, EventStep) and step.event == in_progress
        if begins and queued > 0:
            yield WaitStep(queued, 0)
        yield step
        if begins and working > (lasts := plan_duration(stream)):
            yield WaitStep(working - lasts, 0)


def timeline_of(run: BackgroundRun, began: float) -> Timeline:
    """Return the events of a background response that began at a time of a monotonic clock."""
    events: list[tuple[float, str, bytes]] = []
    seconds = 0.0
    for step in run.plan.steps:
        if isinstance(step, WaitStep):
            seconds += step.seconds
        elif isinstance(step, EventStep):
            events.append((seconds, step.event or "", step.payload))
    return Timeline(began, tuple(events), run.queued_polls, run.in_progress_polls)


def has_ended(timeline: Timeline, monotonic: float) -> bool:
    """Return whether a background response has its last event, or was cancelled."""
    if timeline.cancelled is not None:
        return True
    return not timeline.polled and timeline.elapsed(monotonic) >= timeline.events[-1][0]


def is_queued(timeline: Timeline, monotonic: float, in_progress: str) -> bool:
    """Return whether a response that has not ended waits for its start."""
    if timeline.polls < timeline.queued_polls:
        return True
    if timeline.polled:
        return False
    return all(
        name != in_progress or seconds > timeline.elapsed(monotonic) for seconds, name, _ in timeline.events
    )


def events_after(timeline: Timeline, number: int, monotonic: float) -> Iterator[Step]:
    """Yield the events after the sequence number, each at its time; of a cancelled response those before its end."""
    elapsed, last = timeline.elapsed(monotonic), len(timeline.events) - 1
    for place, (seconds, name, payload) in enumerate(timeline.events):
        if place <= number:
            continue
        if seconds > elapsed:
            if timeline.cancelled is not None:
                return
            yield WaitStep(seconds - elapsed, 0)
            elapsed = seconds
        yield EventStep(payload, 0, "end" if place == last else "open", name)
