"""Anthropic's response headers: the request's id, and the state of the rate limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from math import ceil
from typing import Final

from mockllm.core.failure import NEVER, Failure
from mockllm.core.limits.limit_data import Bound, BoundStatus, LimitResult, LimitStatus, MeteredBound
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.core.rendering.plan import Headers, ResponseHead
from mockllm.dialects.anthropic.known_models import DEFAULT_MODEL
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.rate_limit_headers import Names, Quantity, limit_header_pairs

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
_BOUNDS: Final[Sequence[MeteredBound]] = ("input_tokens", "output_tokens", "requests", "tokens")
_QUANTITIES: Final[Sequence[Quantity]] = ("limit", "remaining", "reset")


def request_id(identity: ResponseIdentity) -> str:
    """Return the id of the header `request-id` and of error bodies."""
    return identity.ids.make("req_01", 22)


def success(content: Headers, identity: ResponseIdentity) -> ResponseHead:
    """Return the head of a 200 with the headers of its content. Remaining token counts are rounded to thousands, so
    a single response hardly changes them."""
    reset = map_placeholder(_time, identity.epoch_second)
    resets, request_ids = _resets(reset), request_id_header(identity)
    return ResponseHead(200, (*content, *_UNSPENT, _ORGANIZATION), (*resets, *request_ids))


def head_without_limits(content: Headers, identity: ResponseIdentity, status: int = 200) -> ResponseHead:
    """Return a head with the headers of its content and the request's id."""
    return ResponseHead(status, content, request_id_header(identity))


def request_id_header(identity: ResponseIdentity) -> Headers:
    return (("request-id", request_id(identity)),)


def without_anthropic_headers(head: ResponseHead) -> ResponseHead:
    """Return the head without Anthropic's limits and organization, for a platform that does not send them."""
    return head.without(*[name for name, _ in head.headers if name.startswith("anthropic-")])


def exhausted(identity: ResponseIdentity, reset_after: float) -> Headers:
    """Return the limit headers of a 429; the limits reset after `reset_after` seconds."""
    return _limits(_time(identity.now + reset_after), spent=True)


def limits(status: LimitStatus, now: float) -> Headers:
    """Return the headers that report the state of a limit. One count of tokens is reported for the input, the output
    and both. It is exact, while the service itself rounds remaining tokens to thousands."""
    each = LimitStatus(
        status.requests,
        status.tokens or _both(status.input_tokens, status.output_tokens),
        status.input_tokens or status.tokens,
        status.output_tokens or status.tokens,
    )
    return limit_header_pairs(LIMIT_HEADER_NAMES, each, lambda reset: _time(ceil(round(now + reset, 3))))


def refused(result: LimitResult, status: LimitStatus, tokens: int, model: str | None, now: float) -> Failure:
    """Return the failure of a request that a limit refuses. A bound that the limit does not have is reported as
    unused. Where the limit refuses requests but counts none, no requests remain until the reset."""
    headers = {**dict(_limits(_time(now), spent=False)), **dict(limits(status, now))}
    wait = NEVER if result.retry_after is None else result.retry_after
    bound_status = status.bound_status(result.bound)
    message = None
    if bound_status is not None and result.bound in _PARTS and bound_status.window == MINUTE:
        message = EXCEEDED.format(
            limit=bound_status.limit, tokens=_PARTS[result.bound], model=model or DEFAULT_MODEL
        )
    if result.bound == "requests" and status.requests is None and wait != NEVER:
        headers["anthropic-ratelimit-requests-remaining"] = "0"
        headers["anthropic-ratelimit-requests-reset"] = _time(ceil(round(now + wait, 3)))
    return Failure("rate_limit", message=message, retry_after=wait, headers=tuple(headers.items()))


def _both(input: BoundStatus | None, output: BoundStatus | None) -> BoundStatus | None:
    """Return the state of all tokens where input and output are counted apart."""
    if input is None or output is None:
        return input or output
    limit, remaining = input.limit + output.limit, input.remaining + output.remaining
    return BoundStatus(limit, remaining, max(input.reset, output.reset), max(input.window, output.window))


MINUTE: Final = 60.0
_PARTS: Final[Mapping[Bound | None, str]] = {"input_tokens": "input tokens", "output_tokens": "output tokens"}
EXCEEDED: Final = (
    "This request would exceed your organization's rate limit of {limit:,} {tokens} per minute "
    f"(org: {_ORGANIZATION[1]}, model: {{model}}). For details, refer to: "
    "https://docs.claude.com/en/api/rate-limits. You can see the response headers for current usage. "
    "Please reduce the prompt length or the maximum tokens requested, or try again later. "
    "You may also contact sales at https://claude.com/contact-sales to discuss your options for a rate limit "
    "increase."
)
"""The message of a limit on a part of the tokens, as anthropics/claude-code#55132 (2026-04-30) quotes it."""
LIMIT_HEADER_NAMES: Final[Names] = {
    f"anthropic-ratelimit-{name}-{quantity}": (bound, quantity)
    for (name, _), bound in zip(_LIMITS, _BOUNDS, strict=True)
    for quantity in _QUANTITIES
}


def _limits(reset: str, *, spent: bool) -> Headers:
    return _counts(spent=spent) + _resets(reset)


def _counts(*, spent: bool) -> Headers:
    pairs: list[tuple[str, str]] = []
    for name, limit in _LIMITS:
        remaining = 0 if spent else limit - (name == "requests")
        prefix = f"anthropic-ratelimit-{name}-"
        pairs += ((prefix + "limit", str(limit)), (prefix + "remaining", str(remaining)))
    return tuple(pairs)


_UNSPENT: Final = _counts(spent=False)
_RESET_NAMES: Final = tuple([f"anthropic-ratelimit-{name}-reset" for name, _ in _LIMITS])


def _resets(reset: str) -> Headers:
    return tuple([(name, reset) for name in _RESET_NAMES])


@lru_cache(maxsize=64)  # the responses of a second share it
def _time(seconds: float) -> str:
    """Format whole seconds by RFC 3339, as these headers and the models' dates do."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
