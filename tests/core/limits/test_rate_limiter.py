"""Rate limiters as tables: the result of each strategy at each time, and the status."""

from __future__ import annotations

import pytest

from mockllm.core.limits.limit_data import (
    STRATEGIES,
    BoundStatus,
    Cost,
    Limit,
    LimitResult,
    LimitStatus,
    combine,
    tightest_by_bound,
)
from mockllm.core.limits.meters import MAX_EXACT_ENTRIES, SlidingWindow
from mockllm.core.limits.rate_limiter import RateLimiter

TEN = 10.0


def text(limit: Limit, *sent: tuple[float, int]) -> str:
    """The results for each (time, tokens) in turn: `+`, `+wait` or `-retry_after`, a `!` where it is never."""
    limiter = RateLimiter(limit)
    words = []
    for now, tokens in sent:
        cost = Cost(tokens, 0.5)
        verdict = limiter.check(now, cost)
        if verdict.allowed:
            limiter.charge(now, cost)
            words.append(f"+{verdict.delay:g}" if verdict.delay else "+")
        else:
            words.append("!" if verdict.retry_after is None else f"-{verdict.retry_after:g}")
    return " ".join(words)


@pytest.mark.parametrize(
    ("limit", "sent", "expected"),
    [
        pytest.param(Limit("none", 0), [(0, 0), (0, 9)], "+ +", id="none allows everything"),
        pytest.param(
            Limit("always", retry_after=3), [(0, 0), (99, 0)], "-3 -3",
            id="always refuses everything, with the constant",
        ),
        pytest.param(
            Limit("after-n", 2), [(0, 0), (0, 0), (0, 0), (9999, 0)], "+ + -1 -1",
            id="after-n does not recover",
        ),
        pytest.param(Limit("after-n"), [(0, 0)], "-1", id="after-n of nothing allows nothing"),
        pytest.param(Limit("random", probability=0.5), [(0, 0)], "+", id="random allows a draw at its probability"),
        pytest.param(Limit("random", probability=0.6), [(0, 0)], "-1", id="random refuses a draw below it"),
        pytest.param(
            Limit("fixed-window", 2, window=TEN), [(3, 0), (4, 0), (5, 0), (12.9, 0), (13, 0)], "+ + -8 -0.1 +",
            id="a fixed window opens with the first request",
        ),
        pytest.param(
            Limit("fixed-window", 1, window=TEN), [(0, 0), (30, 0), (35, 0)], "+ + -5",
            id="the next one opens with the first request after it",
        ),
        pytest.param(
            Limit("sliding-window", 2, window=TEN), [(0, 0), (6, 0), (7, 0), (10, 0), (11, 0)], "+ + -3 + -5",
            id="a sliding window frees each request by itself",
        ),
        pytest.param(
            Limit("sliding-window", tokens=10, window=TEN), [(0, 4), (2, 4), (4, 8), (10, 3), (10, 6)],
            "+ + -8 + -2",
            id="who asks for more waits for more to be free",
        ),
        pytest.param(
            Limit("token-bucket", 2, window=TEN), [(0, 0), (0, 0), (0, 0), (5, 0), (5, 0)], "+ + -5 + -5",
            id="a token bucket fills evenly",
        ),
        pytest.param(
            Limit("token-bucket", 2, window=TEN, burst=3), [(0, 0)] * 4, "+ + + -5",
            id="burst is how many pass at once",
        ),
        pytest.param(
            Limit("leaky-bucket", 2, window=TEN), [(0, 0), (0, 0), (0, 0), (2.5, 0), (5, 0)], "+ +5 -5 -2.5 +5",
            id="a leaky bucket spaces what it lets pass",
        ),
        pytest.param(
            Limit("leaky-bucket", 2, window=TEN, queue=3), [(0, 0)] * 5, "+ +5 +10 +15 -5",
            id="queue is how many wait",
        ),
        pytest.param(
            Limit("leaky-bucket", 2, window=TEN, queue=0), [(0, 0), (0, 0), (5, 0)], "+ -5 +",
            id="without a queue nobody waits",
        ),
        pytest.param(
            Limit("leaky-bucket", 100, 10, window=TEN), [(0, 5), (0, 5), (0, 5)], "+ +5 -5",
            id="the longer of two waits counts",
        ),
        pytest.param(
            Limit("fixed-window", 2, 10, window=TEN), [(0, 9), (1, 2), (1, 1), (1, 0)], "+ -9 + -9",
            id="requests and tokens are both asked",
        ),
        pytest.param(
            Limit("token-bucket", 1, 10, window=TEN), [(0, 1), (1, 10), (1, 1)], "+ -9 -9",
            id="the longer of two refusals is told",
        ),
        pytest.param(Limit("fixed-window", tokens=5), [(0, 6), (0, 5)], "! +", id="too much for a fixed window"),
        pytest.param(Limit("sliding-window", tokens=5), [(0, 6), (0, 5)], "! +", id="too much for a sliding one"),
        pytest.param(Limit("token-bucket", tokens=5), [(0, 6), (0, 5)], "! +", id="too much for a bucket"),
        pytest.param(Limit("fixed-window", 0), [(0, 0)], "!", id="a window of nothing never lets anything pass"),
        pytest.param(Limit("leaky-bucket", 0, queue=9), [(0, 0)], "!", id="nor does a bucket that does not drain"),
        pytest.param(
            Limit("token-bucket", 3, window=TEN), [(0, 0)] * 4 + [(3.333, 0), (3.334, 0)], "+ + + -3.334 -0.001 +",
            id="waits are whole milliseconds, rounded up",
        ),
        pytest.param(
            Limit("fixed-window", 1, window=TEN), [(50, 0), (40, 0), (60, 0)], "+ -20 +",
            id="a clock that goes back opens no window",
        ),
        pytest.param(
            Limit("token-bucket", 1, window=TEN), [(50, 0), (40, 0), (60, 0)], "+ -10 +",
            id="nor does it fill a bucket",
        ),
        pytest.param(
            Limit("token-bucket", 1, window=TEN, burst=2), [(50, 0), (40, 0), (50, 0), (60, 0)], "+ + -10 +",
            id="nor by what passed while it was back",
        ),
        pytest.param(
            Limit("sliding-window", 1, window=TEN), [(50, 0), (40, 0), (60, 0)], "+ -20 +",
            id="nor does it free a sliding one",
        ),
    ],
)  # fmt: skip
def test_rate_limiter_check_by_strategy(limit: Limit, sent: list[tuple[float, int]], expected: str) -> None:
    assert text(limit, *sent) == expected


@pytest.mark.parametrize("strategy", ["fixed-window", "sliding-window", "token-bucket", "leaky-bucket"])
def test_rate_limiter_concurrent_bound_refuses(strategy: str) -> None:
    limiter = RateLimiter(Limit(strategy, concurrent=2, retry_after=4.0))  # type: ignore[arg-type]
    for _ in range(2):
        assert limiter.check(0, Cost()) == LimitResult(True)
        limiter.charge(0, Cost())
    assert limiter.check(0, Cost()) == LimitResult(False, 0.0, 4.0, "concurrent")
    limiter.release()
    assert limiter.check(0, Cost()).allowed
    limiter.reset()
    limiter.release()
    limiter.release()
    assert limiter.in_flight == 0


def test_rate_limiter_concurrent_bound_besides_window() -> None:
    limiter = RateLimiter(Limit("fixed-window", 2, concurrent=1))
    limiter.charge(0, Cost())
    assert limiter.check(1, Cost()).bound == "concurrent"
    limiter.release()
    limiter.charge(1, Cost())
    limiter.release()
    assert limiter.check(2, Cost()) == LimitResult(False, 0.0, 58.0, "requests")


@pytest.mark.parametrize("strategy", ["none", "always", "random", "after-n"])
def test_rate_limiter_without_window_ignores_concurrent(strategy: str) -> None:
    limiter = RateLimiter(Limit(strategy, 5, concurrent=1))  # type: ignore[arg-type]
    limiter.charge(0, Cost())
    limiter.charge(0, Cost())
    assert limiter.in_flight == 0
    assert limiter.check(0, Cost(0, 1.0)).bound in (None, "requests")


FULL = BoundStatus(4, 4, 0.0, TEN)


@pytest.mark.parametrize(
    ("limit", "standings"),
    [
        pytest.param(
            Limit("fixed-window", 4, window=TEN), [FULL, BoundStatus(4, 3, 10, TEN), BoundStatus(4, 3, 8, TEN)],
            id="a fixed window is full again at its end",
        ),
        pytest.param(
            Limit("sliding-window", 4, window=TEN), [FULL, BoundStatus(4, 3, 10, TEN), BoundStatus(4, 3, 8, TEN)],
            id="a sliding one when all of it has passed",
        ),
        pytest.param(
            Limit("token-bucket", 4, window=TEN), [FULL, BoundStatus(4, 3, 2.5, TEN), BoundStatus(4, 3, 0.5, TEN)],
            id="a bucket when it has been refilled, and not a part of a request remains",
        ),
        pytest.param(
            Limit("token-bucket", 4, burst=6, window=TEN),
            [BoundStatus(6, 6, 0, TEN), BoundStatus(6, 5, 2.5, TEN), BoundStatus(6, 5, 0.5, TEN)],
            id="with a burst that is what remains",
        ),
        pytest.param(
            Limit("leaky-bucket", 4, queue=1, window=TEN),
            [BoundStatus(2, 2, 0, TEN), BoundStatus(2, 1, 2.5, TEN), BoundStatus(2, 1, 0.5, TEN)],
            id="with a queue it is the queue and one more",
        ),
        pytest.param(
            Limit("after-n", 4, window=TEN),
            [BoundStatus(4, 4, 1, TEN), BoundStatus(4, 3, 1, TEN), BoundStatus(4, 3, 1, TEN)],
            id="after-n counts down and tells the constant",
        ),
    ],
)  # fmt: skip
def test_rate_limiter_status_by_strategy(limit: Limit, standings: list[BoundStatus]) -> None:
    limiter = RateLimiter(limit)
    found = [limiter.status(0)]
    limiter.charge(0, Cost())
    found += [limiter.status(0), limiter.status(2)]
    assert found == [LimitStatus(each) for each in standings]
    assert limiter.status(100).requests == (
        found[1].requests if limit.strategy == "after-n" else standings[0]
    )


def test_rate_limiter_status_has_requests_and_tokens() -> None:
    limiter = RateLimiter(Limit("fixed-window", 4, 100, window=TEN))
    limiter.charge(5, Cost(30))
    assert limiter.status(6) == LimitStatus(BoundStatus(4, 3, 9.0, TEN), BoundStatus(100, 70, 9.0, TEN))


@pytest.mark.parametrize("strategy", ["none", "always", "random"])
def test_rate_limiter_status_of_uncounted_strategy_is_empty(strategy: str) -> None:
    assert RateLimiter(Limit(strategy, 4, 4)).status(0) == LimitStatus()  # type: ignore[arg-type]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_rate_limiter_reset_equals_new_one(strategy: str) -> None:
    limit = Limit(strategy, 1, window=TEN, probability=1.0)  # type: ignore[arg-type]
    limiter, fresh = RateLimiter(limit), RateLimiter(limit)
    limiter.charge(0, Cost(5))
    limiter.reset()
    assert limiter.check(0, Cost(1, 0.5)) == fresh.check(0, Cost(1, 0.5))
    assert limiter.status(0) == fresh.status(0)


def test_sliding_window_memory_is_bounded() -> None:
    window = SlidingWindow(1_000_000, 60_000_000)
    for place in range(20_000):
        window.charge(place * 2_999, 1)
    assert MAX_EXACT_ENTRIES < len(window._log) <= 2 * MAX_EXACT_ENTRIES + 2
    assert window.bound_status(20_000 * 2_999).remaining == 1_000_000 - 20_000


def test_sliding_window_ignores_zero_amounts() -> None:
    window = SlidingWindow(1, 1_000_000)
    window.charge(0, 0)
    assert window.bound_status(0) == BoundStatus(1, 1, 0.0, 1.0)


def test_rate_limiter_wait_between_microseconds_suffices() -> None:
    """This time and the one a millisecond later round to microseconds that are 999 apart."""
    now = 1_800_000_000.2834747
    limiter = RateLimiter(Limit("fixed-window", 1, window=0.001))
    limiter.charge(now, Cost())
    assert not limiter.check(now + 0.001, Cost()).allowed
    assert limiter.check(now, Cost()).retry_after == 0.002
    assert limiter.check(now + 0.002, Cost()).allowed


NO, NEVER = LimitResult(False, 0.0, 2.0, "requests"), LimitResult(False, 0.0, None, "tokens")


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        pytest.param([], LimitResult(True), id="no limit allows"),
        pytest.param(
            [LimitResult(True), LimitResult(True, 3.0), LimitResult(True, 1.0)], LimitResult(True, 3.0),
            id="longest delay",
        ),
        pytest.param([LimitResult(True, 3.0), NO], NO, id="one that refuses is enough"),
        pytest.param(
            [LimitResult(False, 0.0, 1.0), NO, LimitResult(False, 0.0, 1.5)], NO, id="longest wait is reported"
        ),
        pytest.param([NO, NEVER, NO], NEVER, id="never is longer than any wait"),
    ],
)  # fmt: skip
def test_combine_returns_one_result(verdicts: list[LimitResult], expected: LimitResult) -> None:
    assert combine(verdicts) == expected


def test_tightest_returns_least_remaining() -> None:
    slow, quick = BoundStatus(9, 2, 5.0, TEN), BoundStatus(2, 2, 1.0, TEN)
    much, little = BoundStatus(100, 50, 1.0, TEN), BoundStatus(1000, 49, 1.0, TEN)
    assert tightest_by_bound([]) == LimitStatus()
    assert tightest_by_bound(
        [LimitStatus(quick, much), LimitStatus(slow), LimitStatus(None, little)]
    ) == LimitStatus(slow, little)


def test_rate_limiter_counts_input_and_output_apart() -> None:
    limit = Limit("fixed-window", window=TEN, input_tokens=10, output_tokens=100)
    limiter = RateLimiter(limit)
    assert limiter.charge_at_once(0, Cost(47, 0.0, 40)) == LimitStatus(
        None, None, BoundStatus(10, 3, TEN, TEN), BoundStatus(100, 60, TEN, TEN)
    )
    assert limiter.check(0, Cost(44, 0.0, 40)) == LimitResult(False, 0.0, TEN, "input_tokens")
    assert limiter.check(0, Cost(83, 0.0, 80)) == LimitResult(False, 0.0, TEN, "output_tokens")
    assert limiter.check(0, Cost(11)) == LimitResult(False, 0.0, None, "input_tokens")
    assert limiter.check(0, Cost(63, 0.0, 60)).allowed


def test_rate_limiter_admits_more_output_than_its_limit() -> None:
    limiter = RateLimiter(Limit("token-bucket", output_tokens=100))
    cost = Cost(32_007, 0.0, 32_000)
    limiter.charge(0, cost)
    assert limiter.check(0, cost) == LimitResult(False, 0.0, 60.0, "output_tokens")
    assert limiter.check(60, cost).allowed


def test_status_has_one_count_of_tokens_for_some_providers() -> None:
    input, output, both = (
        BoundStatus(9, 2, 5.0, TEN),
        BoundStatus(9, 1, 1.0, TEN),
        BoundStatus(9, 9, 0.0, TEN),
    )
    assert LimitStatus(None, None, input, output).any_tokens == output
    assert LimitStatus(None, None, input).any_tokens == input
    assert LimitStatus(None, both, input).any_tokens == both
    assert LimitStatus(output).any_tokens is None


@pytest.mark.parametrize(("requests", "tokens"), [(1, 100), (9, 50)], ids=["requests", "tokens"])
def test_charge_at_once_without_room_changes_nothing(requests: int, tokens: int) -> None:
    limiter = RateLimiter(Limit("token-bucket", requests, tokens))
    assert limiter.charge_at_once(0, Cost(40)) is not None
    status = limiter.status(0)
    assert limiter.charge_at_once(0, Cost(40)) is None
    assert limiter.status(0) == status
