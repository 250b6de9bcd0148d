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
from mockllm.core.json.typed_values import list_of, object_of
from mockllm.core.load_fit.benchmark_run import BenchmarkRun, MeasuredRequest, UnreadableResult

KNOWN: Final = "a result of GuideLLM, AIPerf or `vllm bench serve`"
UNITS: Final = {"ms": 0.001, "sec": 1.0, "s": 1.0, "us": 1e-6, "ns": 1e-9}
"""Seconds by AIPerf's words for units."""


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
    if tokens is None or ttft is None or took is None:
        return None
    return MeasuredRequest(tokens, ttft * unit, took, itl * unit if itl else None)


# --- AIPerf ------------------------------------------------------------------------------------------

_AIPERF: Final = ("input_sequence_length", "time_to_first_token", "request_latency", "inter_token_latency")


def _aiperf(summary: Mapping[str, Json]) -> BenchmarkRun | None:
    """Read a summary: a request with all means represents all requests. The median of the times between tokens is
    less sensitive to pauses of the client than the mean."""
    tokens, ttft, took, itl = (_of_aiperf(summary.get(name), "avg") for name in _AIPERF)
    itl = _of_aiperf(summary.get(_AIPERF[3]), "p50") or itl
    count = _of_aiperf(summary.get("request_count"), "avg")
    duration = _of_aiperf(summary.get("benchmark_duration"), "avg")
    if tokens is None or ttft is None or took is None or count is None:
        return None
    return _run([MeasuredRequest(tokens, ttft, took, itl or None)], int(count), duration, None)


def _aiperf_records(records: Sequence[Mapping[str, Json]]) -> BenchmarkRun | None:
    found: list[MeasuredRequest] = []
    starts: list[float] = []
    ends: list[float] = []
    for record in records:
        metadata, metrics = object_of(record["metadata"]), object_of(record["metrics"])
        tokens, ttft, took, itl = (_of_aiperf(metrics.get(name), "value") for name in _AIPERF)
        start, end = _number(metadata.get("request_start_ns")), _number(metadata.get("request_end_ns"))
        if metadata.get("benchmark_phase") == "warmup" or start is None or end is None:
            continue
        if tokens is not None and ttft is not None and took is not None:
            found.append(MeasuredRequest(tokens, ttft, took, itl or None))
            starts.append(start)
            ends.append(end)
    return _run(found, len(found), (max(ends) - min(starts)) * UNITS["ns"] if found else None, None)


def _of_aiperf(metric: Json, name: str) -> float | None:
    """Return a value of a metric; times in seconds."""
    values = object_of(metric)
    number = _number(values.get(name))
    return None if number is None else number * UNITS.get(str(values.get("unit")), 1.0)


# --- vLLM --------------------------------------------------------------------------------------------


def _vllm(result: Mapping[str, Json]) -> BenchmarkRun | None:
    requests = _vllm_requests(result)
    completed, clients = _number(result.get("completed")), _number(result.get("max_concurrency"))
    if not requests and completed:
        summary = _vllm_summary(result, completed)
        requests = [] if summary is None else [summary]
    return _run(requests, int(completed or len(requests)), _number(result.get("duration")), clients)


def _vllm_requests(result: Mapping[str, Json]) -> list[MeasuredRequest]:
    """Return the requests of a detailed result; a failed one has no output tokens."""
    names = ("input_lens", "output_lens", "ttfts", "itls")
    found: list[MeasuredRequest] = []
    for inputs, outputs, first, gaps in zip(*(list_of(result.get(name)) for name in names), strict=False):
        tokens, output, ttft = _number(inputs), _number(outputs), _number(first)
        if tokens is None or not output or not ttft:
            continue
        decode = sum(_number(gap) or 0.0 for gap in list_of(gaps))
        itl = decode / (output - 1) if output > 1 and decode else None
        found.append(MeasuredRequest(tokens, ttft, ttft + decode, itl))
    return found


def _vllm_summary(result: Mapping[str, Json], completed: float) -> MeasuredRequest | None:
    names = ("total_input_tokens", "total_output_tokens", "mean_ttft_ms", "mean_tpot_ms")
    tokens, output, ttft, mean = (_number(result.get(name)) for name in names)
    if tokens is None or output is None or not ttft:
        return None
    decode = (mean or 0.0) * (output / completed - 1)
    itl = _number(result.get("median_tpot_ms")) or mean
    return MeasuredRequest(
        tokens / completed, ttft * 0.001, (ttft + decode) * 0.001, itl * 0.001 if itl else None
    )


# --- values ------------------------------------------------------------------------------------------


def _run(
    requests: Sequence[MeasuredRequest], completed: int, duration: float | None, clients: float | None
) -> BenchmarkRun | None:
    if not requests or not duration or completed < 1:
        return None
    return BenchmarkRun(requests, completed, duration, int(clients) if clients else None)


def _number(value: Json) -> float | None:
    """Return a number that can be a measure; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) and value >= 0 else None
