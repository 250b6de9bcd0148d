"""Anthropic's response headers: the request's id, and the state of the rate limits."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from math import ceil
from typing import Final

from mockllm.core.failure import NEVER, Failure
from mockllm.core.limits.limit import LimitResult, LimitStatus
from mockllm.core.rendering.placeholders import derive
from mockllm.core.rendering.plan import Headers, ResponseHead
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.rate_limit_headers import Names, limit_header_pairs

JSON_TYPE: Final = ("content-type", "application/json")
STREAM_TYPE: Final[Headers] = (
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-cache"),
)
_ORGANIZATION: Final = ("anthropic-organization-id", "3f6c1f52-8a0d-4b57-9c3e-5d2f7a9b1e04")
_LIMITS: Final = (
    ("input-tokens", 2_000_000),
    ("output-tokens", 400_000),
    ("requests", 4_000),
    ("tokens", 2_400_000),
)


def request_id(identity: ResponseIdentity) -> str:
    """Return the id of the header `request-id` and of error bodies."""
    return identity.ids.make("req_01", 22)


def success(content: Headers, identity: ResponseIdentity) -> ResponseHead:
    """Return the head of a 200 with the headers of its content. Remaining token counts are rounded to thousands, so
    a single response hardly changes them."""
    reset = derive(_time, identity.second)
    unspent = _unspent(reset) if type(reset) is str else _limits(reset, spent=False)
    return ResponseHead(200, (*content, *unspent, ("request-id", request_id(identity)), _ORGANIZATION))


def exhausted(identity: ResponseIdentity, reset_after: float) -> Headers:
    """Return the limit headers of a 429; the limits reset after `reset_after` seconds."""
    return _limits(_time(identity.now + reset_after), spent=True)


def limits(status: LimitStatus, now: float) -> Headers:
    """Return the headers that report the state of a limit. One count of tokens is reported for the input, the output
    and both. It is exact, while the service itself rounds remaining tokens to thousands."""
    return limit_header_pairs(LIMIT_HEADER_NAMES, status, lambda reset: _time(ceil(round(now + reset, 3))))


def refused(verdict: LimitResult, status: LimitStatus, tokens: int, model: str | None, now: float) -> Failure:
    """Return the failure of a request that a limit refuses. A bound that the limit does not have is reported as
    unused. Where the limit refuses requests but counts none, no requests remain until the reset."""
    headers = {**dict(_limits(_time(now), spent=False)), **dict(limits(status, now))}
    wait = NEVER if verdict.retry_after is None else verdict.retry_after
    if verdict.by == "requests" and status.requests is None and wait != NEVER:
        headers["anthropic-ratelimit-requests-remaining"] = "0"
        headers["anthropic-ratelimit-requests-reset"] = _time(ceil(round(now + wait, 3)))
    return Failure("rate_limit", retry_after=wait, headers=tuple(headers.items()))


LIMIT_HEADER_NAMES: Final[Names] = {
    f"anthropic-ratelimit-{name}-{quantity}": ("requests" if name == "requests" else "tokens", quantity)
    for name, _ in _LIMITS
    for quantity in ("limit", "remaining", "reset")
}


def _limits(reset: str, *, spent: bool) -> Headers:
    pairs: list[tuple[str, str]] = []
    for name, limit in _LIMITS:
        remaining = 0 if spent else limit - (name == "requests")
        prefix = f"anthropic-ratelimit-{name}-"
        pairs += ((prefix + "limit", str(limit)), (prefix + "remaining", str(remaining)))
        pairs.append((prefix + "reset", reset))
    return tuple(pairs)


@lru_cache(maxsize=64)  # the responses of a second share it
def _unspent(reset: str) -> Headers:
    return _limits(reset, spent=False)


@lru_cache(maxsize=64)  # the responses of a second share it
def _time(seconds: float) -> str:
    """Format whole seconds by RFC 3339, as these headers and the models' dates do."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
