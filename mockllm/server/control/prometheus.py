"""`/metrics` for Prometheus: what was counted, in its text format or as OpenMetrics, by what the scraper accepts.

The label sets are bounded where counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from mockllm.server.access_log import plain
from mockllm.server.metrics import BOUNDS, Histogram, Metrics

if TYPE_CHECKING:
    from mockllm.engine import EngineInfo
    from mockllm.server.control.control import ControlApi

SHOWN: Final = tuple(place for place in range(2, len(BOUNDS), 2))
"""The buckets that are told: every second one, from 0.2 ms on."""


def exposed(control: ControlApi, accept: str) -> tuple[bytes, str]:
    """The whole page, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(control))
    try:
        encoder, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is no number
        encoder, content_type = choose_encoder("")
    return encoder(registry), content_type


class _Collected(Collector):
    def __init__(self, control: ControlApi) -> None:
        self._control = control

    def collect(self) -> Iterator[Metric]:
        control = self._control
        control.journal.count()
        yield _requests(control.metrics)
        yield from _answers(control.metrics)
        yield _open_answers(control)
        yield from _loaded(control.engine.info())


def _requests(metrics: Metrics) -> Metric:
    requests = CounterMetricFamily(
        "mockllm_requests", "Requests answered.", labels=("endpoint", "model", "rule", "status")
    )
    for series, count in metrics.series.items():
        labels = (series.endpoint, plain(series.model), plain(series.rule), str(series.status))
        requests.add_metric(labels, count)
    return requests


def _answers(metrics: Metrics) -> Iterator[Metric]:
    """What became of them, and how long they took."""
    faults = CounterMetricFamily("mockllm_faults", "Faults played.", labels=("endpoint", "fault"))
    left = CounterMetricFamily(
        "mockllm_unfinished", "Answers that did not end as whole ones.", labels=("endpoint", "how")
    )
    took = HistogramMetricFamily("mockllm_response_seconds", "Whole answers.", labels=("endpoint",))
    ttft = HistogramMetricFamily(
        "mockllm_time_to_first_chunk_seconds", "Streams' first chunks.", labels=("endpoint",)
    )
    gaps = HistogramMetricFamily(
        "mockllm_inter_chunk_seconds", "Gaps between a stream's chunks.", labels=("endpoint",)
    )
    for name, each in metrics.endpoints.items():
        for fault, count in each.faults.items():
            faults.add_metric((name, fault), count)
        for how, count in each.left.items():
            left.add_metric((name, how), count)
        for family, histogram in ((took, each.took), (ttft, each.ttft), (gaps, each.gaps)):
            family.add_metric((name,), _buckets(histogram), histogram.total)
    yield from (faults, left, took, ttft, gaps)
    late = HistogramMetricFamily("mockllm_pacing_error_seconds", "How late paced answers ended.")
    late.add_metric((), _buckets(metrics.late), metrics.late.total)
    yield late


def _open_answers(control: ControlApi) -> Metric:
    """Of every endpoint that was ever asked, so that none vanishes from a scraper's view when it has no more."""
    under_way = GaugeMetricFamily("mockllm_open_answers", "Answers being given now.", labels=("endpoint",))
    for name, number in {**dict.fromkeys(control.metrics.endpoints, 0), **control.under_way}.items():
        under_way.add_metric((name,), number)
    return under_way


def _loaded(about: EngineInfo) -> Iterator[Metric]:
    yield GaugeMetricFamily("mockllm_rules", "Rules that answer.", value=about.rules)
    yield GaugeMetricFamily("mockllm_stale_files", "Files not loaded anew.", value=len(about.stale))
    yield GaugeMetricFamily(
        "mockllm_last_reload_successful", "Whether all files are as they were last saved.",
        value=0 if about.stale else 1,
    )  # fmt: skip


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Cumulative, as Prometheus wants them."""
    sums = list(accumulate(histogram.counts))
    return [*((str(BOUNDS[place]), float(sums[place])) for place in SHOWN), ("+Inf", float(sums[-1]))]
