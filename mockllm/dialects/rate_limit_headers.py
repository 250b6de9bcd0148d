"""Headers that tell what a rate limit stands at, from names to facts; each provider has names and times of its
own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import Literal, TypeAlias

from mockllm.core.failure import Failure
from mockllm.core.limits import Gauge, LimitResult, LimitStatus
from mockllm.core.rendering.plan import Headers

LimitHeaders: TypeAlias = Callable[[LimitStatus, float], Headers]
"""A provider's headers of what a limit stands at, now (seconds since the epoch). A bound that the limit does not
have is not told: then what stood in its headers before stays."""
LimitRefusal: TypeAlias = Callable[[LimitResult, LimitStatus, int, str | None, float], Failure]
"""What a provider says where a limit refuses a request: of the verdict, what the limit stands at, the request's
tokens, its model, and now."""
Fact: TypeAlias = Literal["limit", "remaining", "reset", "window"]
Names: TypeAlias = Mapping[str, tuple[Literal["requests", "tokens"], Fact]]


def limit_header_pairs(names: Names, standing: LimitStatus, time: Callable[[float], str]) -> Headers:
    """The headers of these names; `time` writes so many seconds."""
    pairs: list[tuple[str, str]] = []
    for name, (bound, fact) in names.items():
        gauge: Gauge | None = getattr(standing, bound)
        if gauge is not None:
            value = getattr(gauge, fact)
            pairs.append((name, str(value) if isinstance(value, int) else time(value)))
    return tuple(pairs)


def seconds(time: float) -> str:
    """In whole seconds, rounded up: who waits as long has waited long enough."""
    return str(ceil(time))


def exact(time: float) -> str:
    """In seconds, to the millisecond, as Google writes it: less would be too little."""
    return f"{time:.3f}".rstrip("0").rstrip(".")


def milliseconds(time: float) -> str:
    """In whole milliseconds, rounded up."""
    return str(ceil(round(time * 1000, 3)))
