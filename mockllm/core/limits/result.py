"""What is asked of a limit and what it says: the cost of a request, yes or no, and what is left.

Also how several limits on one request become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from msgspec import Struct

Bound: TypeAlias = Literal["requests", "tokens", "concurrent"]


class Cost(Struct, frozen=True):
    """What one request takes: itself, and so many tokens. `draw` in [0, 1) is what `random` goes by."""

    tokens: int = 0
    draw: float = 0.0


class LimitResult(Struct, frozen=True):
    """Whether a request may pass; times in seconds.

    `delay`: how long it waits before it does (a leaky bucket's queue). `retry_after`: after which time the
    same request passes, if nobody else comes between: in whole milliseconds, as headers tell it, rounded up.
    None where it never will, since it asks for more than the limit ever has. `by`: what refused it.
    """

    allowed: bool
    delay: float = 0.0
    retry_after: float | None = None
    by: Bound | None = None


class Gauge(Struct, frozen=True):
    """What one bound stands at. `limit` is the most that can remain; `reset` the seconds until it does."""

    limit: int
    remaining: int
    reset: float
    window: float
    """The seconds for which the limit is given."""


class LimitStatus(Struct, frozen=True):
    """What a limit stands at; None where it has no such bound."""

    requests: Gauge | None = None
    tokens: Gauge | None = None


ALLOWED = LimitResult(True)


def together(verdicts: Iterable[LimitResult]) -> LimitResult:
    """One verdict of several limits on one request: all must allow it. The longest wait counts, and among
    the refusals one that knows no end before all others."""
    delay = 0.0
    worst: LimitResult | None = None
    for verdict in verdicts:
        if verdict.allowed:
            delay = max(delay, verdict.delay)
        elif worst is None or (
            worst.retry_after is not None
            and (verdict.retry_after is None or verdict.retry_after > worst.retry_after)
        ):
            worst = verdict
    if worst is not None:
        return worst
    return LimitResult(True, delay) if delay else ALLOWED


def tightest(standings: Sequence[LimitStatus]) -> LimitStatus:
    """Of each bound the one with the least left, which is what headers tell; of equals the one that takes
    longest to recover, then the first."""
    return LimitStatus(
        _tightest([each.requests for each in standings if each.requests is not None]),
        _tightest([each.tokens for each in standings if each.tokens is not None]),
    )


def _tightest(gauges: Sequence[Gauge]) -> Gauge | None:
    return min(gauges, key=lambda gauge: (gauge.remaining, -gauge.reset), default=None)
