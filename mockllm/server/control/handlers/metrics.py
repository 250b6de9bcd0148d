"""Handlers that show, export and reset the metrics."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel

from mockllm.server.control.api_types import JSON, ApiCall, ApiRoute, TextResponse
from mockllm.server.control.body_text import visible
from mockllm.server.control.context import ControlContext
from mockllm.server.control.endpoints import endpoint_name
from mockllm.server.control.models.base import Done
from mockllm.server.control.models.metrics import (
    DetailedMetrics,
    EndpointMetrics,
    Latency,
    LatencyView,
    MetricsView,
    SecondView,
    SeriesCount,
)
from mockllm.server.metrics import BOUNDS, NONE, EndpointCounters, Histogram, Metrics, SecondCounters

RATE_PERIOD: Final = 10
"""Seconds over which the present request rate is measured."""
COLUMNS: Final = tuple(SecondView.model_fields)
"""The columns of the exported time series."""


def _metrics(context: ControlContext) -> Metrics:
    context.journal.count_cached()
    return context.metrics


async def show_metrics(context: ControlContext, call: ApiCall) -> BaseModel:
    """All metrics by endpoint."""
    return metrics_view(context)


def metrics_view(context: ControlContext) -> MetricsView:
    """Return all metrics up to now."""
    metrics = _metrics(context)
    in_flight = context.in_flight_by_endpoint
    endpoints = [
        _endpoint(name, metrics.endpoints.get(name, EndpointCounters()), in_flight.get(name, 0))
        for name in sorted({*metrics.endpoints, *in_flight})
    ]
    begin = time.time() - RATE_PERIOD
    recent = sum(second.requests for second in metrics.seconds() if second.epoch_second >= begin)
    return MetricsView(
        since=metrics.since,
        requests=sum(endpoint.requests for endpoint in endpoints),
        errors=sum(endpoint.errors for endpoint in endpoints),
        missed=sum(endpoint.missed for endpoint in endpoints),
        open=context.in_flight,
        per_second=round(recent / RATE_PERIOD, 3),
        endpoints=endpoints,
    )


async def show_latency(context: ControlContext, call: ApiCall) -> BaseModel:
    """Latency percentiles of one endpoint."""
    name = call.params["endpoint"]
    name = name if name == NONE else endpoint_name(name)
    counters = _metrics(context).endpoints.get(name, EndpointCounters())
    return LatencyView(endpoint=name, **_latencies(counters))


async def reset_metrics(context: ControlContext, call: ApiCall) -> BaseModel:
    """Reset the metrics."""
    await context.forget("metrics")
    return Done(done="metrics")


async def show_detailed(context: ControlContext, call: ApiCall) -> DetailedMetrics:
    """Requests by model, rule and status, and a time series in seconds."""
    metrics = _metrics(context)
    series = [
        SeriesCount(**labels._asdict(), requests=count) for labels, count in sorted(metrics.series.items())
    ]
    metrics.sample_in_flight(time.time())
    return DetailedMetrics(series=series, seconds=list(second_views(context)))


async def export_json(context: ControlContext, call: ApiCall) -> TextResponse:
    """The detailed metrics as a download."""
    text = (await show_detailed(context, call)).model_dump_json(indent=2)
    return TextResponse(visible(text.encode()) + b"\n", JSON, (_disposition("mockllm-metrics.json"),))


async def export_csv(context: ControlContext, call: ApiCall) -> TextResponse:
    """The time series as a download.

    One line for each second.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for second in (await show_detailed(context, call)).seconds:
        writer.writerow(getattr(second, column) for column in COLUMNS)
    return TextResponse(
        out.getvalue().encode(), "text/csv; charset=utf-8", (_disposition("mockllm-metrics.csv"),)
    )


def _disposition(name: str) -> tuple[str, str]:
    return "Content-Disposition", f'attachment; filename="{name}"'


def second_views(context: ControlContext) -> Iterator[SecondView]:
    """Yield the time series, oldest second first; seconds without a request or a response in flight are left out."""
    metrics = _metrics(context)
    in_flight = metrics.in_flight()
    counted = {second.epoch_second: second for second in metrics.seconds()}
    for at in sorted({*counted, *in_flight}):
        yield second_view(counted.get(at) or SecondCounters(at), in_flight.get(at, 0))


def second_view(second: SecondCounters, in_flight: int = 0) -> SecondView:
    """Return a second of the time series, with the most responses in flight that were seen in it."""
    return SecondView(
        at=second.epoch_second,
        requests=second.requests,
        errors=second.errors,
        missed=second.unmatched,
        mean=round(second.duration / second.requests, 6) if second.requests else 0.0,
        bytes=second.bytes,
        open=in_flight,
    )


def _endpoint(name: str, counters: EndpointCounters, in_flight: int) -> EndpointMetrics:
    return EndpointMetrics(
        endpoint=name,
        open=in_flight,
        requests=counters.requests,
        errors=counters.errors,
        missed=counters.unmatched,
        left=dict(counters.end_reasons),
        faults=dict(counters.faults),
        **_latencies(counters),
    )


def _latencies(counters: EndpointCounters) -> dict[str, Latency]:
    measured = {"latency": counters.durations, "ttft": counters.ttft, "inter_chunk": counters.gaps}
    return {name: _latency(histogram) for name, histogram in measured.items()}


def _latency(histogram: Histogram) -> Latency:
    count = histogram.count
    return Latency(
        count=count,
        mean=round(histogram.total / count, 6) if count else None,
        p50=_rounded(histogram.percentile(0.5)),
        p90=_rounded(histogram.percentile(0.9)),
        p95=_rounded(histogram.percentile(0.95)),
        p99=_rounded(histogram.percentile(0.99)),
        max=round(histogram.most, 6) if count else None,
        buckets=[
            (BOUNDS[index] if index < len(BOUNDS) else None, number)
            for index, number in enumerate(histogram.counts)
            if number
        ],
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


ROUTES: Final = (
    ApiRoute("GET", "/api/metrics", show_metrics, MetricsView),
    ApiRoute("GET", "/api/metrics/latency/{endpoint}", show_latency, LatencyView),
    ApiRoute("POST", "/api/metrics/reset", reset_metrics, Done),
    ApiRoute("GET", "/api/detailed-metrics", show_detailed, DetailedMetrics),
    ApiRoute("GET", "/api/detailed-metrics/export/json", export_json),
    ApiRoute("GET", "/api/detailed-metrics/export/csv", export_csv, content_type="text/csv"),
)
