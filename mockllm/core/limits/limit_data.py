"""Rate limits as data: settings, costs, results and the state that headers report, apart from any usage.

The module also combines several limits on one request.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct
from msgspec.structs import replace

LimitStrategy: TypeAlias = Literal[
    "none", "fixed-window", "sliding-window", "token-bucket", "leaky-bucket", "after-n", "random", "always"
]
STRATEGIES: Final[tuple[LimitStrategy, ...]] = get_args(LimitStrategy)
METERED: Final[frozenset[LimitStrategy]] = frozenset(
    ("fixed-window", "sliding-window", "token-bucket", "leaky-bucket")
)
"""The strategies that recover with time, so that their `retry_after` is exact."""

MeteredBound: TypeAlias = Literal["requests", "tokens", "input_tokens", "output_tokens"]
METERED_BOUNDS: Final[tuple[MeteredBound, ...]] = get_args(MeteredBound)
Bound: TypeAlias = Literal["requests", "tokens", "input_tokens", "output_tokens", "concurrent"]


def whole_milliseconds(seconds: float) -> float:
    """Return seconds in whole milliseconds, rounded up: a client that waits for them waits long enough."""
    return ceil(round(seconds * 1000, 3)) / 1000


class Limit(Struct, frozen=True):
    """A limit; times in seconds, None is no bound. A strategy ignores the fields that it does not use.

    `requests` and the token bounds are the maximum in each `window`, all at once; `requests` is also after-n's N.
    `concurrent` is the maximum of responses in flight (windows and buckets). `burst` is the size of a token bucket
    (default `requests`), `queue` the maximum of requests that wait in a leaky one (default `requests` minus one).
    For tokens either bucket has the size of one window. `probability` is random's. `retry_after` is the wait in a
    refusal where the exact one is unknown: for after-n, random and always, and for too many responses in flight.
    """

    strategy: LimitStrategy
    requests: int | None = None
    tokens: int | None = None
    concurrent: int | None = None
    window: float = 60.0
    burst: int | None = None
    queue: int | None = None
    probability: float = 0.0
    retry_after: float = 1.0
    input_tokens: int | None = None
    output_tokens: int | None = None

    @property
    def counts_tokens(self) -> bool:
        """Whether a bound counts tokens."""
        return not (self.tokens is None and self.input_tokens is None and self.output_tokens is None)


class Cost(Struct, frozen=True):
    """The cost of one request: itself, and its tokens. `output_tokens` are those of `tokens` that its response may
    have at most. `draw` in [0, 1) decides for the strategy `random`."""

    tokens: int = 0
    draw: float = 0.0
    output_tokens: int = 0

    def amount_of(self, bound: MeteredBound, limit: Limit) -> int:
        """Return the amount that a request takes of a bound. Of output tokens it takes the whole bound at most: how
        many its response will have is not known, so every request can be admitted."""
        if bound == "requests":
            return 1
        if bound == "output_tokens":
            return min(self.output_tokens, limit.output_tokens or 0)
        return self.tokens - self.output_tokens if bound == "input_tokens" else self.tokens


NO_COST: Final = Cost()


class LimitResult(Struct, frozen=True):
    """Whether a request may pass; times in seconds.

    `delay`: how long the request waits first (in a leaky bucket). `retry_after`: after which time the same request
    passes if no other one comes between, in whole milliseconds, as in headers, rounded up. It is None where the
    request never passes, since its cost is more than the limit. `bound`: the bound that refused the request.
    """

    allowed: bool
    delay: float = 0.0
    retry_after: float | None = None
    bound: Bound | None = None

    def scaled(self, factor: float) -> LimitResult:
        """Return the result for a server whose time has this factor."""
        if factor == 1.0 or self.retry_after is None:
            return self
        return replace(self, retry_after=whole_milliseconds(self.retry_after * factor))


class BoundStatus(Struct, frozen=True):
    """The state of one bound. `limit` is the most that can remain; `reset` the seconds until it does."""

    limit: int
    remaining: int
    reset: float
    window: float
    """The seconds to which the limit applies."""


class LimitStatus(Struct, frozen=True):
    """The state of a limit; None where it has no such bound."""

    requests: BoundStatus | None = None
    tokens: BoundStatus | None = None
    input_tokens: BoundStatus | None = None
    output_tokens: BoundStatus | None = None

    def bound_status(self, bound: Bound | None) -> BoundStatus | None:
        """Return the state of a bound."""
        return None if bound is None or bound == "concurrent" else getattr(self, bound)

    @property
    def any_tokens(self) -> BoundStatus | None:
        """The state of the tokens for a provider that has one count of them: the one with the least left."""
        if self.tokens is not None:
            return self.tokens
        return _tightest(
            [
                bound_status
                for bound_status in (self.input_tokens, self.output_tokens)
                if bound_status is not None
            ]
        )

    def scaled(self, factor: float) -> LimitStatus:
        """Return the state for a server whose time has this factor. The windows keep their lengths:
        they are names of limits (`requests per minute`)."""
        if factor == 1.0:
            return self
        bound_statuses = [self.bound_status(bound) for bound in METERED_BOUNDS]
        return LimitStatus(
            *[
                bound_status and replace(bound_status, reset=bound_status.reset * factor)
                for bound_status in bound_statuses
            ]
        )


ALLOWED = LimitResult(True)


def combine(results: Sequence[LimitResult]) -> LimitResult:
    """Return one result for several limits on one request: all must allow it. The longest delay counts. Among
    refusals the one without an end counts first, then the longest."""
    if len(results) == 1:  # the usual case
        return results[0]
    delay = 0.0
    worst: LimitResult | None = None
    for result in results:
        if result.allowed:
            delay = max(delay, result.delay)
        elif worst is None or (
            worst.retry_after is not None
            and (result.retry_after is None or result.retry_after > worst.retry_after)
        ):
            worst = result
    if worst is not None:
        return worst
    return LimitResult(True, delay) if delay else ALLOWED


def tightest_by_bound(statuses: Sequence[LimitStatus]) -> LimitStatus:
    """Return for each bound the state with the least left, for headers. Among equal limits, the limit counts that
    takes longest to recover, then the first."""
    if len(statuses) == 1:  # the usual case
        return statuses[0]
    by_bound = ([status.bound_status(bound) for status in statuses] for bound in METERED_BOUNDS)
    return LimitStatus(
        *[
            _tightest([bound_status for bound_status in bound_statuses if bound_status is not None])
            for bound_statuses in by_bound
        ]
    )


def _tightest(bound_statuses: Sequence[BoundStatus]) -> BoundStatus | None:
    return min(
        bound_statuses, key=lambda bound_status: (bound_status.remaining, -bound_status.reset), default=None
    )
