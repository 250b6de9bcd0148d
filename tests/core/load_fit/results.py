"""Results of benchmarks, as the tools write them: with the members that are read, and some that are not."""

from __future__ import annotations

import json
from typing import Any, NamedTuple


class Served(NamedTuple):
    """A request as a client sees it: seconds, and tokens."""

    start: float
    ttft: float
    itl: float
    tokens: int
    output: int

    @property
    def took(self) -> float:
        return self.ttft + self.itl * (self.output - 1)

    @property
    def end(self) -> float:
        return self.start + self.took


def duration(served: list[Served]) -> float:
    return max(each.end for each in served) - min(each.start for each in served)


def guidellm(served: list[Served], clients: int) -> bytes:
    requests = [
        {
            "prompt_tokens": each.tokens,
            "output_tokens": each.output,
            "request_latency": each.took,
            "time_to_first_token_ms": each.ttft * 1000,
            "inter_token_latency_ms": each.itl * 1000,
        }
        for each in served
    ]
    strategy: dict[str, Any] = {"type_": "concurrent", "streams": clients}
    benchmark = {
        "config": {"strategy": {"type_": "synchronous"} if clients == 1 else strategy},
        "requests": {"successful": requests, "errored": [], "incomplete": [{"prompt_tokens": 1}]},
        "duration": duration(served),
    }
    return json.dumps({"metadata": {"guidellm_version": "0.8.1"}, "benchmarks": [benchmark]}).encode()


def _metric(unit: str, values: list[float]) -> dict[str, Any]:
    middle = sorted(values)[len(values) // 2]
    return {"unit": unit, "avg": sum(values) / len(values), "p50": middle, "count": len(values)}


def aiperf(served: list[Served], clients: int) -> bytes:
    summary = {
        "aiperf_version": "0.13.0",
        "request_latency": _metric("ms", [each.took * 1000 for each in served]),
        "request_count": {"unit": "requests", "avg": float(len(served))},
        "time_to_first_token": _metric("ms", [each.ttft * 1000 for each in served]),
        "inter_token_latency": _metric("ms", [each.itl * 1000 for each in served]),
        "input_sequence_length": _metric("tokens", [each.tokens for each in served]),
        "benchmark_duration": {"unit": "sec", "avg": duration(served)},
    }
    return json.dumps(summary).encode()


def aiperf_records(served: list[Served], clients: int) -> bytes:
    warmup = {
        "metadata": {"benchmark_phase": "warmup", "request_start_ns": 1, "request_end_ns": 2},
        "metrics": {},
    }
    lines = [json.dumps(warmup)]
    for each in served:
        metadata = {
            "benchmark_phase": "profiling",
            "request_start_ns": round(each.start * 1e9),
            "request_end_ns": round(each.end * 1e9),
        }
        metrics = {
            "input_sequence_length": {"value": each.tokens, "unit": "tokens"},
            "time_to_first_token": {"value": each.ttft * 1000, "unit": "ms"},
            "request_latency": {"value": each.took * 1000, "unit": "ms"},
            "inter_token_latency": {"value": each.itl * 1000, "unit": "ms"},
        }
        lines.append(json.dumps({"metadata": metadata, "metrics": metrics}))
    return "\n".join([*lines, ""]).encode()


def vllm(served: list[Served], clients: int, *, detailed: bool = False) -> bytes:
    count = len(served)
    result: dict[str, Any] = {
        "backend": "openai-chat",
        "max_concurrency": clients,
        "duration": duration(served),
        "completed": count,
        "total_input_tokens": sum(each.tokens for each in served),
        "total_output_tokens": sum(each.output for each in served),
        "mean_ttft_ms": sum(each.ttft for each in served) / count * 1000,
        "mean_tpot_ms": sum(each.itl for each in served) / count * 1000,
        "median_tpot_ms": sorted(each.itl for each in served)[count // 2] * 1000,
    }
    if detailed:
        result["input_lens"] = [7, *(each.tokens for each in served)]
        result["output_lens"] = [0, *(each.output for each in served)]
        result["ttfts"] = [0.0, *(each.ttft for each in served)]
        result["itls"] = [[], *([each.itl] * (each.output - 1) for each in served)]
        result["errors"] = ["refused", *("" for _ in served)]
    return json.dumps(result).encode()


def vllm_detailed(served: list[Served], clients: int) -> bytes:
    return vllm(served, clients, detailed=True)
