"""Limits whose counts are larger than Lua's exact numbers, and those of a session with a time scale."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Any

import pytest
import redis
from msgspec.structs import replace

from mockllm.core.limits.limit_data import METERED, Cost, Limit
from mockllm.core.selection.guards import Guard, TimeWindow
from mockllm.state.engine_state import EngineState
from tests.store.redis_server import redis_server
from tests.store.test_script_equals_memory import ONE, RULE, START, StoreCounters


@pytest.fixture(scope="module")
def client() -> Iterator[redis.Redis]:
    with redis_server() as server, redis.Redis(unix_socket_path=str(server.socket)) as connected:
        yield connected


@pytest.mark.parametrize(
    "limit",
    [
        Limit("fixed-window", requests=(1 << 63) - 1),
        Limit("sliding-window", requests=(1 << 53) + 1),
        Limit("token-bucket", requests=(1 << 53) + 1),
        Limit("token-bucket", requests=5, burst=(1 << 53) + 1),
        Limit("leaky-bucket", requests=5, queue=1 << 53),
        Limit("after-n", requests=(1 << 53) + 1),
    ],
)
def test_limit_beyond_exact_numbers_has_exact_bounds(client: redis.Redis, limit: Limit) -> None:
    inputs = replace(ONE, modifiers=(replace(RULE, key="m", limit=limit),))
    memory, store = EngineState(), StoreCounters(client)
    for _ in range(3):
        ((_, decision),) = store.decide([inputs])
        expected = memory.decide(inputs)
        assert decision.admission is not None
        assert expected.admission is not None
        found, wanted = decision.admission.limit_status.requests, expected.admission.limit_status.requests
        assert found is not None
        assert wanted is not None
        assert (found.limit, found.remaining) == (wanted.limit, wanted.remaining)
        assert type(found.remaining) is int
        assert found.reset == pytest.approx(wanted.reset)


def test_tokens_that_remain_of_a_long_window_are_whole(client: redis.Redis) -> None:
    limit = Limit("token-bucket", tokens=150_000_007, window=8_000 * 3_600.0)
    modifier, memory, store = replace(RULE, key="m", limit=limit), EngineState(), StoreCounters(client)
    draw = Random(3)
    for number in range(120):
        tokens = draw.randint(1_000, 100_000_000)
        inputs = replace(ONE, modifiers=(modifier,), compute_cost=partial(Cost, tokens, 0.0, tokens))
        inputs = replace(inputs, scenario_time=START + number * 0.037121)
        ((_, decision),) = store.decide([inputs])
        expected = memory.decide(inputs)
        assert decision.admission is not None
        assert expected.admission is not None
        found, wanted = decision.admission.limit_status.tokens, expected.admission.limit_status.tokens
        assert found is not None
        assert wanted is not None
        assert type(found.remaining) is int
        assert abs(found.remaining - wanted.remaining) <= 1


@pytest.mark.parametrize("scale", [0.1, 0.25, 5.0])
@pytest.mark.parametrize("strategy", sorted(METERED))
def test_time_scale_of_a_session_is_that_of_its_limits(
    client: redis.Redis, strategy: Any, scale: float
) -> None:
    modifier = replace(RULE, key="m", limit=Limit(strategy, requests=2, window=10.0, queue=1))
    memory, store = EngineState(), StoreCounters(client)
    for later in (0.0, 1.0, 2.0, 9.0, 10.5, 11.5, 12.5, 30.0):
        inputs = replace(ONE, modifiers=(modifier,), scenario_time=START + later, time_scale=scale)
        ((_, decision),) = store.decide([inputs])
        expected = memory.decide(inputs)
        assert decision.outcome == expected.outcome
        assert decision.admission is not None
        assert expected.admission is not None
        assert decision.admission.limit_result == expected.admission.limit_result
        assert decision.admission.wait == pytest.approx(expected.admission.wait)
        found, wanted = decision.admission.limit_status.requests, expected.admission.limit_status.requests
        assert found is not None
        assert wanted is not None
        assert found.remaining == wanted.remaining
        assert found.reset == pytest.approx(wanted.reset)


@pytest.mark.parametrize("scale", [0.1, 5.0])
def test_time_scale_of_a_session_is_that_of_during(client: redis.Redis, scale: float) -> None:
    rule = replace(RULE, guard=Guard(during=TimeWindow(0.0, 10.0)))
    store = StoreCounters(client)

    def outcome(later: float) -> str:
        inputs = replace(ONE, rules=(rule,), scenario_time=START + later, time_scale=scale)
        return store.decide([inputs])[0][1].outcome

    assert [outcome(later) for later in (0.0, 9.9, 10.1)] == ["rule", "rule", "no_rule"]
