"""The limiter of one rate limit in one scope: it counts requests, tokens and responses in flight. The admission of
a request (`mockllm.state.admission`) checks and charges all its limits. `meters.py` has the algorithms.

A check has no effect; a charge is a separate call, since a request is charged only if all limits on it allow it.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.limits.limit_data import (
    ALLOWED,
    METERED,
    Bound,
    BoundStatus,
    Cost,
    Limit,
    LimitResult,
    LimitStatus,
    MeteredBound,
)
from mockllm.core.limits.meters import MICROS_PER_SECOND, Bucket, FixedWindow, Meter, SlidingWindow

MICROS_PER_MILLISECOND = MICROS_PER_SECOND // 1000
_CHECKED: Final[tuple[MeteredBound, ...]] = ("tokens", "input_tokens", "output_tokens", "requests")
"""The bounds in the order in which they are checked: of equal waits the first is reported."""
_LIMITER_BYTES: Final = 900
_ENTRY_BYTES: Final = 130
"""The memory of a limiter with its meters, and of each entry of a sliding window."""


class RateLimiter:
    """Checks and charges one limit in one scope. `in_flight` is the number of responses in flight, where the limit
    bounds them. `scenario_time` is in seconds on one clock. A clock that goes back neither frees nor breaks
    anything."""

    __slots__ = ("_meters", "_requests", "_splits_tokens", "_tokens", "_used", "grows", "in_flight", "limit")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.in_flight = 0
        self.grows = limit.strategy == "sliding-window"
        """Whether requests change the size."""
        self.reset()

    def reset(self) -> None:
        """Set the usage to zero. Responses in flight still count."""
        self._used = 0
        meters = {bound: _meter_of(self.limit, bound) for bound in _CHECKED}
        self._requests, self._tokens = meters["requests"], meters["tokens"]
        self._meters = [(bound, meter) for bound, meter in meters.items() if meter is not None]
        self._splits_tokens = bool(meters["input_tokens"] or meters["output_tokens"])
        """Whether parts of a request's tokens have meters of their own."""

    def check(self, scenario_time: float, cost: Cost) -> LimitResult:
        """Return whether a request may pass. Changes nothing."""
        limit = self.limit
        if limit.strategy not in METERED:
            return LimitResult(False, 0.0, limit.retry_after, "requests") if self._refuses(cost) else ALLOWED
        if limit.concurrent is not None and self.in_flight >= limit.concurrent:
            return LimitResult(False, 0.0, limit.retry_after, "concurrent")
        return self._check_meters(scenario_time, cost)

    def _refuses(self, cost: Cost) -> bool:
        """Decide for a strategy that does not depend on time."""
        match self.limit.strategy:
            case "after-n":
                return self._used >= (self.limit.requests or 0)
            case "random":
                return cost.draw < self.limit.probability
            case strategy:
                return strategy == "always"

    def _check_meters(self, scenario_time: float, cost: Cost) -> LimitResult:
        limit, micros = self.limit, round(scenario_time * MICROS_PER_SECOND)
        longest, delay = 0, 0
        by: Bound | None = None
        for bound, meter in self._meters:
            wait = meter.wait(micros, cost.amount_of(bound, limit))
            if wait is None:
                return LimitResult(False, 0.0, None, bound)
            if wait > longest:
                longest, by = wait, bound
            delay = max(delay, meter.delay(micros))
        if by is not None:
            return LimitResult(False, 0.0, reported_wait(scenario_time, longest, micros + longest), by)
        return LimitResult(True, delay / MICROS_PER_SECOND) if delay else ALLOWED

    def charge(self, scenario_time: float, cost: Cost) -> None:
        """Count a request that passes. Call `release` when its response has ended."""
        limit = self.limit
        if limit.strategy not in METERED:
            self._used += 1
            return
        micros = round(scenario_time * MICROS_PER_SECOND)
        if limit.concurrent is not None:
            self.in_flight += 1
        for bound, meter in self._meters:
            meter.charge(micros, cost.amount_of(bound, limit))

    def charge_at_once(self, scenario_time: float, cost: Cost) -> LimitStatus | None:
        """Count a request that passes without a wait, and return the rest of the limit, as `check`, `charge` and
        `status` do. None, and nothing changes, for any other request."""
        if (
            self.limit.strategy == "token-bucket"
            and self.limit.concurrent is None
            and not self._splits_tokens
        ):
            requests: Bucket | None = self._requests  # type: ignore[assignment] # the strategy's meters are buckets
            tokens: Bucket | None = self._tokens  # type: ignore[assignment]
            micros = round(scenario_time * MICROS_PER_SECOND)
            requests_level = None if requests is None else requests.level_after(micros, 1)
            tokens_level = None if tokens is None else tokens.level_after(micros, cost.tokens)
            if requests is not None and requests_level is None:
                return None
            if tokens is not None and tokens_level is None:
                return None
            return LimitStatus(
                None
                if requests is None or requests_level is None
                else requests.set_level(micros, requests_level),
                None if tokens is None or tokens_level is None else tokens.set_level(micros, tokens_level),
            )
        if self.check(scenario_time, cost) is not ALLOWED:
            return None
        self.charge(scenario_time, cost)
        return self.status(scenario_time)

    @property
    def size(self) -> int:
        """About how many bytes the limiter takes."""
        entries = sum(meter.entries for _, meter in self._meters if isinstance(meter, SlidingWindow))
        return _LIMITER_BYTES + _ENTRY_BYTES * entries

    def release(self) -> None:
        """Count the end of a response."""
        self.in_flight = max(0, self.in_flight - 1)

    def status(self, scenario_time: float) -> LimitStatus:
        """Return the rest of the limit, for the provider's headers."""
        limit = self.limit
        if limit.strategy == "after-n":
            max_count = limit.requests or 0
            return LimitStatus(
                BoundStatus(max_count, max(0, max_count - self._used), limit.retry_after, limit.window)
            )
        micros = round(scenario_time * MICROS_PER_SECOND)
        if self._splits_tokens:
            return LimitStatus(**{bound: meter.bound_status(micros) for bound, meter in self._meters})
        return LimitStatus(
            None if self._requests is None else self._requests.bound_status(micros),
            None if self._tokens is None else self._tokens.bound_status(micros),
        )


def reported_wait(scenario_time: float, wait: int, due: int) -> float:
    """Return the wait in whole milliseconds, rounded up. It is a millisecond more where rounding to microseconds
    would make the retry too early."""
    milliseconds = -(-wait // MICROS_PER_MILLISECOND)
    if round((scenario_time + milliseconds / 1000) * MICROS_PER_SECOND) < due:
        milliseconds += 1
    return milliseconds / 1000


def _meter_of(limit: Limit, bound: MeteredBound) -> Meter | None:
    """Return the meter of a bound; None where the limit has no such bound."""
    max_count: int | None = getattr(limit, bound)
    if max_count is None:
        return None
    window = max(1, round(limit.window * MICROS_PER_SECOND))
    match limit.strategy:
        case "fixed-window":
            return FixedWindow(max_count, window)
        case "sliding-window":
            return SlidingWindow(max_count, window)
        case "token-bucket":
            return Bucket(max_count, window, capacity(limit, bound))
        case "leaky-bucket":
            return Bucket(max_count, window, capacity(limit, bound), leaky=True)
        case _:
            return None


def capacity(limit: Limit, bound: MeteredBound) -> int:
    """Return the most that can remain of a bound; 0 where the limit has none, or an empty one."""
    max_count: int = getattr(limit, bound) or 0
    if max_count and bound == "requests":
        if limit.strategy == "token-bucket" and limit.burst is not None:
            return limit.burst
        if limit.strategy == "leaky-bucket" and limit.queue is not None:
            return limit.queue + 1
    return max_count
