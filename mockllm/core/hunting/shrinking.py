"""Shrinking: from a schedule that fails to the smallest one that fails in the same way.

First, ddmin reduces the number of disturbances. Then each one is made simpler, until nothing can be removed.
Source: Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import TypeAlias

from msgspec.structs import replace

from mockllm.core.hunting.disturbance import Disturbance, Schedule, schedule_key
from mockllm.core.hunting.disturbance_types import DISTURBANCES, contradict
from mockllm.core.json.codec import Json

Shrinking: TypeAlias = Generator[Schedule, bool, Schedule]
"""Yields schedules to try, is sent whether each one fails in the same way, and returns the smallest."""


def shrink(schedule: Schedule) -> Shrinking:
    """Shrink a schedule that fails."""
    schedule = yield from _ddmin(schedule)
    tried = {schedule_key(schedule)}
    progress = True
    while progress:
        progress = False
        for candidate in simpler_schedules(schedule):
            if contradict(candidate) or (key := schedule_key(candidate)) in tried:
                continue
            tried.add(key)
            if (yield candidate):
                schedule, progress = candidate, True
                break
    return schedule


def _ddmin(schedule: Schedule) -> Shrinking:
    parts = 2
    while len(schedule) >= 2:
        size = max(1, len(schedule) // parts)
        starts = range(0, len(schedule), size)
        complements = [(*schedule[:at], *schedule[at + size :]) for at in starts]
        subsets = [schedule[at : at + size] for at in starts]
        found = None
        for candidate in subsets if parts == 2 else [*subsets, *complements]:
            if (yield candidate):
                found = candidate
                break
        if found is not None:
            schedule, parts = found, 2
        elif parts >= len(schedule):
            break
        else:
            parts = min(len(schedule), parts * 2)
    return schedule


def simpler_schedules(schedule: Schedule) -> Iterator[Schedule]:
    """Yield schedules with one disturbance made simpler, the greatest steps first."""
    for number, disturbance in enumerate(schedule):
        for changed in simpler(disturbance):
            yield (*schedule[:number], changed, *schedule[number + 1 :])


def simpler(disturbance: Disturbance) -> Iterator[Disturbance]:
    """Yield simpler forms of a disturbance: fewer requests, an earlier one, no condition, simpler settings."""
    if disturbance.times is None:
        yield replace(disturbance, times=1)
    elif disturbance.times > 1:
        yield replace(disturbance, times=1)
        yield replace(disturbance, times=disturbance.times - 1)
    if disturbance.skip:
        yield replace(disturbance, skip=0)
    if disturbance.skip > 1:
        yield replace(disturbance, skip=disturbance.skip // 2)
    if disturbance.match:
        yield replace(disturbance, match={})
    for form in _simpler_forms(disturbance):
        yield replace(disturbance, settings=form)


def _simpler_forms(disturbance: Disturbance) -> Iterator[Mapping[str, Json]]:
    """Yield the forms before its own in the table, and its own with fewer faults."""
    faults = disturbance.settings.get("faults")
    if isinstance(faults, list) and len(faults) > 1:
        yield from ({**disturbance.settings, "faults": [fault]} for fault in faults)
    for form in DISTURBANCES[disturbance.kind].forms:
        if form == disturbance.settings:
            return
        yield form
