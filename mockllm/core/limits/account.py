"""What one key has used of one limit: its requests, its tokens, and its answers that are under way.

Asking has no effect (that is also how one peeks); charging is an act of its own, since a request is charged
only if all limits on it allow it.
"""

from __future__ import annotations

from mockllm.core.limits.bucket import Bucket
from mockllm.core.limits.fixed_window import FixedWindow
from mockllm.core.limits.limit import METERED, Limit
from mockllm.core.limits.meter import MICRO, Meter
from mockllm.core.limits.result import ALLOWED, Bound, Cost, Gauge, LimitResult, LimitStatus
from mockllm.core.limits.sliding_window import SlidingWindow

MILLI = MICRO // 1000


class LimitAccount:
    """`held`: how many answers are under way, where the limit has a bound on them. `now` is in seconds on any
    one clock. A clock that goes back opens nothing and breaks nothing."""

    __slots__ = ("_requests", "_tokens", "_used", "held", "limit")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.held = 0
        self.reset()

    def reset(self) -> None:
        """As if nothing had been used. Answers under way stay that."""
        self._used = 0
        self._requests = _meter(self.limit, "requests")
        self._tokens = _meter(self.limit, "tokens")

    def ask(self, now: float, cost: Cost) -> LimitResult:
        """Whether a request may pass. Changes nothing."""
        limit = self.limit
        if limit.strategy not in METERED:
            return LimitResult(False, 0.0, limit.retry_after, "requests") if self._refuses(cost) else ALLOWED
        if limit.concurrent is not None and self.held >= limit.concurrent:
            return LimitResult(False, 0.0, limit.retry_after, "concurrent")
        return self._asked(now, cost)

    def _refuses(self, cost: Cost) -> bool:
        """The strategies that go by no time."""
        match self.limit.strategy:
            case "after-n":
                return self._used >= (self.limit.requests or 0)
            case "random":
                return cost.draw < self.limit.probability
            case strategy:
                return strategy == "always"

    def _asked(self, now: float, cost: Cost) -> LimitResult:
        at = round(now * MICRO)
        longest, delay = 0, 0
        by: Bound | None = None
        for bound, meter, amount in (
            ("tokens", self._tokens, cost.tokens),
            ("requests", self._requests, 1),
        ):
            if meter is None:
                continue
            wait = meter.wait(at, amount)
            if wait is None:
                return LimitResult(False, 0.0, None, bound)  # type: ignore[arg-type]  # one of these two
            if wait > longest:
                longest, by = wait, bound  # type: ignore[assignment]
            delay = max(delay, meter.delay(at))
        if by is not None:
            return LimitResult(False, 0.0, _sufficient(now, longest, at + longest), by)
        return LimitResult(True, delay / MICRO) if delay else ALLOWED

    def charge(self, now: float, cost: Cost) -> None:
        """It passes: counts it. Whoever is charged is released when its answer has ended."""
        limit = self.limit
        if limit.strategy not in METERED:
            self._used += 1
            return
        at = round(now * MICRO)
        if limit.concurrent is not None:
            self.held += 1
        if self._requests is not None:
            self._requests.charge(at, 1)
        if self._tokens is not None:
            self._tokens.charge(at, cost.tokens)

    def release(self) -> None:
        """An answer has ended, however it did."""
        self.held = max(0, self.held - 1)

    def standing(self, now: float) -> LimitStatus:
        """What is left, for the provider's headers."""
        limit = self.limit
        if limit.strategy == "after-n":
            most = limit.requests or 0
            return LimitStatus(Gauge(most, max(0, most - self._used), limit.retry_after, limit.window))
        at = round(now * MICRO)
        return LimitStatus(
            None if self._requests is None else self._requests.gauge(at),
            None if self._tokens is None else self._tokens.gauge(at),
        )


def _sufficient(now: float, wait: int, due: int) -> float:
    """The wait in whole milliseconds, rounded up. Two times that are rounded to microseconds may be one closer
    to each other than they are: then it is a millisecond more."""
    told = -(-wait // MILLI)
    if round((now + told / 1000) * MICRO) < due:
        told += 1
    return told / 1000


def open_account(limit: Limit) -> LimitAccount:
    """An account of which nothing is used."""
    return LimitAccount(limit)


def _meter(limit: Limit, bound: Bound) -> Meter | None:
    """What counts a bound of a limit; None where there is none."""
    most: int | None = getattr(limit, bound)
    if most is None:
        return None
    window = max(1, round(limit.window * MICRO))
    size = most
    match limit.strategy:
        case "fixed-window":
            return FixedWindow(most, window)
        case "sliding-window":
            return SlidingWindow(most, window)
        case "token-bucket":
            if bound == "requests" and limit.burst is not None:
                size = limit.burst
            return Bucket(most, window, size)
        case "leaky-bucket":
            if bound == "requests" and limit.queue is not None:
                size = limit.queue + 1
            return Bucket(most, window, size, leaky=True)
        case _:
            return None
