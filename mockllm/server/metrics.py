"""What is counted of all requests: by endpoint, model, rule and status, how long they took, second by second.

The journal hands on what passed by, once a second or when somebody asks, so that no answer waits for a counter.
Label sets are bounded: clients choose models, and what is too many is counted as `other`.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec import Struct, field

from mockllm.core.redaction import redact_text
from mockllm.core.rendering.framing import lasting
from mockllm.core.rendering.placeholders import ByteTemplate
from mockllm.core.rendering.plan import CutStep, EventStep, Framing, Plan, RawStep, Step, WaitStep
from mockllm.core.rendering.prerendered_response import PrerenderedResponse
from mockllm.server.exchange import Exchange
from mockllm.server.journal.entry import endpoint

BOUNDS: Final = tuple(
    round(digit * 10.0**power, 7) for power in range(-4, 3) for digit in (1, 1.5, 2, 3, 5, 7)
)
"""Upper bounds of the histograms' buckets, in seconds: 0.1 ms to 700 s."""
_PLACE: Final = partial(bisect_left, BOUNDS)
KINDS: Final = 200
"""So many models, and so many rules, have counters of their own."""
SERIES: Final = 1_000
"""So many combinations of endpoint, model, rule and status; in others model and rule are not told."""
SECONDS: Final = 600
"""So long the time series reach back."""
GAPS: Final = 256
"""So many gaps between the chunks of one stream are looked at."""
OTHER: Final = "other"
NONE: Final = "none"
"""In place of what there is none of: the endpoint of a path that no protocol knows, the rule of a miss."""


class Histogram(Struct):
    """How often a value fell in each bucket; the last has no upper bound."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0
    most: float = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(BOUNDS, value)] += 1
        self.total += value
        self.most = max(self.most, value)

    def add_all(self, values: Sequence[float], places: Mapping[int, int]) -> None:
        """Many at once, at a third of what each by itself costs; `places` is how many fall in which bucket."""
        for place, count in places.items():
            self.counts[place] += count
        self.total += sum(values)
        self.most = max(self.most, max(values))

    @property
    def count(self) -> int:
        return sum(self.counts)

    def percentile(self, share: float) -> float | None:
        """The value that so large a share is not above, interpolated within its bucket; None of nothing."""
        count = self.count
        if not count:
            return None
        wanted, passed = share * count, 0
        for place, number in enumerate(self.counts):
            if number and passed + number >= wanted:
                low = BOUNDS[place - 1] if place else 0.0
                high = BOUNDS[place] if place < len(BOUNDS) else self.most
                return min(low + (high - low) * (wanted - passed) / number, self.most)
            passed += number
        return self.most


class EndpointCounters(Struct):
    """What is counted of one endpoint."""

    requests: int = 0
    errors: int = 0
    """Answers of status 400 and more."""
    missed: int = 0
    left: Counter[str] = field(default_factory=Counter)
    """How clients left, but for those who had the whole answer."""
    faults: Counter[str] = field(default_factory=Counter)
    took: Histogram = field(default_factory=Histogram)
    ttft: Histogram = field(default_factory=Histogram)
    gaps: Histogram = field(default_factory=Histogram)


class Series(NamedTuple):
    """The labels of a counter."""

    endpoint: str
    model: str
    rule: str
    status: int


class SecondCounters(Struct):
    """One second of the time series; `took` is a sum. `bytes` are those of the answers' bodies, about."""

    at: int
    requests: int = 0
    errors: int = 0
    missed: int = 0
    took: float = 0.0
    bytes: int = 0


class Metrics:
    """See above; the journal's watch."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begins anew."""
        self.since = time.time()
        self.endpoints: dict[str, EndpointCounters] = {}
        self.series: Counter[Series] = Counter()
        self.late = Histogram()
        """How late the last part of a paced answer left."""
        self._seconds: deque[SecondCounters] = deque(maxlen=SECONDS)
        self._models: set[str] = set()
        self._rules: set[str] = set()

    def one(self, seen: Exchange) -> None:
        found = self._count(seen, [seen.took])
        found.took.add(seen.took)
        for fault in seen.response.faults:
            found.faults[fault] += 1
        if seen.left != "finished":
            found.left[seen.left] += 1
        if seen.times is not None:
            self._stream(seen, found)
        elif _streamed(seen) and seen.left == "finished":
            found.ttft.add(seen.took)

    def many(self, seen: Exchange, took: Sequence[float]) -> None:
        """All of them left in one write: of a stream the first chunk left with the last one."""
        found = self._count(seen, took)
        for fault in seen.response.faults:
            found.faults[fault] += len(took)
        places = Counter(map(_PLACE, took))
        found.took.add_all(took, places)
        if _streamed(seen):
            found.ttft.add_all(took, places)

    def seconds(self) -> Iterator[SecondCounters]:
        """The time series, oldest first; seconds without a request are left out."""
        return iter(tuple(self._seconds))

    def _count(self, seen: Exchange, took: Sequence[float]) -> EndpointCounters:
        answer, count = seen.response, len(took)
        name = (endpoint(seen.kind) if seen.kind is not None else None) or NONE
        found = self.endpoints.setdefault(name, EndpointCounters())
        failed = count if answer.status >= 400 else 0
        missed = count if answer.missed else 0
        found.requests += count
        found.errors += failed
        found.missed += missed
        model, rule = _known(seen.model, self._models), _known(answer.rule, self._rules)
        series = Series(name, model, rule, answer.status)
        if series not in self.series and len(self.series) >= SERIES:
            series = Series(name, OTHER, OTHER, answer.status)
        self.series[series] += count
        now = int(seen.at)
        if not self._seconds or self._seconds[-1].at < now:
            self._seconds.append(SecondCounters(now))
        second = self._seconds[-1]
        second.requests += count
        second.errors += failed
        second.missed += missed
        second.took += sum(took)
        second.bytes += count * _size(answer.made, seen.took if seen.left != "finished" else None)
        return found

    def _stream(self, seen: Exchange, found: EndpointCounters) -> None:
        times = seen.times
        assert times is not None
        first, planned = _planned(seen.response.made)
        streamed = _streamed(seen)
        said = next((at for at in times if streamed and at - seen.since >= first - 1e-6), None)
        if said is not None:
            found.ttft.add(said - seen.since)
        for before, after in pairwise(times[:GAPS]):
            if said is not None and before >= said:
                found.gaps.add(after - before)
        if seen.left == "finished" and planned:
            self.late.add(max(0.0, times[-1] - seen.since - planned))


def _streamed(seen: Exchange) -> bool:
    return seen.response.made.framing is not Framing.PLAIN


def _planned(made: Plan | PrerenderedResponse) -> tuple[float, float]:
    """Seconds to the first chunk of a plan, and to its end."""
    first, total = None, made.delay
    for step in made.templates if isinstance(made, PrerenderedResponse) else made.steps:
        if isinstance(step, WaitStep):
            total += step.seconds
        elif first is None and step.chunk_index:
            first = total
    if isinstance(made, Plan):
        total = lasting(made)
    return (made.delay if first is None else first), total


def _size(made: Plan | PrerenderedResponse, until: float | None) -> int:
    """The bytes of an answer's body, without what frames them; of one that was left, those that were due then."""
    steps = made.templates if isinstance(made, PrerenderedResponse) else made.steps
    return sum(
        [
            len(step.payload) if type(step) is EventStep
            else sum([len(part) for part in step.parts]) if type(step) is ByteTemplate
            else len(step.data) if type(step) is RawStep
            else 0
            for step in (steps if until is None else _due(steps, until - made.delay))
        ]
    )  # fmt: skip


def _due(steps: Iterable[Step | ByteTemplate], seconds: float) -> Iterator[Step | ByteTemplate]:
    """The steps before so many seconds of waits have passed, up to a cut."""
    for step in steps:
        if isinstance(step, CutStep):
            return
        if isinstance(step, WaitStep):
            seconds -= step.seconds
            if seconds < 0:
                return
        yield step


def _known(name: str | None, known: set[str]) -> str:
    """The name as a label."""
    if name is None:
        return NONE
    if name not in known:
        if len(known) >= KINDS or len(name) > 200:
            return OTHER
        name = redact_text(name)  # who sends a key in place of a model
        known.add(name)
    return name
