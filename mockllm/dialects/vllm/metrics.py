"""vLLM's metrics: names, labels and buckets.

Sources: `PrometheusStatLogger` of `vllm/v1/metrics/loggers.py` (version of 2025), and series of a later version that
public projects quote (`vllm:inter_token_latency_seconds` took the buckets of `vllm:time_per_output_token_seconds`;
`vllm:request_time_per_output_token_seconds` is a request's mean). `FinishReason` of `vllm/v1/engine/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from mockllm.core.json.codec import Json, JSONDecodeError, loads
from mockllm.core.json.typed_values import object_of, objects
from mockllm.core.rendering.plan import EventStep, Plan, RawStep
from mockllm.dialects.serving_metrics_form import MetricHistogram, ReportedUsage, ServingMetricsForm
from mockllm.dialects.vllm.request import MAX_MODEL_LEN

TTFT: Final = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
    160.0, 640.0, 2560.0,
)  # fmt: skip
PER_TOKEN: Final = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0,
)  # fmt: skip
REQUEST: Final = (
    0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0,
    1920.0, 7680.0,
)  # fmt: skip
TOKENS: Final = tuple(
    float(digit * 10**power)
    for power in range(6)
    for digit in (1, 2, 5)
    if digit * 10**power <= MAX_MODEL_LEN
)
"""1, 2 and 5 in each power of ten, up to the model's length (`build_1_2_5_buckets`)."""


def labels(model: str) -> Mapping[str, str]:
    return {"model_name": model, "engine": "0"}


def read_usage(plan: Plan) -> ReportedUsage | None:
    """Return the usage and the finish reason of a response of vLLM. A stream without a usage has one token in each
    chunk, and an unknown prompt."""
    steps = [step for step in plan.steps if isinstance(step, EventStep | RawStep)]
    usage: dict[str, Json] = {}
    finish = "stop"
    for data in islice(_last_payloads(steps), LAST_EVENTS):
        try:
            payload = object_of(loads(data))
        except JSONDecodeError:  # a fault
            continue
        usage = usage or object_of(payload.get("usage"))
        words = [choice.get("finish_reason") for choice in objects(payload.get("choices"))]
        finish = next((word for word in words if type(word) is str), finish)
    prompt, output = usage.get("prompt_tokens"), usage.get("completion_tokens")
    cached = object_of(usage.get("prompt_tokens_details")).get("cached_tokens")
    if not steps:
        return None
    return ReportedUsage(
        prompt if type(prompt) is int else 0,
        output if type(output) is int else steps[-1].chunk_number,
        cached if type(cached) is int else 0,
        finish if finish in FINISHES else "stop",
    )


def _last_payloads(steps: Sequence[EventStep | RawStep]) -> Iterator[bytes]:
    """Yield the payloads of a response, the last one first. A cached response has its events in one step."""
    for step in reversed(steps):
        if isinstance(step, EventStep):
            events = [step.payload]
        else:
            events = step.data.rstrip().rsplit(b"\n\n", LAST_EVENTS + 1)
        payloads = (event.removeprefix(b"data: ") for event in reversed(events))
        yield from (payload for payload in payloads if payload != b"[DONE]")


LAST_EVENTS: Final = 4
"""The most events that are read: the usage and the finish reason are in the last ones."""
FINISHES: Final = ("stop", "length", "abort", "error", "repetition")


def _seconds(name: str, documentation: str, bounds: tuple[float, ...]) -> MetricHistogram:
    return MetricHistogram(f"vllm:{name}_seconds", f"Histogram of {documentation} in seconds.", bounds)


FORM: Final = ServingMetricsForm(
    gauges={
        "running": ("vllm:num_requests_running", "Number of requests in model execution batches."),
        "waiting": ("vllm:num_requests_waiting", "Number of requests waiting to be processed."),
        "cache_usage": ("vllm:kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage."),
    },
    counters={
        "prompt_tokens": ("vllm:prompt_tokens", "Number of prefill tokens processed."),
        "output_tokens": ("vllm:generation_tokens", "Number of generation tokens processed."),
        "cache_queries": (
            "vllm:prefix_cache_queries",
            "Prefix cache queries, in terms of number of queried tokens.",
        ),
        "cache_hits": ("vllm:prefix_cache_hits", "Prefix cache hits, in terms of number of cached tokens."),
        "preemptions": ("vllm:num_preemptions", "Cumulative number of preemption from the engine."),
    },
    histograms={
        "ttft": _seconds("time_to_first_token", "time to first token", TTFT),
        "gap": _seconds("inter_token_latency", "inter-token latency", PER_TOKEN),
        "token_time": _seconds(
            "request_time_per_output_token", "time per output token of a request", PER_TOKEN
        ),
        "took": _seconds("e2e_request_latency", "e2e request latency", REQUEST),
        "queue": _seconds("request_queue_time", "time spent in WAITING phase for request", REQUEST),
        "prefill": _seconds("request_prefill_time", "time spent in PREFILL phase for request", REQUEST),
        "decode": _seconds("request_decode_time", "time spent in DECODE phase for request", REQUEST),
        "inference": _seconds("request_inference_time", "time spent in RUNNING phase for request", REQUEST),
        "prompt_tokens": MetricHistogram(
            "vllm:request_prompt_tokens", "Number of prefill tokens processed.", TOKENS
        ),
        "output_tokens": MetricHistogram(
            "vllm:request_generation_tokens", "Number of generation tokens processed.", TOKENS
        ),
    },
    finished=("vllm:request_success", "Count of successfully processed requests."),
    finish_label="finished_reason",
    finish_words=FINISHES,
    aborted="abort",
    labels=labels,
    model="meta-llama/Llama-3.1-8B-Instruct",
    cache_tokens=262_144,
    read=read_usage,
)
