"""The measurements of a benchmark, by neutral names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from msgspec import Struct


class UnreadableResult(Exception):
    """A file is no result of a known benchmark, or has nothing that can be used. The message says why."""


class MeasuredRequest(Struct, frozen=True):
    """One request, or the mean of many. It has the tokens of its prompt, and the seconds to its first token and to
    its end. The seconds between two of its tokens are None if it had only one."""

    tokens: float
    ttft: float
    took: float
    itl: float | None = None


class BenchmarkRun(Struct, frozen=True):
    """One run under the same conditions. `completed` requests ended in `duration` seconds, and `requests` are some of
    them. `clients` sent at the same time, if the result says so."""

    requests: Sequence[MeasuredRequest]
    completed: int
    duration: float
    clients: int | None = None

    def mean_concurrency(self, seconds: Callable[[MeasuredRequest], float]) -> float:
        """Return how many requests were in a phase on average, each for so many seconds (Little's law)."""
        return fmean(map(seconds, self.requests)) * self.completed / self.duration

    @property
    def concurrency(self) -> float:
        """The number of requests that were open on average."""
        return self.mean_concurrency(lambda request: request.took)
