"""What vLLM's metrics read of a response, and their names."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.dialects.serving_metrics_form import ReportedUsage
from mockllm.dialects.vllm.metrics import FORM, TOKENS, read_usage
from tests.language.virtual_server import raw_request, respond_all, respond_once

CHAT = "/vllm/v1/chat/completions"


def plan(**fields: Any) -> Plan:
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 3,
        "ignore_eos": True,
    }
    return respond_once("rules: [{reply: x}]", raw_request(CHAT, {**body, **fields})).planned.plan


@pytest.mark.parametrize("stream", [False, True])
def test_usage_and_end_of_a_response_are_read(stream: bool) -> None:
    options: dict[str, Any] = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    served = read_usage(plan(**options))
    assert served is not None
    assert served.prompt > 0
    assert served[1:] == (3, 0, "length")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("usage", [False, True])
def test_response_of_the_cache_is_read_as_any_other(stream: bool, usage: bool) -> None:
    options = {"stream_options": {"include_usage": usage}} if stream else {}
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 3,
        "ignore_eos": True,
    }
    request = raw_request(CHAT, {**body, "stream": stream, **options})
    served = [read_usage(each.planned.plan) for each in respond_all("rules: [{reply: x}]", *[request] * 4)]
    assert served[0] is not None
    assert served == [served[0]] * 4


def test_stream_without_usage_counts_its_chunks() -> None:
    assert read_usage(plan(stream=True)) == ReportedUsage(0, 3, 0, "length")


def test_response_that_is_no_json_counts_as_stopped() -> None:
    broken = Plan(ResponseHead(200, ()), (EventStep(b"{", 4, "chunk"),))
    assert read_usage(broken) == ReportedUsage(0, 4, 0, "stop")
    assert read_usage(Plan(ResponseHead(200, ()), ())) is None


def test_cached_tokens_and_calls_are_read() -> None:
    body = b'{"choices":[{"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":2,'
    body += b'"prompt_tokens_details":{"cached_tokens":4}}}'
    served = read_usage(Plan(ResponseHead(200, ()), (EventStep(body, 0, "body"),)))
    assert served == ReportedUsage(9, 2, 4, "stop")


def test_repeated_prefix_is_a_cache_hit() -> None:
    text = "A long system text that each request repeats. " * 60
    body = {"model": "m", "messages": [{"role": "user", "content": text}]}
    first, second = respond_all(
        "rules: [{reply: x, cache: true}]", raw_request(CHAT, body), raw_request(CHAT, body)
    )
    assert first.json["usage"]["prompt_tokens_details"] is None
    assert second.json["usage"]["prompt_tokens_details"]["cached_tokens"] % 16 == 0


def test_names_begin_with_the_servers_name() -> None:
    names = [name for name, _ in (*FORM.gauges.values(), *FORM.counters.values(), FORM.finished)]
    names += [histogram.name for histogram in FORM.histograms.values()]
    assert all(name.startswith("vllm:") for name in names)
    assert FORM.labels("m") == {"model_name": "m", "engine": "0"}
    assert TOKENS[:4] == (1.0, 2.0, 5.0, 10.0)
    assert TOKENS[-1] == 100_000.0
