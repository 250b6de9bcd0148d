"""What a limit allows: its settings as data, apart from what anybody has used of it."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

Strategy: TypeAlias = Literal[
    "none", "fixed-window", "sliding-window", "token-bucket", "leaky-bucket", "after-n", "random", "always"
]
STRATEGIES: Final[tuple[Strategy, ...]] = get_args(Strategy)
METERED: Final[frozenset[Strategy]] = frozenset(
    ("fixed-window", "sliding-window", "token-bucket", "leaky-bucket")
)
"""Those that recover with time, whose `retry_after` is true."""


class Limit(Struct, frozen=True):
    """A limit; times in seconds, None is no bound. What a strategy does not use is not looked at.

    `requests` and `tokens` are so many in each `window`, both at once; `requests` is also after-n's N.
    `concurrent` is how many answers may be under way (windows and buckets). `burst` is how many requests a
    full token bucket holds (`requests`), `queue` how many requests may wait in a leaky one (all but one of
    `requests`); for tokens either bucket holds one window's. `probability` is random's. `retry_after` is what
    is told where nobody can know it: after-n, random, always, and where too many answers are under way.
    """

    strategy: Strategy
    requests: int | None = None
    tokens: int | None = None
    concurrent: int | None = None
    window: float = 60.0
    burst: int | None = None
    queue: int | None = None
    probability: float = 0.0
    retry_after: float = 1.0
