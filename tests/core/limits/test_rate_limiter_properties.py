"""Properties of all strategies for random arrivals: a reported wait suffices, and no window exceeds its limit."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mockllm.core.limits.limit_data import ALLOWED, BoundStatus, Cost, Limit, LimitStatus, LimitStrategy
from mockllm.core.limits.rate_limiter import RateLimiter

METERED: st.SearchStrategy[LimitStrategy] = st.sampled_from(
    ["fixed-window", "sliding-window", "token-bucket", "leaky-bucket"]
)
PATIENT = settings(deadline=None)
"""How long an example takes does not matter."""
NOON = 1_800_000_000.123456
"""A time of our days, where a float is only good for a quarter of a microsecond."""
BOUNDS = st.none() | st.integers(0, 50)
WINDOWS = st.floats(0.001, 3600, allow_nan=False)
ARRIVALS = st.lists(st.tuples(st.floats(0, 90, allow_nan=False), st.integers(0, 60)), min_size=1, max_size=40)


@st.composite
def limits(draw: st.DrawFn) -> Limit:
    requests, tokens = draw(BOUNDS), draw(BOUNDS)
    assume((requests, tokens) != (None, None))
    return Limit(
        draw(METERED), requests, tokens, window=draw(WINDOWS), burst=draw(BOUNDS), queue=draw(BOUNDS)
    )


def passing(limiter: RateLimiter, arrivals: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """When what passed left, and its tokens."""
    now, passed = NOON, []
    for gap, tokens in arrivals:
        now += gap
        verdict = limiter.check(now, Cost(tokens))
        if verdict.allowed:
            limiter.charge(now, Cost(tokens))
            passed.append((now + verdict.delay, tokens))
    return passed


@PATIENT
@given(limit=limits(), arrivals=ARRIVALS)
def test_retry_after_requested_wait_passes(limit: Limit, arrivals: list[tuple[float, int]]) -> None:
    limiter = RateLimiter(limit)
    now = NOON
    for gap, tokens in arrivals:
        now += gap
        cost = Cost(tokens)
        verdict = limiter.check(now, cost)
        if not verdict.allowed and verdict.retry_after is not None:
            assert verdict.retry_after > 0
            assert round(verdict.retry_after, 3) == verdict.retry_after
            now += verdict.retry_after
            assert limiter.check(now, cost).allowed
        if limiter.check(now, cost).allowed:
            limiter.charge(now, cost)


@PATIENT
@given(limit=limits(), arrivals=ARRIVALS)
def test_reported_wait_is_minimal(limit: Limit, arrivals: list[tuple[float, int]]) -> None:
    limiter = RateLimiter(limit)
    passing(limiter, arrivals)
    now = NOON + sum(gap for gap, _ in arrivals)
    verdict = limiter.check(now, Cost(arrivals[0][1]))
    if not verdict.allowed and verdict.retry_after is not None and verdict.retry_after > 0.002:
        assert not limiter.check(now + verdict.retry_after - 0.002, Cost(arrivals[0][1])).allowed


@PATIENT
@given(limit=limits(), arrivals=ARRIVALS, later=st.floats(0, 90, allow_nan=False))
def test_check_and_status_change_nothing(
    limit: Limit, arrivals: list[tuple[float, int]], later: float
) -> None:
    limiter, other = RateLimiter(limit), RateLimiter(limit)
    passing(limiter, arrivals)
    passing(other, arrivals)
    end = NOON + sum(gap for gap, _ in arrivals)
    limiter.check(end, Cost(7))
    limiter.status(end)
    assert limiter.check(end + later, Cost(3)) == other.check(end + later, Cost(3))
    assert limiter.status(end + later) == other.status(end + later)


@PATIENT
@given(limit=limits(), arrivals=ARRIVALS, later=st.floats(0, 90, allow_nan=False))
def test_remaining_amount_passes_and_one_more_does_not(
    limit: Limit, arrivals: list[tuple[float, int]], later: float
) -> None:
    limiter = RateLimiter(limit)
    passing(limiter, arrivals)
    now = NOON + sum(gap for gap, _ in arrivals) + later
    limit_status = limiter.status(now)
    requests, tokens = limit_status.requests, limit_status.tokens
    if requests is not None:
        assert 0 <= requests.remaining <= requests.limit
        assert bool(requests.remaining) == (limiter.check(now, Cost(0)).allowed)
    if tokens is not None and (requests is None or requests.remaining):
        assert 0 <= tokens.remaining <= tokens.limit
        assert limiter.check(now, Cost(tokens.remaining)).allowed
        assert not limiter.check(now, Cost(tokens.remaining + 1)).allowed


def bounds(limit_status: LimitStatus) -> list[BoundStatus]:
    """Those that there are."""
    return [each for each in (limit_status.requests, limit_status.tokens) if each is not None]


@PATIENT
@given(limit=limits(), arrivals=ARRIVALS)
def test_full_limit_remains_after_reset_time(limit: Limit, arrivals: list[tuple[float, int]]) -> None:
    limiter = RateLimiter(limit)
    passing(limiter, arrivals)
    now = NOON + sum(gap for gap, _ in arrivals)
    for before in bounds(limiter.status(now)):
        after = bounds(limiter.status(now + before.reset + 1e-6))
        assert any(each == replace(before, remaining=before.limit, reset=0.0) for each in after)


def most(passed: list[tuple[float, int]], window: float, *, tokens: bool) -> int:
    """The most that passed in any window, whose end does not belong to it (nor do five microseconds before:
    times are rounded to whole ones)."""
    return max(
        (
            sum(amount if tokens else 1 for when, amount in passed if start <= when < start + window - 5e-6)
            for start, _ in passed
        ),
        default=0,
    )


@PATIENT
@given(limit=limits(), arrivals=ARRIVALS)
def test_window_never_exceeds_limit(limit: Limit, arrivals: list[tuple[float, int]]) -> None:
    passed = passing(RateLimiter(limit), arrivals)
    for bound, size, tokens in (
        (limit.requests, limit.burst, False),
        (limit.tokens, limit.tokens, True),
    ):
        if bound is None:
            continue
        expected = most(passed, limit.window, tokens=tokens)
        match limit.strategy:
            case "sliding-window":
                assert expected <= bound
            case "fixed-window":
                assert expected <= 2 * bound
            case "token-bucket":
                assert expected <= bound + (bound if size is None else size)


@PATIENT
@given(requests=st.integers(1, 20), queue=BOUNDS, window=WINDOWS, arrivals=ARRIVALS)
def test_leaky_bucket_spaces_requests_evenly(
    requests: int, queue: int | None, window: float, arrivals: list[tuple[float, int]]
) -> None:
    limit = Limit("leaky-bucket", requests, queue=queue, window=window)
    left = [when for when, _ in passing(RateLimiter(limit), arrivals)]
    assert all(later - earlier >= window / requests - 3e-6 for earlier, later in pairwise(left))
    assert most([(when, 0) for when in left], window, tokens=False) <= requests


@PATIENT
@given(arrivals=st.lists(st.floats(0, 0.01, allow_nan=False), min_size=1, max_size=60))
def test_sliding_window_with_shared_entries_never_exceeds(arrivals: list[float]) -> None:
    """Above so many entries they are joined; still no window holds too much, and waits suffice."""
    limiter = RateLimiter(Limit("sliding-window", tokens=1500, window=1.0))
    now, passed = NOON, []
    for gap in arrivals:
        now += gap
        for _ in range(40):
            verdict = limiter.check(now, Cost(1))
            if not verdict.allowed:
                assert verdict.retry_after is not None
                now += verdict.retry_after
                assert limiter.check(now, Cost(1)).allowed
            limiter.charge(now, Cost(1))
            passed.append(now)
    window: list[Any] = [sum(start <= when < start + 1.0 - 1e-6 for when in passed) for start in set(passed)]
    assert max(window) <= 1500


@PATIENT
@given(limit=limits(), concurrent=st.none() | st.integers(0, 3), arrivals=ARRIVALS)
def test_charge_at_once_equals_check_charge_and_status(
    limit: Limit, concurrent: int | None, arrivals: list[tuple[float, int]]
) -> None:
    limit = replace(limit, concurrent=concurrent)
    limiter, other = RateLimiter(limit), RateLimiter(limit)
    now = NOON
    for gap, tokens in arrivals:
        now += gap
        cost = Cost(tokens)
        expected: LimitStatus | None = None
        if other.check(now, cost) == ALLOWED:
            other.charge(now, cost)
            expected = other.status(now)
        assert limiter.charge_at_once(now, cost) == expected
        assert limiter.status(now) == other.status(now)
