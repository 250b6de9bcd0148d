"""Models of the metrics that the control API returns."""

from pydantic import BaseModel


class Latency(BaseModel):
    """All values in seconds; percentiles are exact to the width of a bucket (a third at most), and None without
    measurements. `buckets` holds pairs of an upper bound and a count; empty buckets are left out."""

    count: int
    mean: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    max: float | None
    buckets: list[tuple[float | None, int]]


class EndpointMetrics(BaseModel):
    """`open` counts the delayed and streaming responses in flight."""

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
    """`since` in seconds since the epoch; `per_second` is the mean of the last ten seconds."""

    since: float
    requests: int
    errors: int
    missed: int
    open: int
    """Delayed and streaming responses in flight."""
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
    """One second; seconds without a request and without a response in flight are left out. `mean` is the mean
    response time in seconds, `bytes` the approximate size of all responses. `open` is the largest number of
    responses in flight that was seen in this second; it is measured once a second."""

    at: int
    requests: int
    errors: int
    missed: int
    mean: float
    bytes: int
    open: int


class DetailedMetrics(BaseModel):
    series: list[SeriesCount]
    seconds: list[SecondView]
