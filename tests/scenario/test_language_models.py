"""`limit`, `load`, a `ttft` by input tokens, windows in time and named states as data."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.limits.limit_data import STRATEGIES, Limit
from mockllm.core.load.load import Load
from mockllm.core.quantities.parse import Uniform
from mockllm.core.rendering.pacing import DynamicInputTime
from mockllm.core.selection.guards import TimeWindow
from mockllm.core.values.types import DrawnNumber, Expression
from mockllm.scenario.raw_entries import read_spec


def modifier(**settings: Any) -> Any:
    return read_spec("modifier", settings, "a.yaml:1", {}, lambda name: b"")


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        pytest.param({"strategy": "always"}, Limit("always"), id="a strategy alone"),
        pytest.param(
            {"strategy": "token_bucket", "requests": 60, "tokens": 40000, "window": "30s", "burst": 5},
            Limit("token-bucket", 60, 40000, window=30.0, burst=5),
            id="requests and tokens in a window",
        ),
        pytest.param(
            {"strategy": "leaky-bucket", "requests": 5, "queue": 0},
            Limit("leaky-bucket", 5, window=60.0, queue=0),
            id="a window is a minute where nothing is said",
        ),
        pytest.param(
            {"strategy": "fixed-window", "concurrent": 3, "retry_after": "500ms"},
            Limit("fixed-window", concurrent=3, retry_after=0.5),
            id="answers under way alone",
        ),
        pytest.param(
            {"strategy": "after_n", "requests": 0, "window": "0s", "probability": 0.5},
            Limit("after-n", 0, window=0.0, probability=0.5),
            id="keys that a strategy does not use are let be",
        ),
        pytest.param(
            {"strategy": "random", "probability": "30%"},
            Limit("random", probability=0.3),
            id="a probability",
        ),
    ],
)
def test_limit_is_read_as_core_limit(written: dict[str, Any], limit: Limit) -> None:
    assert modifier(limit=written).limit.limit == limit


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_limit_strategy_has_both_spellings(strategy: str) -> None:
    for name in (strategy, strategy.replace("-", "_")):
        key = modifier(limit={"strategy": name, "requests": 1, "probability": 0})
        assert key.limit.strategy == strategy


def test_load_is_read_as_core_load() -> None:
    written = {"concurrency": 8, "slowdown": 3, "max_inflight": 24, "queue": 16}
    assert modifier(load=written).load.load == Load(8, 3.0, 24, 16)
    assert modifier(load={"concurrency": 8}).load.load == Load(8)


def test_ttft_by_input_tokens_is_read() -> None:
    plain = modifier(pace={"ttft": {"per_input_token": "0.1ms"}}).pace.ttft
    assert plain == DynamicInputTime(0.0, 0.0001)
    drawn = modifier(
        pace={"ttft": {"base": ["1s", "2s"], "per_input_token": "1ms", "cached": "{{ query.c }}ms"}}
    )
    result = drawn.pace.ttft
    assert (result.base, result.per_input_token) == (DrawnNumber(Uniform(1.0, 2.0)), 0.001)
    assert isinstance(result.per_cached_token, Expression)
    assert drawn.model_copy().pace.ttft == result


@pytest.mark.parametrize("ttft", ["300ms", ["1s", "2s"], {"exponential": {"mean": "1s"}}, "{{ query.t }}ms"])
def test_ttft_as_duration_is_read(ttft: object) -> None:
    assert not isinstance(modifier(pace={"ttft": ttft}).pace.ttft, DynamicInputTime)


@pytest.mark.parametrize(
    ("written", "during"),
    [
        ({"from": "10s"}, TimeWindow(10.0)),
        ({"from": "10s", "to": "30s", "every": "1m"}, TimeWindow(10.0, 30.0, 60.0)),
        ({"to": "30s"}, TimeWindow(0.0, 30.0)),
    ],
)
def test_during_is_read_as_time_window(written: dict[str, Any], during: TimeWindow) -> None:
    assert modifier(during=written).during.during == during


def test_named_states_are_read() -> None:
    key = modifier(requires_state={"step": ["paid", None], "tries": 2}, sets_state={"step": None, "ok": True})
    assert key.requires_state == {"step": ["paid", None], "tries": 2}
    assert key.sets_state == {"step": None, "ok": True}
