"""`/metrics` for Prometheus: its text format or OpenMetrics, as the scraper's Accept header selects.

`server.metrics` bounds the label sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from mockllm.engine import EngineInfo
from mockllm.server.control.context import ControlContext
from mockllm.server.control.costs import CostCounters
from mockllm.server.control.serving_page import serving_families
from mockllm.server.metrics import BOUNDS, Histogram, Metrics

SHOWN_BUCKETS: Final = tuple(index for index in range(2, len(BOUNDS), 2))
"""Indices of the exposed buckets: every second one, from 0.2 ms on."""


def metrics_page(context: ControlContext, accept: str, costs: CostCounters | None) -> tuple[bytes, str]:
    """Return the page and its content type. Without `costs` it has only the metrics of the provider whose paths need
    no prefix, which have no text of a client."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_ContextCollector(context, costs))
    try:
        encoder, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is not a number
        encoder, content_type = choose_encoder("")
    return encoder(registry), content_type


class _ContextCollector(Collector):
    def __init__(self, context: ControlContext, costs: CostCounters | None) -> None:
        self._context = context
        self._costs = costs

    def collect(self) -> Iterator[Metric]:
        context = self._context
        yield from serving_families(context)
        if self._costs is None:
            return
        context.journal.count_cached()
        yield _requests(context.metrics)
        yield from _responses(context.metrics)
        yield _in_flight(context)
        yield from _catalog(context.engine.info())
        yield from _cost(self._costs)


def _requests(metrics: Metrics) -> Metric:
    requests = CounterMetricFamily(
        "mockllm_requests", "Requests served.", labels=("endpoint", "model", "rule", "status")
    )
    for series, count in metrics.series.items():
        requests.add_metric((*series[:-1], str(series.status)), count)
    return requests


def _responses(metrics: Metrics) -> Iterator[Metric]:
    """Yield the faults, the ends and the durations of responses."""
    faults = CounterMetricFamily("mockllm_faults", "Faults played.", labels=("endpoint", "fault"))
    left = CounterMetricFamily(
        "mockllm_unfinished", "Responses that did not complete.", labels=("endpoint", "how")
    )
    took = HistogramMetricFamily(
        "mockllm_response_seconds",
        "Duration of responses, up to their end or their cut.",
        labels=("endpoint",),
    )
    ttft = HistogramMetricFamily(
        "mockllm_time_to_first_chunk_seconds", "Time to the first chunk of a stream.", labels=("endpoint",)
    )
    gaps = HistogramMetricFamily(
        "mockllm_inter_chunk_seconds", "Time between two chunks of a stream.", labels=("endpoint",)
    )
    for name, counters in metrics.endpoints.items():
        for fault, count in counters.faults.items():
            faults.add_metric((name, fault), count)
        for how, count in counters.end_reasons.items():
            left.add_metric((name, how), count)
        for family, histogram in ((took, counters.durations), (ttft, counters.ttft), (gaps, counters.gaps)):
            family.add_metric((name,), _buckets(histogram), histogram.total)
    yield from (faults, left, took, ttft, gaps)
    late = HistogramMetricFamily(
        "mockllm_pacing_error_seconds", "Delay of paced responses behind their schedule."
    )
    late.add_metric((), _buckets(metrics.late), metrics.late.total)
    yield late


def _cost(counted: CostCounters) -> Iterator[Metric]:
    """Yield the costs and tokens of successful responses."""
    dollars = CounterMetricFamily(
        "mockllm_cost_dollars", "Cost at list prices in US dollars.", labels=("endpoint", "model")
    )
    unpriced = CounterMetricFamily(
        "mockllm_unpriced_requests",
        "Requests for models without a known price.",
        labels=("endpoint", "model"),
    )
    tokens = CounterMetricFamily(
        "mockllm_tokens",
        "Tokens of successful responses, also those that a cut response did not send.",
        labels=("endpoint", "model", "kind"),
    )
    for labels, total in counted.sums.items():
        dollars.add_metric(labels, total.cost)
        unpriced.add_metric(labels, total.unpriced)
    for (labels, kind), count in counted.tokens.items():
        tokens.add_metric((*labels, kind), count)
    yield from (dollars, unpriced, tokens)


def _in_flight(context: ControlContext) -> Metric:
    """Return the responses in flight for every endpoint with a request so far, so that no time series disappears
    when its value becomes zero."""
    gauge = GaugeMetricFamily(
        "mockllm_open_answers", "Delayed and streaming responses in flight.", labels=("endpoint",)
    )
    counts = {**dict.fromkeys(context.metrics.endpoints, 0), **context.in_flight_by_endpoint}
    for name, number in counts.items():
        gauge.add_metric((name,), number)
    return gauge


def _catalog(info: EngineInfo) -> Iterator[Metric]:
    yield GaugeMetricFamily("mockllm_rules", "Loaded rules.", value=info.rules)
    yield GaugeMetricFamily(
        "mockllm_stale_files", "Changed files that were not reloaded.", value=len(info.stale)
    )
    yield GaugeMetricFamily(
        "mockllm_last_reload_successful", "Whether all files are loaded as last saved.",
        value=0 if info.stale else 1,
    )  # fmt: skip


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Return cumulative buckets, as Prometheus expects them."""
    sums = list(accumulate(histogram.counts))
    return [*((str(BOUNDS[index]), float(sums[index])) for index in SHOWN_BUCKETS), ("+Inf", float(sums[-1]))]
