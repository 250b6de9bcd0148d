"""The job that makes a video, as the events of a background response: queued, in progress, completed or failed, and
the video itself. No timer runs: the state follows from the time, or from the number of reads.

Source: `Video` and the polling of `videos.create_and_poll` in the SDK 3.52; no recording was at hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mockllm.core.json.codec import Json, loads
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.plan import EventStep, Step, WaitStep
from mockllm.core.request.stored_objects import Timeline, state_seconds

QUEUED: Final = "video.queued"
IN_PROGRESS: Final = "video.in_progress"
COMPLETED: Final = "video.completed"
FAILED: Final = "video.failed"
CONTENT: Final = "video.content"
DEFAULT_QUEUED: Final = 0.2
DEFAULT_IN_PROGRESS: Final = 0.5
"""Seconds of the states where no scenario sets them."""
EXPIRES: Final = 3600
"""Seconds until the time that a video names for its end."""


def timed(steps: Iterator[Step], pace: Pacing) -> Iterator[Step]:
    """Yield the events with the waits of the states. A state that reads count has no wait."""
    waits = {
        IN_PROGRESS: state_seconds(pace.queued, pace.queued_polls, DEFAULT_QUEUED) * pace.slowdown,
        COMPLETED: state_seconds(pace.in_progress, pace.in_progress_polls, DEFAULT_IN_PROGRESS)
        * pace.slowdown,
    }
    waits[FAILED] = waits[COMPLETED]
    for step in steps:
        if isinstance(step, EventStep):
            wait = waits.get(step.event or "", 0.0)
            if wait > 0:
                yield WaitStep(wait, 0)
            yield step


def has_ended(timeline: Timeline, monotonic: float) -> bool:
    """Return whether the video is completed or has failed."""
    return not timeline.polled and timeline.elapsed(monotonic) >= timeline.events[-1][0]


def state_at(timeline: Timeline, monotonic: float) -> dict[str, Json]:
    """Return the video object as a read at this time finds it."""
    states = [event for event in timeline.events if event[1] != CONTENT]
    if has_ended(timeline, monotonic):
        return last_state(timeline)
    if timeline.polled:
        return _object(states[0 if timeline.polls < timeline.queued_polls else 1])
    past = [event for event in states if event[0] <= timeline.elapsed(monotonic)]
    video = _object(past[-1] if past else states[0])
    if video["status"] == "in_progress":
        began, end = states[1][0], states[-1][0]
        video["progress"] = min(
            99, int(100 * (timeline.elapsed(monotonic) - began) / max(0.001, end - began))
        )
    return video


def last_state(timeline: Timeline) -> dict[str, Json]:
    """Return the video object at its end."""
    last = [event for event in timeline.events if event[1] != CONTENT][-1]
    video = _object(last)
    if last[1] == COMPLETED:
        video["completed_at"] = video["created_at"] + int(last[0])
        video["expires_at"] = video["completed_at"] + EXPIRES
    return video


def content(timeline: Timeline) -> bytes | None:
    """Return the bytes of the video; None of one that has failed."""
    return next((payload for _, name, payload in timeline.events if name == CONTENT), None)


def _object(event: tuple[float, str, bytes]) -> dict[str, Json]:
    return object_of(loads(event[2]))
