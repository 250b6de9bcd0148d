"""Counts the requests of an inference server: those that run and wait, and the times and tokens of those that ended.

The metrics contain no text and no key.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Final

from mockllm.core.rendering.placeholders import PlaceholderStep
from mockllm.core.rendering.plan import Framing, Step
from mockllm.core.request.request import Request
from mockllm.dialects.listing import LISTED_BY_NAME
from mockllm.dialects.serving_metrics_form import CounterKind, GaugeKind, HistogramKind, ServingMetricsForm
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.exchange import Exchange
from mockllm.server.metrics import MAX_TIMED_WRITES, planned_times, scheduled_steps
from mockllm.state.fetched_objects import call_or_default_if_missing

BAD: Final = 400
"""Responses with this status or a higher one are no successful requests."""


class BoundedHistogram:
    """Counts of values in buckets with these upper bounds; the last bucket has none."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def merge(self, other: BoundedHistogram) -> None:
        """Add the values of another histogram with the same bounds."""
        self.counts = [mine + others for mine, others in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


class ServingMetrics:
    """The counts of one provider."""

    def __init__(self, form: ServingMetricsForm) -> None:
        self.form = form
        self.counters: Counter[CounterKind] = Counter()
        self.finished: Counter[str] = Counter()
        self.histograms: dict[HistogramKind, BoundedHistogram] = {
            kind: BoundedHistogram(histogram.bounds) for kind, histogram in form.histograms.items()
        }
        self._in_progress: dict[int, tuple[float, float]] = {}
        """By the exchange's identity: until when it waits, and the part of the cache that it takes."""

    def begin(self, exchange: Exchange, request: Request) -> None:
        """Count a response that takes time."""
        plan = exchange.response.plan
        output = _last_chunk(plan.steps[-4:])
        until = exchange.monotonic + plan.delay * exchange.response.time_scale
        schedule = exchange.response.continuous_batch_times
        capacity = schedule.capacity if schedule is not None and schedule.capacity else self.form.cache_tokens
        input_tokens = call_or_default_if_missing(lambda: request.input_tokens, 0)
        self._in_progress[id(exchange)] = (until, (input_tokens + output) / capacity)

    def end(self, exchange: Exchange, ended: EndedExchange, request: Request) -> None:
        """Count a response that has ended, in any way. `ended` is what remains of the exchange."""
        until, _ = self._in_progress.pop(id(exchange), (exchange.monotonic, 0.0))
        response = exchange.response
        if response.status >= BAD:
            return
        usage = self.form.read(response.plan)
        if usage is None:
            return
        prompt = usage.prompt or call_or_default_if_missing(lambda: request.input_tokens, 0)
        cached = 0 if response.continuous_batch_times is None else response.continuous_batch_times.cached
        streamed = response.content.framing is not Framing.PLAIN
        complete = ended.end_reason == "finished"
        output = usage.output if complete else sent_tokens(ended, usage.output)
        self._add_tokens(prompt, output, max(cached, usage.cached))
        self.finished[usage.finish if complete else self.form.aborted] += 1
        self._add("took", ended.duration)
        queue = min(max(0.0, until - ended.monotonic), ended.duration)
        self._add("queue", queue)
        self._add("inference", ended.duration - queue)
        if complete and streamed and ended.write_times is not None:
            self._add_stream(ended, queue, usage.output)

    def forget(self, exchange: Exchange) -> None:
        """Forget a response that began and is replaced by an error of the server itself."""
        self._in_progress.pop(id(exchange), None)

    def gauges(self, now: float) -> Mapping[GaugeKind, float]:
        """Return how many requests run and wait, and the used part of the cache."""
        running = [part for until, part in self._in_progress.values() if until <= now]
        waiting = len(self._in_progress) - len(running)
        return {"running": len(running), "waiting": waiting, "cache_usage": min(1.0, sum(running))}

    def merge(self, other: ServingMetrics) -> None:
        """Add the counts of another process, and its responses in progress."""
        self.counters.update(other.counters)
        self.finished.update(other.finished)
        for kind, histogram in self.histograms.items():
            histogram.merge(other.histograms[kind])
        first = len(self._in_progress)
        self._in_progress |= {
            -number: part for number, part in enumerate(other._in_progress.values(), first + 1)
        }

    def close(self) -> None:
        """Forget all responses in progress: the process that sent them has ended."""
        self._in_progress.clear()

    def _add_tokens(self, prompt: int, output: int, cached: int) -> None:
        self.counters["prompt_tokens"] += prompt
        self.counters["output_tokens"] += output
        self.counters["cache_queries"] += prompt
        self.counters["cache_hits"] += cached
        self._add("prompt_tokens", prompt)
        self._add("output_tokens", output)

    def _add_stream(self, ended: EndedExchange, queue: float, output: int) -> None:
        """Count the times of a stream that a player played."""
        times = ended.write_times or ()
        first, _ = ended.planned_times or planned_times(ended.response.content)
        due = ended.monotonic + first * ended.response.time_scale - 1e-6
        started = next((at for at in times if at >= due), None)
        if started is None:
            return
        ttft = started - ended.monotonic
        decode = max(0.0, ended.duration - ttft)
        self._add("ttft", ttft)
        self._add("prefill", max(0.0, ttft - queue))
        self._add("decode", decode)
        for before, after in pairwise(times[:MAX_TIMED_WRITES]):
            if before >= started:
                self._add("gap", after - before)
        if output > 1:
            self._add("token_time", decode / (output - 1))

    def _add(self, kind: HistogramKind, value: float) -> None:
        histogram = self.histograms.get(kind)
        if histogram is not None:
            histogram.add(value)


def sent_tokens(ended: EndedExchange, output: int) -> int:
    """Return the tokens in the chunks that an incomplete response has sent; it was planned with `output` tokens."""
    plan, times, scale = ended.response.plan, ended.write_times, ended.response.time_scale
    if times is None:  # written at once
        return output
    if not times:
        return 0
    seconds = (times[-1] - ended.monotonic) / scale + 1e-6 if scale else inf
    due = scheduled_steps(plan.steps, seconds - plan.delay)
    return output * _last_chunk(due) // (_last_chunk(plan.steps) or 1)


def _last_chunk(steps: Iterable[Step | PlaceholderStep]) -> int:
    return max((getattr(step, "chunk_number", 0) for step in steps), default=0)


class AllServingMetrics(dict[str, ServingMetrics]):
    """The counts by provider. A provider without a form has none."""

    def metrics_of(self, request: Request) -> ServingMetrics | None:
        """Return the counts for a request whose class has serving metrics."""
        name = request.provider or ""
        if name not in self:
            provider = LISTED_BY_NAME.get(name)
            form = None if provider is None else provider.provider_object.serving_metrics_form
            if form is None:
                return None
            self[name] = ServingMetrics(form)
        return self[name]

    def merge(self, other: AllServingMetrics) -> None:
        """Add the counts of another process."""
        for name, metrics in other.items():
            self.setdefault(name, ServingMetrics(metrics.form)).merge(metrics)

    def close(self) -> None:
        """Forget all responses in progress: the process that sent them has ended."""
        for metrics in self.values():
            metrics.close()

    def forget(self, exchange: Exchange) -> None:
        """Forget a response that began and is replaced by an error of the server itself."""
        for metrics in self.values():
            metrics.forget(exchange)
