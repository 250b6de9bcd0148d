"""The time scale: the clock of scenarios, and how fast the own clock of a client runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

CLOCK_HEADER: Final = "x-mockllm-clock"
"""The header of a client whose clock runs in the scenario's time: Node's under `mockllm exec --time-scale`."""
SCENARIO: Final = "scenario"
MIN_TIME_SCALE: Final = 0.0001
"""The smallest factor: below it a minute of a scenario is shorter than the precision of the server's waits."""


class ScenarioClock(NamedTuple):
    """The clock of a scenario: the seconds of a monotonic clock, divided by a factor, and an offset."""

    scale: float = 1.0
    offset: float = 0.0

    def time(self, monotonic: float) -> float:
        return monotonic / self.scale + self.offset

    def with_scale(self, scale: float, monotonic: float) -> ScenarioClock:
        """Return a clock with another factor that shows the same time at this moment."""
        return ScenarioClock(scale, self.time(monotonic) - monotonic / scale)


def reported_time_scale(headers: Mapping[str, str], scale: float) -> float:
    """Return the factor on times that a response reports: 1 for a client whose clock has the same scale."""
    return 1.0 if headers.get(CLOCK_HEADER) == SCENARIO else scale
