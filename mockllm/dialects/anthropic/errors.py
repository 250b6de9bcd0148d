"""Anthropic's errors: a table of rows, the envelope, and the headers of each status.

Types are those of the public API reference. Messages are observed ones; where none was observed, they are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Final

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.headers import JSON_TYPE, exhausted, head_without_limits, request_id
from mockllm.dialects.anthropic.known_models import DEFAULT_MODEL
from mockllm.dialects.dialect import ResponseIdentity

DIALECT: Final = "anthropic"
"""The name of the protocol, as `dialect` of requests and in the extras and native parts of replies."""
CONTEXT_WINDOW: Final = 200_000
RESET: Final = 1.0
"""The seconds until the limits of a 429 without a wait reset."""


class AnthropicErrorRow(Struct, frozen=True):
    """One error by its name. `message` can contain `{model}`, `{tokens}` and `{limit}`.
    `from_gateway`: the gateway before the API sends the error; its bodies have neither an outer `type` nor an id."""

    status: int
    type: str
    message: str
    from_gateway: bool = False
    retry_after: float | None = None
    """The usual wait in seconds."""


ROWS: Final[Mapping[str, AnthropicErrorRow]] = {
    "bad_request": AnthropicErrorRow(400, "invalid_request_error", "Invalid request."),
    "authentication": AnthropicErrorRow(401, "authentication_error", "invalid x-api-key"),
    "permission": AnthropicErrorRow(
        403, "permission_error", "Your API key does not have permission to use the specified resource."
    ),
    "not_found": AnthropicErrorRow(404, "not_found_error", "Not found"),
    "model_not_found": AnthropicErrorRow(404, "not_found_error", "model: {model}"),
    # The error of a retired model equals that of an unknown one.
    "model_deprecated": AnthropicErrorRow(404, "not_found_error", "model: {model}"),
    "request_too_large": AnthropicErrorRow(
        413, "request_too_large", "Request exceeds the maximum size", from_gateway=True
    ),
    "context_length": AnthropicErrorRow(
        400, "invalid_request_error", "prompt is too long: {tokens} tokens > {limit} maximum"
    ),
    "rate_limit": AnthropicErrorRow(
        429,
        "rate_limit_error",
        "This request would exceed your account's rate limit. Please try again later.",
        retry_after=1.0,
    ),
    "insufficient_quota": AnthropicErrorRow(
        402,
        "billing_error",
        "Your credit balance is too low to access the Anthropic API. "
        "Please go to Plans & Billing to upgrade or purchase credits.",
    ),
    "content_filter": AnthropicErrorRow(
        400, "invalid_request_error", "Output blocked by content filtering policy"
    ),
    "server_error": AnthropicErrorRow(500, "api_error", "Internal server error"),
    "overloaded": AnthropicErrorRow(529, "overloaded_error", "Overloaded"),
    "unavailable": AnthropicErrorRow(503, "api_error", "Service unavailable"),
    "bad_gateway": AnthropicErrorRow(502, "api_error", "Bad gateway"),
    "timeout": AnthropicErrorRow(504, "timeout_error", "Request timed out"),
}


def error_plan(failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
    """Return a non-streaming response with the failure."""
    row = ROWS[failure.type]
    status = failure.status or row.status
    wait = failure.seconds_until_retry(row.retry_after)
    error: Json = {"type": row.type, "message": _message(failure, row, request), **failure.fields}
    if row.from_gateway:
        body: Json = {"error": error}
        head = ResponseHead(status, (JSON_TYPE,))
    else:
        body = {"type": "error", "error": error, "request_id": request_id(identity)}
        again = status in (408, 409, 429) or status >= 500
        limits = exhausted(identity, wait or RESET) if status == 429 else ()
        headers = (JSON_TYPE, *limits, ("x-should-retry", "true" if again else "false"))
        head = head_without_limits(headers, identity, status)
    head = head.with_headers(retry_headers(wait) + failure.headers)
    return Plan(head, (EventStep(dumps(body), 0, "body"),))


def error_event(failure: Failure, request: Request, identity: ResponseIdentity) -> bytes:
    """Return the payload of the event `error` inside a stream; the stream ends after it."""
    row = ROWS[failure.type]
    error = {"details": None, "type": row.type, "message": _message(failure, row, request), **failure.fields}
    return dumps({"type": "error", "error": error, "request_id": request_id(identity)})


def _message(failure: Failure, row: AnthropicErrorRow, request: Request) -> str:
    if failure.message is not None:
        return failure.message
    if failure.type == "context_length":
        limit, tokens = failure.overflow(CONTEXT_WINDOW, request.input_tokens)
        return row.message.format(limit=limit, tokens=tokens)
    return row.message.format(model=request.model or DEFAULT_MODEL)


def retry_headers(seconds: float | None) -> Headers:
    """Return the headers of the wait until the next attempt. `retry-after` has whole seconds only; `retry-after-ms`,
    which SDKs read first, contains a fraction."""
    if seconds is None:
        return ()
    whole_seconds = ceil(seconds)
    exact = () if whole_seconds == seconds else (("retry-after-ms", str(ceil(round(seconds * 1000, 3)))),)
    return (("retry-after", str(whole_seconds)), *exact)
