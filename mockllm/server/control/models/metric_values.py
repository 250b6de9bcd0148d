"""The numbers that the control API gives; part of its OpenAPI document as `models` is."""

from __future__ import annotations

from pydantic import BaseModel


class Latency(BaseModel):
    """In seconds; percentiles within a bucket's width (a third at most); None of nothing. `buckets`: how many
    were not above this bound, and above the one before; those without any are left out."""

    count: int
    mean: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    max: float | None
    buckets: list[tuple[float | None, int]]


class EndpointMetrics(BaseModel):
    """`open` are answers that are being given now: those that take their time."""

    endpoint: str
    open: int
    requests: int
    errors: int
    missed: int
    left: dict[str, int]
    faults: dict[str, int]
    latency: Latency
    ttft: Latency
    inter_chunk: Latency


class MetricsView(BaseModel):
    """`since` in seconds since the epoch; `per_second` is of the last ten seconds."""

    since: float
    requests: int
    errors: int
    missed: int
    open: int
    """Answers that are being given now."""
    per_second: float
    endpoints: list[EndpointMetrics]


class LatencyView(BaseModel):
    endpoint: str
    latency: Latency
    ttft: Latency
    inter_chunk: Latency


class SeriesCount(BaseModel):
    endpoint: str
    model: str
    rule: str
    status: int
    requests: int


class SecondView(BaseModel):
    """One second; those without a request are left out. `mean` is of the seconds that an answer took, `bytes` are
    those of the answers, about."""

    at: int
    requests: int
    errors: int
    missed: int
    mean: float
    bytes: int


class DetailedMetrics(BaseModel):
    series: list[SeriesCount]
    seconds: list[SecondView]
