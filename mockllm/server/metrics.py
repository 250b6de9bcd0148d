"""Metrics of all requests that are not hidden: counters by endpoint, model, rule and status, histograms of times, and
a time series.

The journal passes on each request when it ends, and equal responses of the cache together, once a second or on
demand. A counter would take much of the time of such a response. Label sets are bounded, because clients choose the
model; further values are counted as `other`.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec import Struct, field

from mockllm.core.redaction import Redactor, secrets_of
from mockllm.core.rendering.framing import plan_duration
from mockllm.core.rendering.placeholders import PlaceholderStep
from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, RawStep, Step, WaitStep
from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.core.request.request import Request
from mockllm.server.access_log import printable_line
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.journal.entry import endpoint, headers_and_body

BOUNDS: Final = tuple(
    round(digit * 10.0**power, 7) for power in range(-4, 3) for digit in (1, 1.5, 2, 3, 5, 7)
)
"""Upper bounds of the histograms' buckets, in seconds: 0.1 ms to 700 s."""
_BUCKET: Final = partial(bisect_left, BOUNDS)
MAX_LABEL_VALUES: Final = 200
"""Most models, and most rules, with separate counters."""
MAX_SERIES: Final = 1_000
"""Most combinations of endpoint, model, rule and status; further ones have the model and rule `other`."""
MAX_STORED_SECONDS: Final = 600
"""Length of the time series in seconds."""
MAX_TIMED_WRITES: Final = 256
"""The first writes of a stream, between which gaps are measured."""
MAX_SAMPLED_STEPS: Final = 2_000
"""Most steps of a response that are measured for its size."""
OTHER: Final = "other"
NONE: Final = "none"
"""The label for no value: the endpoint of an unknown path, the rule of an unmatched request."""


class Histogram(Struct):
    """Counts of values by bucket; the last bucket has no upper bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0
    most: float = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(BOUNDS, value)] += 1
        self.total += value
        self.most = max(self.most, value)

    def add_all(self, values: Sequence[float], buckets: Mapping[int, int]) -> None:
        """Add many values at a third of the cost of single ones; `buckets` counts the values of each bucket."""
        for index, count in buckets.items():
            self.counts[index] += count
        self.total += sum(values)
        self.most = max(self.most, max(values))

    def merge(self, other: Histogram) -> None:
        """Add the values of another histogram."""
        self.counts = [mine + others for mine, others in zip(self.counts, other.counts, strict=True)]
        self.total += other.total
        self.most = max(self.most, other.most)

    @property
    def count(self) -> int:
        return sum(self.counts)

    def percentile(self, share: float) -> float | None:
        """Return the percentile of a share, interpolated within its bucket; None without values."""
        count = self.count
        if not count:
            return None
        rank, passed = share * count, 0
        for index, number in enumerate(self.counts):
            if number and passed + number >= rank:
                low = BOUNDS[index - 1] if index else 0.0
                high = BOUNDS[index] if index < len(BOUNDS) else self.most
                return min(low + (high - low) * (rank - passed) / number, self.most)
            passed += number
        return self.most


class EndpointCounters(Struct):
    """Counters of one endpoint."""

    requests: int = 0
    errors: int = 0
    """Responses of status 400 and above."""
    unmatched: int = 0
    end_reasons: Counter[str] = field(default_factory=Counter)
    """Reasons why responses did not complete."""
    faults: Counter[str] = field(default_factory=Counter)
    durations: Histogram = field(default_factory=Histogram)
    ttft: Histogram = field(default_factory=Histogram)
    gaps: Histogram = field(default_factory=Histogram)

    def merge(self, other: EndpointCounters) -> None:
        """Add the counters of the same endpoint of another process."""
        self.requests += other.requests
        self.errors += other.errors
        self.unmatched += other.unmatched
        self.end_reasons.update(other.end_reasons)
        self.faults.update(other.faults)
        for mine, others in (
            (self.durations, other.durations),
            (self.ttft, other.ttft),
            (self.gaps, other.gaps),
        ):
            mine.merge(others)


class Series(NamedTuple):
    """The labels of a counter."""

    endpoint: str
    model: str
    rule: str
    status: int


class SecondCounters(Struct):
    """One second of the time series; `duration` is a sum. `bytes` is the approximate size of all bodies."""

    epoch_second: int
    requests: int = 0
    errors: int = 0
    unmatched: int = 0
    duration: float = 0.0
    bytes: int = 0


class Metrics:
    """Counts the exchanges that the journal passes on."""

    def __init__(self) -> None:
        self.on_reset: Callable[[], None] | None = None
        """Called when the metrics of a supervisor are reset, which merges those of its workers: resets theirs, too.
        None in a process that counts itself."""
        self.responses_in_flight: Mapping[type[Request], int] = {}
        """As `App.responses_in_flight`."""
        self.reset()

    def reset(self) -> None:
        if self.on_reset is not None:
            self.on_reset()
        self.since = time.time()
        self.endpoints: dict[str, EndpointCounters] = {}
        self.series: Counter[Series] = Counter()
        self.late = Histogram()
        """Delays of the last write of played responses behind their planned end."""
        self._seconds: deque[SecondCounters] = deque(maxlen=MAX_STORED_SECONDS)
        self._in_flight: deque[tuple[int, int]] = deque(maxlen=MAX_STORED_SECONDS)
        self._models: set[str] = set()
        self._rules: set[str] = set()

    def count_one(self, ended: EndedExchange) -> None:
        """Count an exchange with a response of its own, or one that a player played."""
        counters = self._count(ended, [ended.duration])
        counters.durations.add(ended.duration)
        if ended.end_reason != "finished":
            counters.end_reasons[ended.end_reason] += 1
        if ended.write_times is not None:
            self._stream(ended, counters)
        elif ended.response.content.framing is not Framing.PLAIN and ended.end_reason == "finished":
            counters.ttft.add(ended.duration)

    def count_cached(self, ended: EndedExchange, durations: Sequence[float]) -> None:
        """Count exchanges with the cached response and the model of this one. `durations` holds the seconds of each.
        Their responses were each sent in one write: a stream's first chunk was sent with its last."""
        counters = self._count(ended, durations)
        buckets = Counter(map(_BUCKET, durations))
        counters.durations.add_all(durations, buckets)
        if ended.response.content.framing is not Framing.PLAIN:
            counters.ttft.add_all(durations, buckets)

    def seconds(self) -> Iterator[SecondCounters]:
        """Return the time series, oldest first; seconds without a request are left out."""
        return iter(tuple(self._seconds))

    def merge(self, other: Metrics) -> None:
        """Add the counters of another process. `since` becomes the earlier one."""
        self.since = min(self.since, other.since)
        for name, counters in other.endpoints.items():
            self.endpoints.setdefault(name, EndpointCounters()).merge(counters)
        self.series.update(other.series)
        self.late.merge(other.late)
        by_time = {second.epoch_second: second for second in self._seconds}
        for second in other._seconds:
            mine = by_time.setdefault(second.epoch_second, SecondCounters(second.epoch_second))
            mine.requests += second.requests
            mine.errors += second.errors
            mine.unmatched += second.unmatched
            mine.duration += second.duration
            mine.bytes += second.bytes
        self._seconds = deque(
            sorted(by_time.values(), key=lambda second: second.epoch_second), MAX_STORED_SECONDS
        )
        in_flight = Counter(dict(self._in_flight))
        in_flight.update(dict(other._in_flight))
        self._in_flight = deque(sorted(in_flight.items()), MAX_STORED_SECONDS)

    def sample_in_flight(self, now: float) -> None:
        """Store how many responses are in flight, `now` in seconds since the epoch."""
        count, second = sum(self.responses_in_flight.values()), int(now)
        if self._in_flight and self._in_flight[-1][0] == second:
            self._in_flight[-1] = (second, max(count, self._in_flight[-1][1]))
        elif count:
            self._in_flight.append((second, count))

    def in_flight(self) -> Mapping[int, int]:
        """Return the most responses in flight that were seen in each second; seconds with none are left out."""
        return dict(self._in_flight)

    def _count(self, ended: EndedExchange, durations: Sequence[float]) -> EndpointCounters:
        response, count = ended.response, len(durations)
        name = (endpoint(ended.request_class) if ended.request_class is not None else None) or NONE
        counters = self.endpoints.get(name)
        if counters is None:
            counters = self.endpoints[name] = EndpointCounters()
        failed = count if response.status >= 400 else 0
        unmatched = count if response.unmatched else 0
        counters.requests += count
        counters.errors += failed
        counters.unmatched += unmatched
        for fault in response.faults:
            counters.faults[fault] += count
        model, rule = (
            _label(ended.model, self._models, ended),
            _label(response.responder_id, self._rules, ended),
        )
        series = Series(name, model, rule, response.status)
        if series not in self.series and len(self.series) >= MAX_SERIES:
            series = Series(name, OTHER, OTHER, response.status)
        self.series[series] += count
        now = int(ended.now)
        if not self._seconds or self._seconds[-1].epoch_second < now:
            self._seconds.append(SecondCounters(now))
        second = self._seconds[-1]
        second.requests += count
        second.errors += failed
        second.unmatched += unmatched
        second.duration += sum(durations)
        until = ended.duration if ended.end_reason != "finished" else None
        second.bytes += count * _size(response.content, _placeholder_values(ended), until)
        return counters

    def _stream(self, ended: EndedExchange, counters: EndpointCounters) -> None:
        times = ended.write_times
        assert times is not None
        first, planned = ended.planned_times or planned_times(ended.response.content)
        scale = ended.response.time_scale
        first, planned = first * scale, planned * scale
        streamed = ended.response.content.framing is not Framing.PLAIN
        first_chunk = next((at for at in times if streamed and at - ended.monotonic >= first - 1e-6), None)
        if first_chunk is not None:
            counters.ttft.add(first_chunk - ended.monotonic)
        for before, after in pairwise(times[:MAX_TIMED_WRITES]):
            if first_chunk is not None and before >= first_chunk:
                counters.gaps.add(after - before)
        if ended.end_reason == "finished" and planned and times:
            self.late.add(max(0.0, times[-1] - ended.monotonic - planned))


def planned_times(content: Plan | PrerenderedResponse) -> tuple[float, float]:
    """Return the seconds to the first chunk of a plan, and to its end."""
    first, total = None, content.delay
    for step in content.steps:
        if isinstance(step, WaitStep):
            total += step.seconds
        elif first is None and step.chunk_number:
            first = total
    if isinstance(content, Plan):
        total = plan_duration(content)
    return (content.delay if first is None else first), total


def _placeholder_values(ended: EndedExchange) -> Sequence[bytes]:
    """Return the values of the placeholders of a response."""
    response = ended.response
    if ended.id_seed is not None:
        response = response.refilled(ended.id_seed, ended.now, ended.input_tokens)
    return response.placeholder_values


def _size(content: Plan | PrerenderedResponse, values: Sequence[bytes], until: float | None) -> int:
    """Return about the size of a body without its framing; for a cut response only the steps scheduled until the cut.
    The size of a long one is estimated by some of its steps. `values` are those of its placeholders."""
    steps = content.steps
    stride = len(steps) // MAX_SAMPLED_STEPS + 1
    if stride > 1:
        steps, until = steps[::stride], None
    return stride * sum(
        [
            len(step.payload) if type(step) is EventStep
            else len(step.filled_bytes(values)) if type(step) is PlaceholderStep
            else len(step.data) if type(step) is RawStep
            else 0
            for step in (steps if until is None else scheduled_steps(steps, until - content.delay))
        ]
    )  # fmt: skip


def scheduled_steps(
    steps: Iterable[Step | PlaceholderStep], seconds: float
) -> Iterator[Step | PlaceholderStep]:
    """Yield the steps that are scheduled within these seconds, up to a cut."""
    for step in steps:
        if isinstance(step, CutStep):
            return
        if isinstance(step, WaitStep):
            seconds -= step.seconds
            if seconds < 0:
                return
        yield step


def _label(name: str | None, known: set[str], ended: EndedExchange) -> str:
    """Return the label of a name. Names that print alike have one label: each label has one time series."""
    if not name:
        return NONE
    if name not in known:
        if len(known) >= MAX_LABEL_VALUES or len(name) > 200:
            return OTHER
        # the client may have sent a key as the model
        redactor = Redactor(secrets_of(headers_and_body(ended)[0].items(), ended.target))
        name = printable_line(redactor.text(name))
        known.add(name)
    return name
