"""Calls of the control API that tell numbers, and what there is to choose from."""

from __future__ import annotations

import csv
import io
import time
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from mockllm.core.limits.limit import STRATEGIES
from mockllm.server.control.api_types import JSON, ApiCall, TextResponse, visible
from mockllm.server.control.endpoints import named
from mockllm.server.control.models import metric_values, resources
from mockllm.server.metrics import BOUNDS, NONE, EndpointCounters, Histogram, Metrics, SecondCounters

if TYPE_CHECKING:
    from mockllm.server.control.control import ControlApi

LATELY: Final = 10
"""Seconds that the present rate is taken of."""
ABOUT: Final = {
    "none": "never refuses",
    "fixed-window": "so many in each window",
    "sliding-window": "so many in any stretch as long as a window",
    "token-bucket": "so many a window on average, a burst at once",
    "leaky-bucket": "evenly, one behind the other; some may wait in a queue",
    "after-n": "so many in all, then refuses each",
    "random": "refuses by chance",
    "always": "refuses each",
}


def _metrics(control: ControlApi) -> Metrics:
    control.journal.count()
    return control.metrics


async def show_metrics(control: ControlApi, call: ApiCall) -> BaseModel:
    return viewed(control)


def viewed(control: ControlApi) -> metric_values.MetricsView:
    """What was counted until now."""
    metrics = _metrics(control)
    under_way = control.under_way
    names = sorted({*metrics.endpoints, *under_way})
    found = [
        _of_endpoint(name, metrics.endpoints.get(name, EndpointCounters()), under_way.get(name, 0))
        for name in names
    ]
    begin = time.time() - LATELY
    lately = sum(second.requests for second in metrics.seconds() if second.at >= begin)
    return metric_values.MetricsView(
        since=metrics.since,
        requests=sum(each.requests for each in found),
        errors=sum(each.errors for each in found),
        missed=sum(each.missed for each in found),
        open=control.open,
        per_second=round(lately / LATELY, 3),
        endpoints=found,
    )


async def show_latency(control: ControlApi, call: ApiCall) -> BaseModel:
    name = call.params["endpoint"]
    name = name if name == NONE else named(name)
    found = _metrics(control).endpoints.get(name, EndpointCounters())
    return metric_values.LatencyView(
        endpoint=name, latency=_of(found.took), ttft=_of(found.ttft), inter_chunk=_of(found.gaps)
    )


async def reset_metrics(control: ControlApi, call: ApiCall) -> BaseModel:
    _metrics(control).reset()
    return resources.Done(done="metrics")


async def show_detailed(control: ControlApi, call: ApiCall) -> BaseModel:
    return _detailed(control)


async def export_json(control: ControlApi, call: ApiCall) -> TextResponse:
    text = _detailed(control).model_dump_json(indent=2)
    return TextResponse(visible(text.encode()) + b"\n", JSON, (_attached("mockllm-metrics.json"),))


async def export_csv(control: ControlApi, call: ApiCall) -> TextResponse:
    """The time series, a second a line."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["at", "requests", "errors", "missed", "mean", "bytes"])
    for each in _detailed(control).seconds:
        writer.writerow([each.at, each.requests, each.errors, each.missed, each.mean, each.bytes])
    return TextResponse(
        out.getvalue().encode(), "text/csv; charset=utf-8", (_attached("mockllm-metrics.csv"),)
    )


async def list_strategies(control: ControlApi, call: ApiCall) -> BaseModel:
    items = control.engine.catalog.items
    return resources.Strategies(
        strategies=[resources.Strategy(name=name, about=ABOUT[name]) for name in STRATEGIES],
        limits=[item.id for item in items if item.limit is not None],
    )


def _attached(name: str) -> tuple[str, str]:
    return "Content-Disposition", f'attachment; filename="{name}"'


def _detailed(control: ControlApi) -> metric_values.DetailedMetrics:
    metrics = _metrics(control)
    series = [
        metric_values.SeriesCount(**labels._asdict(), requests=count)
        for labels, count in sorted(metrics.series.items())
    ]
    seconds = [_second(each) for each in metrics.seconds()]
    return metric_values.DetailedMetrics(series=series, seconds=seconds)


def second(control: ControlApi, at: int) -> metric_values.SecondView:
    """One second of the time series, in seconds since the epoch; noughts where nothing came."""
    listed = reversed(tuple(_metrics(control).seconds()))
    return _second(next((each for each in listed if each.at == at), SecondCounters(at)))


def _second(each: SecondCounters) -> metric_values.SecondView:
    return metric_values.SecondView(
        at=each.at,
        requests=each.requests,
        errors=each.errors,
        missed=each.missed,
        mean=round(each.took / each.requests, 6) if each.requests else 0.0,
        bytes=each.bytes,
    )


def _of_endpoint(name: str, each: EndpointCounters, under_way: int) -> metric_values.EndpointMetrics:
    return metric_values.EndpointMetrics(
        endpoint=name,
        open=under_way,
        requests=each.requests,
        errors=each.errors,
        missed=each.missed,
        left=dict(each.left),
        faults=dict(each.faults),
        latency=_of(each.took),
        ttft=_of(each.ttft),
        inter_chunk=_of(each.gaps),
    )


def _of(histogram: Histogram) -> metric_values.Latency:
    count = histogram.count
    return metric_values.Latency(
        count=count,
        mean=round(histogram.total / count, 6) if count else None,
        p50=_rounded(histogram.percentile(0.5)),
        p90=_rounded(histogram.percentile(0.9)),
        p95=_rounded(histogram.percentile(0.95)),
        p99=_rounded(histogram.percentile(0.99)),
        max=round(histogram.most, 6) if count else None,
        buckets=[
            (BOUNDS[place] if place < len(BOUNDS) else None, number)
            for place, number in enumerate(histogram.counts)
            if number
        ],
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
