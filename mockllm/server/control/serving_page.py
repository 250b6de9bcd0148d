"""The metrics of the provider whose paths need no prefix, under its own names: families for `/metrics`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from mockllm.dialects.listing import LISTED_BY_NAME
from mockllm.dialects.serving_metrics_form import ServingMetricsForm
from mockllm.server.control.context import ControlContext
from mockllm.server.serving_metrics import ServingMetrics


def serving_form(context: ControlContext) -> ServingMetricsForm | None:
    """Return the form of the provider whose paths need no prefix; None where it has none."""
    provider = LISTED_BY_NAME.get(context.engine.info().root_provider or "")
    return None if provider is None else provider.provider_object.serving_metrics_form


def serving_families(context: ControlContext) -> Iterator[Metric]:
    """Yield the metrics of that provider, from zero where it has served nothing yet."""
    form = serving_form(context)
    if form is None:
        return
    known = context.serving_metrics.get(context.engine.info().root_provider or "")
    metrics = ServingMetrics(form) if known is None else known
    labels = form.labels(next(iter(context.engine.catalog.models), form.model))
    names, values = tuple(labels), tuple(labels.values())
    gauges = metrics.gauges(context.now)
    for kind, (name, documentation) in form.gauges.items():
        gauge = GaugeMetricFamily(name, documentation, labels=names)
        gauge.add_metric(values, gauges[kind])
        yield gauge
    for counted, (name, documentation) in form.counters.items():
        counter = CounterMetricFamily(name, documentation, labels=names)
        counter.add_metric(values, metrics.counters[counted])
        yield counter
    name, documentation = form.finished
    finished = CounterMetricFamily(name, documentation, labels=(*names, form.finish_label))
    for word in form.finish_words:
        finished.add_metric((*values, word), metrics.finished[word])
    yield finished
    for measured, histogram in metrics.histograms.items():
        name, documentation, bounds = form.histograms[measured]
        sums = list(accumulate(histogram.counts))
        buckets = [(str(bound), float(count)) for bound, count in zip((*bounds, "+Inf"), sums, strict=True)]
        family = HistogramMetricFamily(name, documentation, labels=names)
        family.add_metric(values, buckets, histogram.total)
        yield family
