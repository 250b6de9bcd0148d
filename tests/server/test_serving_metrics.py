"""`/metrics` of the provider whose paths need no prefix: under its names, for any scraper."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead, WaitStep
from mockllm.engine import PlannedResponse
from mockllm.server.serving_metrics import sent_tokens
from tests.server.control.live_server import Steered, steered
from tests.server.test_metrics import seen
from tests.waiting import until

SCENARIO = """
provider: vllm
rules:
  - match: {model: slow}
    reply: {text: {tokens: 3}}
    pace: {ttft: 60s}
  - match: {model: long}
    reply: {text: {tokens: 3}}
    pace: {ttft: 20ms, itl: 60s}
  - reply: {text: {tokens: 3}}
    pace: {ttft: 20ms, itl: 20ms}
modifiers:
  - name: full
    match: {model: slow}
    load: {max_inflight: 1, queue: 5}
"""
FAR = {"x-forwarded-for": "10.0.0.1"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Steered]:
    with steered(tmp_path, {"a.yaml": SCENARIO}) as server:
        yield server


def samples(server: Steered) -> dict[str, float]:
    """The values by name; of series with a finish reason by name and reason."""
    page = server.call("GET", "/metrics", headers=FAR)
    assert page.status == 200
    found = {}
    for family in text_string_to_metric_families(page.text):
        for sample in family.samples:
            reason = sample.labels.get("finished_reason")
            found[sample.name if reason is None else f"{sample.name}:{reason}"] = sample.value
    return found


def post(server: Steered, model: str = "m", **fields: Any) -> int:
    body = {"model": model, "prompt": "hi there", "max_tokens": 3, **fields}
    return server.call("POST", "/v1/completions", body).status


def leave_open(server: Steered) -> None:
    """Send a request that the server cuts when it stops."""
    with suppress(HTTPException, OSError):
        post(server, "slow")


def test_metrics_count_tokens_and_times(server: Steered) -> None:
    assert post(server, stream=True) == post(server) == 200
    until(lambda: samples(server)["vllm:request_success_total:length"] == 0)
    until(lambda: samples(server)["vllm:request_success_total:stop"] == 2)
    found = samples(server)
    assert found["vllm:generation_tokens_total"] == 6
    assert found["vllm:prompt_tokens_total"] == found["vllm:prefix_cache_queries_total"] == 4
    assert found["vllm:time_to_first_token_seconds_count"] == 1
    assert found["vllm:inter_token_latency_seconds_count"] <= 2
    assert found["vllm:e2e_request_latency_seconds_count"] == 2


def test_metrics_count_times_between_chunks(server: Steered) -> None:
    def has_times() -> bool:
        assert post(server, stream=True) == 200
        return samples(server)["vllm:inter_token_latency_seconds_count"] > 0

    until(has_times)  # on a busy machine late chunks leave together, and have no time between them
    assert samples(server)["vllm:inter_token_latency_seconds_sum"] > 0


def test_left_stream_counts_the_tokens_that_were_sent(server: Steered) -> None:
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    body = {"model": "long", "prompt": "hi there", "max_tokens": 3, "stream": True}
    connection.request("POST", "/v1/completions", json.dumps(body))
    connection.getresponse().read(20)
    connection.close()
    until(lambda: samples(server)["vllm:request_success_total:abort"] == 1)
    found = samples(server)
    assert found["vllm:generation_tokens_total"] == found["vllm:request_generation_tokens_sum"] == 1


@pytest.mark.parametrize(
    ("times", "scale", "tokens"),
    [
        ([], 1.0, 0),  # it left the queue
        ([5.0], 1.0, 0),
        ([5.0, 6.0], 1.0, 20),
        ([5.0, 6.0, 7.0], 1.0, 40),
        ([5.0, 6.0, 7.0], 2.0, 20),
        ([5.0], 0.0, 40),
    ],
)
def test_sent_tokens_are_those_of_due_chunks(times: list[float], scale: float, tokens: int) -> None:
    steps = (
        EventStep(b"role", 0, "open"),
        WaitStep(1.0, 0),
        EventStep(b"a", 1, "chunk"),
        WaitStep(1.0, 1),
        EventStep(b"b", 2, "chunk"),
    )
    response = PlannedResponse(Plan(ResponseHead(200, ()), steps, Framing.SSE), "r", time_scale=scale)
    ended = seen(response, times=array("d", times), end_reason="gone")
    assert sent_tokens(ended, 40) == tokens


def test_response_in_one_write_has_sent_all_tokens() -> None:
    assert sent_tokens(seen(PlannedResponse(Plan(ResponseHead(200, ()), ()), "r")), 40) == 40


def test_metrics_show_what_runs_and_waits(server: Steered) -> None:
    threads = [Thread(target=leave_open, args=(server,), daemon=True) for _ in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: samples(server)["vllm:num_requests_waiting"] == 2)
    found = samples(server)
    assert found["vllm:num_requests_running"] == 1
    assert 0 < found["vllm:kv_cache_usage_perc"] < 1


def test_metrics_are_zero_before_the_first_request(server: Steered) -> None:
    assert samples(server)["vllm:num_requests_running"] == 0


def test_refused_request_is_no_success(server: Steered) -> None:
    assert post(server, max_tokens=10**7) == 400
    assert samples(server)["vllm:e2e_request_latency_seconds_count"] == 0


def test_scraper_without_the_token_sees_no_other_metrics(server: Steered) -> None:
    assert not any(name.startswith("mockllm") for name in samples(server))
    own = server.call("GET", "/metrics").text
    assert "mockllm_rules" in own
    assert "vllm:num_requests_running" in own
    assert server.call("POST", "/metrics", headers=FAR).status == 403
    assert server.call("GET", "/api/metrics", headers=FAR).status == 403


def test_metrics_stay_closed_without_such_a_provider(tmp_path: Path) -> None:
    with steered(tmp_path, {"a.yaml": "rules: [{reply: x}]"}) as server:
        assert server.call("GET", "/metrics", headers=FAR).status == 403
        assert "vllm:" not in server.call("GET", "/metrics").text
