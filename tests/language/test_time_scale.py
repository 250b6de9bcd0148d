"""A time scale: limits, windows and stated waits by a factor, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import NEVER, Failure
from mockllm.core.limits.limit_data import BoundStatus, LimitResult, LimitStatus
from mockllm.core.time_scale import CLOCK_HEADER, SCENARIO
from mockllm.engine import Engine
from mockllm.engine.settings import EngineSettings
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.state.engine_state import EngineState
from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    chat_request,
    load_scenario_files,
    raw_request,
)

START = 5000.0


class ScaledServer:
    """An engine with a time scale, and a clock."""

    def __init__(self, yaml: str, time_scale: float = 0.01) -> None:
        catalog = run_steps(compile_catalog(load_scenario_files(yaml).entries))
        self.sessions = EngineState()
        self.engine = Engine(catalog, self.sessions, EngineSettings(time_scale=time_scale))
        self.now = START

    def ask(self, sent: ClientRequest | None = None, **more: Any) -> ClientResponse:
        sent = sent or chat_request(**more)
        head = (sent.method, sent.path, sent.query, sent.headers)
        request = self.engine.read(*head, sent.body, sent.client, 1_700_000_000.0, self.now)
        return ClientResponse(self.engine.respond(request))


LIMIT = """
rules: [{reply: Hi}]
modifiers: [{limit: {strategy: fixed-window, requests: 1, window: 20s}, per: api_key}]
"""


def test_window_of_a_limit_takes_the_scaled_time() -> None:
    server = ScaledServer(LIMIT)
    assert server.ask().headers["x-ratelimit-reset-requests"] == "200ms"
    server.now += 0.15
    refused = server.ask()
    assert refused.status == 429
    assert refused.headers["retry-after-ms"] == "50"
    server.now += 0.05
    assert server.ask().status == 200


def test_during_passes_in_scaled_time() -> None:
    server = ScaledServer("rules: [{reply: before, during: {to: 30s}}, {reply: after}]")
    texts = []
    for _ in range(2):
        texts.append(server.ask().json["choices"][0]["message"]["content"])
        server.now += 0.31
    assert texts == ["before", "after"]


def test_plan_has_the_times_of_the_scenario() -> None:
    response = ScaledServer("rules: [{reply: Hi, delay: 10s}]").ask()
    assert response.delay == 10.0
    assert response.planned.time_scale == 0.01


@pytest.mark.parametrize(
    ("rule", "stated"),
    [
        ("{error: {type: rate_limit, retry_after: 5s}}", "50"),
        ("{error: {type: rate_limit, retry_after: 10ms}}", "1"),
        ("{error: rate_limit}", "5"),
    ],
)
def test_refusal_states_the_scaled_wait(rule: str, stated: str) -> None:
    assert ScaledServer(f"rules: [{rule}]").ask().headers["retry-after-ms"] == stated


def test_client_with_scaled_clock_reads_times_of_scenario() -> None:
    server = ScaledServer("rules: [{error: {type: rate_limit, retry_after: 5s}}]")
    response = server.ask(chat_request(headers={CLOCK_HEADER: SCENARIO}))
    assert response.headers["retry-after-ms"] == "5000"
    assert response.planned.time_scale == 0.01


def test_background_response_ends_in_scaled_time() -> None:
    server = ScaledServer("rules: [{reply: Done., pace: {queued: 2s, in_progress: 10s, ttft: 0s, itl: 0s}}]")
    endpoint = {"event_types": ["response.completed"], "name": "n", "url": "http://localhost:1/h"}
    server.ask(raw_request("/v1/webhook_endpoints", endpoint))
    created = server.ask(raw_request("/v1/responses", {"model": "m", "input": "hi", "background": True}))
    (hook,) = created.planned.webhooks
    assert round(hook.due - START, 6) == 0.12
    states = []
    for after in (0.019, 0.021, 0.119, 0.121):
        server.now = START + after
        read = server.ask(raw_request(f"/v1/responses/{created.json['id']}", method="GET"))
        states.append(read.json["status"])
    assert states == ["queued", "in_progress", "in_progress", "completed"]


def test_session_replaces_the_scale_of_the_server() -> None:
    server = ScaledServer("rules: [{error: {type: rate_limit, retry_after: 5s}}]")
    server.engine.change_time_scale("slow", 1.0, START, START)
    stated = [server.ask(session=name).headers["retry-after-ms"] for name in ("slow", "other")]
    assert stated == ["5000", "50"]


@pytest.mark.parametrize(("scale", "left"), [(0.01, 100), (1.0, 10_000), (100.0, 1_000_000), (None, 1_000)])
def test_change_of_the_scale_does_not_end_a_window(scale: float | None, left: int) -> None:
    server = ScaledServer(LIMIT, 0.1)
    assert server.ask(session="a").status == 200
    server.now += 1.0  # ten of its twenty seconds
    server.engine.change_time_scale("a", scale, server.now, server.now)
    refused = server.ask(session="a")
    assert (refused.status, refused.headers["retry-after-ms"]) == (429, str(left))
    server.now += left / 1000
    assert server.ask(session="a").status == 200


def test_change_of_the_scale_passes_no_time_of_during() -> None:
    server = ScaledServer("rules: [{reply: late, during: {from: 3s}}, {reply: early}]", 1.0)
    texts = []
    for scale in (0.1, 1.0, 0.01, None):
        texts.append(server.ask(session="a").text)
        server.engine.change_time_scale("a", scale, server.now, server.now)
        server.now += 0.09 if scale == 0.1 else 0.009 if scale == 0.01 else 0.9
    assert texts == ["early"] * 4
    server.now += 0.3
    assert server.ask(session="a").text == "late"


def test_error_in_a_stream_has_the_scaled_wait() -> None:
    yaml = "rules: [{reply: {chunks: [a, {error: rate_limit}]}}]"
    assert ScaledServer(yaml).ask(stream=True).events[-1].json["error"]["message"].count("5ms") == 1


def test_failure_without_a_scale_is_the_same() -> None:
    failure = Failure("rate_limit", retry_after=5.0)
    assert failure.scaled(1.0) is failure
    assert Failure("rate_limit", retry_after=NEVER).scaled(0.1).seconds_until_retry(3.0) is None
    assert Failure("rate_limit").scaled(0.5).seconds_until_retry(3.0) == 1.5
    assert Failure("rate_limit").scaled(0.5).seconds_until_retry() is None


def test_limits_state_scaled_resets() -> None:
    gauge = BoundStatus(5, 3, 10.0, 60.0)
    assert LimitStatus(gauge).scaled(0.5) == LimitStatus(BoundStatus(5, 3, 5.0, 60.0))
    assert LimitStatus(gauge).scaled(1.0) == LimitStatus(gauge)
    assert LimitResult(False, 0.0, 0.0101).scaled(0.1).retry_after == 0.002
    assert LimitResult(True).scaled(0.1) == LimitResult(True)
