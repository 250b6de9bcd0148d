"""Rate-limit headers: each provider maps its names to quantities, and has its format of times."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import Literal, TypeAlias

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.limits.limit_data import LimitResult, LimitStatus, MeteredBound
from mockllm.core.rendering.plan import Headers

LimitHeaders: TypeAlias = Callable[[LimitStatus, float], Headers]
"""Returns a provider's headers of the state of a limit, now (seconds since the epoch). A bound that the limit lacks
has no header in the result: the response's own header stays."""
LimitRefusal: TypeAlias = Callable[[LimitResult, LimitStatus, int, str | None, float], Failure]
"""Returns a provider's failure of a request that a limit refuses. Its parameters are the result, the state of the
limit, the request's tokens, its model, and now."""
Quantity: TypeAlias = Literal["limit", "remaining", "reset", "window"]
Names: TypeAlias = Mapping[str, tuple[MeteredBound, Quantity]]


def limit_header_pairs(names: Names, limit_status: LimitStatus, time: Callable[[float], str]) -> Headers:
    """Return the headers of these names; `time` formats seconds. `tokens` is the count of a provider that has one."""
    bound_statuses = {
        "requests": limit_status.requests,
        "tokens": limit_status.any_tokens,
        "input_tokens": limit_status.input_tokens,
        "output_tokens": limit_status.output_tokens,
    }
    return tuple([
        (name, str(value) if type(value := getattr(bound_status, quantity)) is int else time(value))
        for name, (bound, quantity) in names.items()
        if (bound_status := bound_statuses[bound]) is not None
    ])  # fmt: skip


class SpentLimit(Struct, frozen=True):
    """The names of the headers that differ in a 429: what remains is 0, and the reset is the wait."""

    remaining: str
    reset: str | None = None
    time: Callable[[float], str] = str

    def headers(self, wait: float) -> Headers:
        """Return the headers of a limit that is spent for `wait` seconds."""
        reset = () if self.reset is None else ((self.reset, self.time(wait)),)
        return ((self.remaining, "0"), *reset)


def seconds(time: float) -> str:
    """Format whole seconds, rounded up: a client that waits for them waits long enough."""
    return str(ceil(time))


def exact(time: float) -> str:
    """Format seconds to the millisecond: fewer digits could name too short a wait."""
    return f"{time:.3f}".rstrip("0").rstrip(".")


def milliseconds(time: float) -> str:
    """Format whole milliseconds, rounded up."""
    return str(ceil(round(time * 1000, 3)))
