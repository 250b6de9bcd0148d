"""Every strategy on random arrivals, against independent libraries: `limits` for the windows, `throttled-py`
for the buckets. Their clocks are replaced by the trace's own.

`throttled-py`'s token and leaky buckets count whole seconds, so their traces do; its GCRA, another form of a
token bucket, counts fractions.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from limits import RateLimitItemPerSecond
from limits.storage import memory
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter
from throttled import Throttled, rate_limiter, utils
from throttled.store import MemoryStore

from mockllm.core.limits.limit_data import Cost, Limit, LimitStrategy
from mockllm.core.limits.rate_limiter import RateLimiter
from tests.examples import examples

QUIET = settings(
    max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
NAMES = count()


class Clock:
    """A clock that stays where it was set."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    built = Clock()
    idle = SimpleNamespace(start=lambda: None, is_alive=lambda: True)
    threads = SimpleNamespace(Timer=lambda *_: idle, RLock=threading.RLock)
    monkeypatch.setattr(memory, "time", built)
    monkeypatch.setattr(memory, "threading", threads)
    monkeypatch.setattr(utils, "now_sec", lambda: int(built.now))
    monkeypatch.setattr(utils, "now_mono_f", lambda: built.now)
    return built


def arrivals(step: float, longest: int) -> st.SearchStrategy[list[tuple[float, int]]]:
    """Times, in multiples of `step` from an hour past the epoch, and how many units each one requests."""
    gaps = st.lists(st.tuples(st.integers(0, longest), st.integers(1, 4)), min_size=1, max_size=60)

    def trace(found: list[tuple[int, int]]) -> list[tuple[float, int]]:
        now, built = 3600.0, []
        for gap, amount in found:
            now += gap * step
            built.append((now, amount))
        return built

    return gaps.map(trace)


def ours(strategy: LimitStrategy, trace: list[tuple[float, int]], **bounds: Any) -> list[bool]:
    """What passes of a trace. Its amounts are tokens: a request itself is always one."""
    limiter = RateLimiter(Limit(strategy, **bounds))
    passed = []
    for now, amount in trace:
        cost = Cost(amount)
        allowed = limiter.check(now, cost).allowed
        if allowed:
            limiter.charge(now, cost)
        passed.append(allowed)
    return passed


def in_windows(
    limiter: Any, clock: Clock, trace: list[tuple[float, int]], most: int, window: int
) -> list[bool]:
    item, name = RateLimitItemPerSecond(most, window), str(next(NAMES))
    passed = []
    for now, amount in trace:
        clock.now = now
        passed.append(limiter.test(item, name, cost=amount) and limiter.hit(item, name, cost=amount))
    return passed


@QUIET
@given(trace=arrivals(0.25, 20), most=st.integers(1, 8), window=st.integers(1, 10))
def test_fixed_window_equals_other_library(
    clock: Clock, trace: list[tuple[float, int]], most: int, window: int
) -> None:
    theirs = FixedWindowRateLimiter(memory.MemoryStorage())
    expected = in_windows(theirs, clock, trace, most, window)
    assert ours("fixed-window", trace, tokens=most, window=float(window)) == expected


@QUIET
@given(trace=arrivals(0.25, 20), most=st.integers(1, 8), window=st.integers(1, 10))
def test_sliding_window_equals_other_library(
    clock: Clock, trace: list[tuple[float, int]], most: int, window: int
) -> None:
    # What passed exactly a window ago still counts there and no longer here: no two are exactly that far apart.
    trace = [(now + place * 0.001, amount) for place, (now, amount) in enumerate(trace)]
    theirs = MovingWindowRateLimiter(memory.MemoryStorage())
    expected = in_windows(theirs, clock, trace, most, window)
    assert ours("sliding-window", trace, tokens=most, window=float(window)) == expected


def in_buckets(
    kind: str, clock: Clock, trace: list[tuple[float, int]], rate: int, window: int, size: int
) -> list[bool]:
    quota = rate_limiter.per_duration(timedelta(seconds=window), limit=rate * window, burst=size)
    theirs = Throttled(key=str(next(NAMES)), using=kind, quota=quota, store=MemoryStore())
    passed = []
    for now, amount in trace:
        clock.now = now
        passed.append(not theirs.limit(cost=amount).limited)
    return passed


@QUIET
@given(trace=arrivals(1.0, 4), rate=st.integers(1, 4), window=st.integers(1, 10))
def test_token_bucket_equals_other_library(
    clock: Clock, trace: list[tuple[float, int]], rate: int, window: int
) -> None:
    expected = in_buckets("token_bucket", clock, trace, rate, window, rate * window)
    assert ours("token-bucket", trace, tokens=rate * window, window=float(window)) == expected


@QUIET
@given(trace=arrivals(1 / 64, 100), rate=st.sampled_from([1, 2, 4, 8]), window=st.integers(1, 10))
def test_token_bucket_fractions_equal_other_library(
    clock: Clock, trace: list[tuple[float, int]], rate: int, window: int
) -> None:
    expected = in_buckets("gcra", clock, trace, rate, window, rate * window)
    assert ours("token-bucket", trace, tokens=rate * window, window=float(window)) == expected


@QUIET
@given(
    trace=arrivals(1 / 64, 100),
    rate=st.sampled_from([1, 2, 4]),
    window=st.integers(1, 10),
    burst=st.integers(1, 20),
)
def test_token_bucket_burst_equals_other_library(
    clock: Clock, trace: list[tuple[float, int]], rate: int, window: int, burst: int
) -> None:
    trace = [(now, 1) for now, _ in trace]
    expected = in_buckets("gcra", clock, trace, rate, window, burst)
    assert ours("token-bucket", trace, requests=rate * window, burst=burst, window=float(window)) == expected


@QUIET
@given(trace=arrivals(1.0, 4), rate=st.integers(1, 4), window=st.integers(1, 10), queue=st.integers(0, 12))
def test_leaky_bucket_equals_other_library(
    clock: Clock, trace: list[tuple[float, int]], rate: int, window: int, queue: int
) -> None:
    trace = [(now, 1) for now, _ in trace]
    expected = in_buckets("leaking_bucket", clock, trace, rate, window, queue + 1)
    assert ours("leaky-bucket", trace, requests=rate * window, queue=queue, window=float(window)) == expected


@QUIET
@given(trace=arrivals(1.0, 4), rate=st.integers(1, 4), window=st.integers(1, 10))
def test_leaky_bucket_of_tokens_equals_other_library(
    clock: Clock, trace: list[tuple[float, int]], rate: int, window: int
) -> None:
    expected = in_buckets("leaking_bucket", clock, trace, rate, window, rate * window)
    assert ours("leaky-bucket", trace, tokens=rate * window, window=float(window)) == expected
