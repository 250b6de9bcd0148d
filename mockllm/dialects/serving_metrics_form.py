"""The metrics of an inference server, as its own `/metrics` names them: a form that a provider has, and what it reads
of its responses. `server/serving_metrics.py` counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

from mockllm.core.rendering.plan import Plan

GaugeKind: TypeAlias = Literal["running", "waiting", "cache_usage"]
CounterKind: TypeAlias = Literal[
    "prompt_tokens", "output_tokens", "cache_queries", "cache_hits", "preemptions"
]
HistogramKind: TypeAlias = Literal[
    "ttft",
    "gap",
    "token_time",
    "took",
    "queue",
    "prefill",
    "decode",
    "inference",
    "prompt_tokens",
    "output_tokens",
]
"""Seconds: to the first token; between two tokens; each output token of a response on average; of a response.
Seconds in the queue; from there to the first token; from there to the end; without the queue. Then tokens."""


class ReportedUsage(NamedTuple):
    """The values that a response reports: tokens, and the word for its end."""

    prompt: int
    output: int
    cached: int
    finish: str


class MetricHistogram(NamedTuple):
    name: str
    documentation: str
    bounds: tuple[float, ...]


class ServingMetricsForm(Struct, frozen=True):
    """The names of the metrics with their texts. `finished` counts responses by the word for their end, under
    the label `finish_label`. `read` returns what a successful response reports; None where it reports nothing."""

    gauges: Mapping[GaugeKind, tuple[str, str]]
    counters: Mapping[CounterKind, tuple[str, str]]
    histograms: Mapping[HistogramKind, MetricHistogram]
    finished: tuple[str, str]
    finish_label: str
    finish_words: tuple[str, ...]
    aborted: str
    """The word for the end of a response whose client has disconnected."""
    labels: Callable[[str], Mapping[str, str]]
    """Returns the labels of every series for the name of the served model."""
    model: str
    """The served model where no rule names one."""
    cache_tokens: int
    """The tokens that the cache of keys and values holds."""
    read: Callable[[Plan], ReportedUsage | None]
