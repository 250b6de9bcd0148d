"""The response headers of OpenAI's endpoints, by origin: the model servers, or the gateway before them.

Unknown values are plausible constants; equal requests get equal bytes. Names and values are from recordings.
The headers that Cloudflare, Envoy and the connection add are omitted.
"""

from __future__ import annotations

from math import ceil
from typing import Final

from mockllm.core.json.codec import Json, pretty
from mockllm.core.limits.limit_data import LimitStatus
from mockllm.core.randomness import HEX
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.rate_limit_headers import Names, limit_header_pairs

SERVED: Final[Headers] = (("openai-processing-ms", "250"), ("openai-version", "2020-10-01"))
OPENAI: Final[Headers] = (
    ("openai-organization", "mockllm"),
    ("openai-project", "proj_8wFyN3kQ0bZrT5mVxL2cHs7J"),
    *SERVED,
)
"""The headers of every response to a known key."""
LIMITS: Final[Headers] = (
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-limit-tokens", "2000000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-remaining-tokens", "1999975"),
    ("x-ratelimit-reset-requests", "6ms"),
    ("x-ratelimit-reset-tokens", "0s"),
)
JSON: Final[Headers] = (("content-type", "application/json"),)
STREAM: Final[Headers] = (("content-type", "text/event-stream; charset=utf-8"),)

BODY_HEADERS: Final[Headers] = JSON + OPENAI + LIMITS
STREAM_HEADERS: Final[Headers] = STREAM + OPENAI + LIMITS
PLAIN_HEADERS: Final[Headers] = JSON + OPENAI
"""The headers of calls that no limit counts, such as the list of models."""
UNKNOWN_KEY_HEADERS: Final[Headers] = (*JSON, *SERVED, ("www-authenticate", 'Bearer realm="OpenAI API"'))
"""The headers of a refused key, where the model servers refuse it."""
GATEWAY_HEADERS: Final[Headers] = (("content-type", "application/json; charset=utf-8"), ("vary", "Origin"))
"""The headers of refusals before a model: bad keys, unknown models and paths."""
LIMITED_HEADERS: Final[Headers] = (
    *GATEWAY_HEADERS,
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-limit-tokens", "30000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-remaining-tokens", "0"),
    ("x-ratelimit-reset-requests", "6ms"),
    ("x-ratelimit-reset-tokens", "494ms"),
)
"""The headers of a rate-limit refusal; the last header contains the wait until the next attempt."""


def request_id(identity: ResponseIdentity) -> str:
    return identity.ids.make("req_", 32, alphabet=HEX)


def body_plan(
    body: Json, identity: ResponseIdentity, pairs: Headers = PLAIN_HEADERS, end: bytes = b"\n"
) -> Plan:
    """Return a non-streaming response of status 200; the body ends with `end`."""
    return Plan(head(200, pairs, identity), (EventStep(pretty(body, end), 0, "body"),))


def head(status: int, pairs: Headers, identity: ResponseIdentity) -> ResponseHead:
    """Return a head with one of the header sets above and the request's id."""
    return ResponseHead(status, pairs, (("x-request-id", request_id(identity)),))


LIMIT_HEADER_NAMES: Final[Names] = {
    f"x-ratelimit-{quantity}-{bound}": (bound, quantity)
    for quantity in ("limit", "remaining", "reset")
    for bound in ("requests", "tokens")
}


def limits(status: LimitStatus, now: float) -> Headers:
    """Return the headers that report the state of a limit. Headers of other providers need `now`."""
    return limit_header_pairs(LIMIT_HEADER_NAMES, status, go_duration)


def go_duration(seconds: float) -> str:
    """Format a duration as the rate-limit headers do: `6ms`, `0s`, `1.2s`, `1m11.339s`; rounded up to
    milliseconds."""
    milliseconds = ceil(round(seconds * 1000, 3))
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds > 0 else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{rest / 1000:g}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text
