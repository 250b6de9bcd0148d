"""The time scale of a request: how fast its client's own clock runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CLOCK_HEADER: Final = "x-mockllm-clock"
"""The header of a client whose clock runs in the scenario's time: Node's under `mockllm exec --time-scale`."""
SCENARIO: Final = "scenario"
MIN_TIME_SCALE: Final = 0.0001
"""The smallest factor: below it a minute of a scenario is shorter than the precision of the server's waits."""


def reported_time_scale(headers: Mapping[str, str], scale: float) -> float:
    """Return the factor on times that a response reports: 1 for a client whose clock has the same scale."""
    return 1.0 if headers.get(CLOCK_HEADER) == SCENARIO else scale
