"""Reads the result files of benchmarks.

Three tools write the forms that it reads. GuideLLM writes `benchmarks.json` (`GenerativeBenchmark` of guidellm
0.8.1). AIPerf writes `profile_export_aiperf.json` and `profile_export.jsonl` (`JsonMetricResult` and
`MetricRecordInfo` of aiperf 0.13.0). `vllm bench serve --save-result` writes one file, with `--save-detailed`
or without (`benchmark` of `vllm/benchmarks/serve.py`). The first two forms were compared with files that these
versions wrote. vLLM's form has the keys that its source and public results have; it was not compared with a
run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.json.typed_values import list_of, object_of, text_of
from mockllm.core.load_fit.benchmark_run import BenchmarkRun, MeasuredRequest, UnreadableResult
from mockllm.core.quantities.parse import MAX_DURATION

KNOWN: Final = "a result of GuideLLM, AIPerf or `vllm bench serve`"
UNITS: Final = {"ms": 0.001, "sec": 1.0, "s": 1.0, "us": 1e-6, "ns": 1e-9}
"""Seconds by AIPerf's words for units."""
MIN_DURATION: Final = 1e-6
"""Seconds. Shorter times cannot have been measured, nor can those of more than a year."""
MAX_COUNT: Final = 1e12
"""Most tokens of a prompt, and most requests of a run."""


def read_result(raw: bytes) -> list[BenchmarkRun]:
    """Return the runs in a file: one JSON document, or one in each line. Raises UnreadableResult."""
    documents = _documents(raw)
    records = [each for each in documents if "metadata" in each and isinstance(each.get("metrics"), dict)]
    found = [_aiperf_records(records)] if records else []
    for document in documents:
        if isinstance(document.get("benchmarks"), list):
            found += [_guidellm(object_of(each)) for each in list_of(document["benchmarks"])]
        elif "ttfts" in document or "mean_ttft_ms" in document:
            found.append(_vllm(document))
        elif "time_to_first_token" in document and "request_latency" in document:
            found.append(_aiperf(document))
    runs = [run for run in found if run is not None]
    if not found:
        raise UnreadableResult(f"it is not {KNOWN}")
    if not runs:
        raise UnreadableResult("it has no complete request with a time to the first token: was it streamed?")
    return runs


def _documents(raw: bytes) -> list[Mapping[str, Json]]:
    try:
        return [object_of(loads(raw))]
    except JSONDecodeError:
        pass
    try:
        return [object_of(loads(line)) for line in raw.splitlines() if line.strip()]
    except JSONDecodeError as error:
        raise UnreadableResult(f"it is no JSON: {error}") from None


# --- GuideLLM ----------------------------------------------------------------------------------------


def _guidellm(benchmark: Mapping[str, Json]) -> BenchmarkRun | None:
    requests = list_of(object_of(benchmark.get("requests")).get("successful"))
    measured = [_request(object_of(each), _GUIDELLM, 0.001) for each in requests]
    found = [request for request in measured if request is not None]
    strategy = object_of(object_of(benchmark.get("config")).get("strategy"))
    clients = 1 if strategy.get("type_") == "synchronous" else _number(strategy.get("streams"))
    return _run(found, len(found), _number(benchmark.get("duration")), clients)


_GUIDELLM: Final = ("prompt_tokens", "time_to_first_token_ms", "request_latency", "inter_token_latency_ms")
"""Tokens of the prompt, milliseconds, seconds, milliseconds."""


def _request(
    values: Mapping[str, Json], names: tuple[str, str, str, str], unit: float
) -> MeasuredRequest | None:
    tokens, ttft, took, itl = (_number(values.get(name)) for name in names)
    return _measured(tokens, _scaled(ttft, unit), took, _scaled(itl, unit))


# --- AIPerf ------------------------------------------------------------------------------------------

_AIPERF: Final = ("input_sequence_length", "time_to_first_token", "request_latency", "inter_token_latency")


def _aiperf(summary: Mapping[str, Json]) -> BenchmarkRun | None:
    """Read a summary: a request with all means represents all requests. The median of the times between tokens is
    less sensitive to pauses of the client than the mean."""
    tokens, ttft, took, itl = (_of_aiperf(summary.get(name), "avg") for name in _AIPERF)
    itl = _of_aiperf(summary.get(_AIPERF[3]), "p50") or itl
    count = _of_aiperf(summary.get("request_count"), "avg")
    duration = _of_aiperf(summary.get("benchmark_duration"), "avg")
    request = _measured(tokens, ttft, took, itl)
    return _run([] if request is None else [request], count, duration, None)


def _aiperf_records(records: Sequence[Mapping[str, Json]]) -> BenchmarkRun | None:
    found: list[MeasuredRequest] = []
    starts: list[float] = []
    ends: list[float] = []
    for record in records:
        metadata, metrics = object_of(record["metadata"]), object_of(record["metrics"])
        request = _measured(*(_of_aiperf(metrics.get(name), "value") for name in _AIPERF))
        start, end = _number(metadata.get("request_start_ns")), _number(metadata.get("request_end_ns"))
        if metadata.get("benchmark_phase") == "warmup" or start is None or end is None:
            continue
        if request is not None:
            found.append(request)
            starts.append(start)
            ends.append(end)
    return _run(found, len(found), (max(ends) - min(starts)) * UNITS["ns"] if found else None, None)


def _of_aiperf(metric: Json, name: str) -> float | None:
    """Return a value of a metric; times in seconds."""
    values = object_of(metric)
    return _scaled(_number(values.get(name)), UNITS.get(text_of(values.get("unit")) or "", 1.0))


# --- vLLM --------------------------------------------------------------------------------------------


def _vllm(result: Mapping[str, Json]) -> BenchmarkRun | None:
    requests = _vllm_requests(result)
    completed, clients = _number(result.get("completed")), _number(result.get("max_concurrency"))
    if not requests and completed:
        summary = _vllm_summary(result, completed)
        requests = [] if summary is None else [summary]
    return _run(requests, completed or len(requests), _number(result.get("duration")), clients)


def _vllm_requests(result: Mapping[str, Json]) -> list[MeasuredRequest]:
    """Return the requests of a detailed result; a failed one has no output tokens."""
    names = ("input_lens", "output_lens", "ttfts", "itls")
    found: list[MeasuredRequest] = []
    for inputs, outputs, first, gaps in zip(*(list_of(result.get(name)) for name in names), strict=False):
        tokens, output, ttft = _number(inputs), _number(outputs), _number(first)
        if tokens is None or not output or not ttft:
            continue
        decode = sum(_number(gap) or 0.0 for gap in list_of(gaps))
        request = _measured(tokens, ttft, ttft + decode, decode / (output - 1) if output > 1 else None)
        found += [] if request is None else [request]
    return found


def _vllm_summary(result: Mapping[str, Json], completed: float) -> MeasuredRequest | None:
    names = ("total_input_tokens", "total_output_tokens", "mean_ttft_ms", "mean_tpot_ms")
    tokens, output, ttft, mean = (_number(result.get(name)) for name in names)
    if tokens is None or output is None or not ttft:
        return None
    further = max(0.0, output / completed - 1)
    itl = (_number(result.get("median_tpot_ms")) or mean) if further else None
    took = ttft + (mean or 0.0) * further
    return _measured(tokens / completed, ttft * 0.001, took * 0.001, _scaled(itl, 0.001))


# --- values ------------------------------------------------------------------------------------------


def _run(
    requests: Sequence[MeasuredRequest],
    completed: float | None,
    duration: float | None,
    clients: float | None,
) -> BenchmarkRun | None:
    """Return the run; None without a request, without a time, and with fewer than one or too many requests."""
    seconds = _time(duration)
    if not requests or seconds is None or completed is None or not 1 <= completed <= MAX_COUNT:
        return None
    stated = int(clients) if clients is not None and 1 <= clients <= MAX_COUNT else None
    return BenchmarkRun(requests, int(completed), seconds, stated)


def _measured(
    tokens: float | None, ttft: float | None, took: float | None, itl: float | None
) -> MeasuredRequest | None:
    """Return the request; None without its tokens or times. Only the time between tokens may be missing."""
    first, whole = _time(ttft), _time(took)
    if tokens is None or tokens > MAX_COUNT or first is None or whole is None:
        return None
    return MeasuredRequest(tokens, first, whole, _time(itl))


def _time(seconds: float | None) -> float | None:
    """Return a time that can have been measured; None for any other."""
    return seconds if seconds is not None and MIN_DURATION <= seconds <= MAX_DURATION else None


def _scaled(value: float | None, unit: float) -> float | None:
    return None if value is None else value * unit


def _number(value: Json) -> float | None:
    """Return a number that can be a measure; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) and value >= 0 else None
