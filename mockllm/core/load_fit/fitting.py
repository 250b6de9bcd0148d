"""Fits the settings of a batch to what benchmarks have measured.

The runs with the fewest open requests determine `base` and the speed of the prefill. Their times to the first
token are fitted by a line over the lengths of the prompts. If a request of any run waited longer than that, it
was queued for the difference. The rest of its time it was in the batch, whose mean size follows by Little's
law.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import fmean, median
from typing import Final

from msgspec import Struct

from mockllm.core.load.continuous_batch import BatchCapacity
from mockllm.core.load_fit.benchmark_run import BenchmarkRun, MeasuredRequest, UnreadableResult

QUIET: Final = 1.5
"""Runs with at most so many times as many open requests as the quietest are used for the time to the first token."""
SPREAD: Final = 1.5
"""The longest prompt by the shortest, from which on the speed of the prefill follows from lengths."""
MAX_POINTS: Final = 300
"""Most requests through which a line is drawn: each pair of them is looked at."""
AS_STATED: Final = 0.8
"""The part of its clients from which on a run's batch counts as all clients: at begin and end fewer are open."""
QUEUED: Final = 1.25
"""How many times as many requests are open as are in the batch, where requests surely waited."""


class FittedBatch(Struct, frozen=True):
    """The settings, and remarks on what they rest on."""

    batch: BatchCapacity
    notes: Sequence[str]


def fit_batch(runs: Sequence[BenchmarkRun]) -> FittedBatch:
    """Return the settings that fit all these runs. Raises UnreadableResult without a time between two tokens."""
    notes: list[str] = []
    base, prefill = _prefill(runs, notes)
    by_size: dict[int, list[float]] = {}
    slots = 0
    for run in runs:
        queued = [_queue(request, base, prefill) for request in run.requests]
        rest = fmean(request.took for request in run.requests) - fmean(queued)
        size = rest * run.completed / run.duration
        waited = run.concurrency >= QUEUED * size and fmean(queued) > base
        if not waited and run.clients is not None and AS_STATED * run.clients <= size <= run.clients:
            size = run.clients
        number = max(1, round(size))
        slots = max(slots, number) if waited else slots
        by_size.setdefault(number, []).extend(request.itl for request in run.requests if request.itl)
    itl = tuple((number, median(times)) for number, times in sorted(by_size.items()) if times)
    if not itl:
        raise UnreadableResult("no request has two tokens: there is no time between tokens")
    if slots:
        notes.append(f"requests waited: slots is the largest batch that was seen, {slots}")
    else:
        notes.append(
            f"no run was long enough in the queue to show the slots; the largest batch was {itl[-1][0]}"
        )
    if len(itl) == 1:
        notes.append("all runs had the same batch: the time between tokens does not depend on it")
    return FittedBatch(BatchCapacity(slots or None, None, prefill, base, itl), notes)


def _prefill(runs: Sequence[BenchmarkRun], notes: list[str]) -> tuple[float, float | None]:
    """Return the seconds before each first token, and the tokens of a prompt that are read in a second."""
    least = min(run.concurrency for run in runs)
    points = [
        (request.tokens, request.ttft)
        for run in runs
        if run.concurrency <= QUIET * least
        for request in run.requests
    ]
    if least > QUIET:
        notes.append(f"the quietest run had {least:.1f} open requests: its first tokens may have waited")
    lengths = [tokens for tokens, _ in points]
    slope = _slope(points) if max(lengths) >= SPREAD * max(1.0, min(lengths)) else None
    if slope is None or slope <= 0.0:
        notes.append("the prompts are too equal to fit the speed of the prefill: base has all of the time")
        return median(ttft for _, ttft in points), None
    base = median(ttft - slope * tokens for tokens, ttft in points)
    if base < 0.0:
        slope, base = median(ttft / tokens for tokens, ttft in points if tokens >= 1), 0.0
    return base, 1 / slope


def _slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the median slope of all pairs (Theil and Sen): single late requests do not change it. None if no two
    prompts differ by a token."""
    ordered = sorted(points)
    some = ordered[:: -(-len(ordered) // MAX_POINTS)]
    slopes = [
        (late - early) / (more - less)
        for (less, early), (more, late) in combinations(some, 2)
        if more - less >= 1
    ]
    return median(slopes) if slopes else None


def _queue(request: MeasuredRequest, base: float, prefill: float | None) -> float:
    """Return the seconds for which a request waited."""
    expected = base + (request.tokens / prefill if prefill else 0.0)
    return max(0.0, request.ttft - expected)
