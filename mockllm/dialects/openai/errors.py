"""OpenAI's errors as data: the status, type, code, param, message and header set of each error name.

`refused` returns the refusal of a configured limit, with its real numbers in the recorded wording; the `rate_limit`
error of the table has fixed numbers.

All of OpenAI's protocols share the table. Envelope: `{"error": {message, type, param, code}}`, always with all four
members. Statuses, codes and messages are from recordings and public reports; comments mark the exceptions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import ceil
from typing import Final, TypeAlias

from msgspec import Struct

from mockllm.core.failure import NEVER, Failure
from mockllm.core.json.codec import Json, pretty
from mockllm.core.limits.limit_data import LimitResult, LimitStatus
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import (
    BODY_HEADERS,
    GATEWAY_HEADERS,
    LIMITED_HEADERS,
    LIMITS,
    go_duration,
    head,
    limits,
    request_id,
)

INVALID: Final = "invalid_request_error"
DEFAULT_CONTEXT_TOKENS: Final = 128_000
"""The tokens of a context for which a scenario sets no limit."""


class OpenAiErrorRow(Struct, frozen=True):
    """One error by its name. `message` can name: model, method, path, key, request_id, wait, seconds, limit and
    tokens."""

    status: int
    type: str
    code: str | None
    message: str
    param: str | None = None
    headers: Headers = BODY_HEADERS
    retry_after: float | None = None


ROWS: Final = {
    "bad_request": OpenAiErrorRow(400, INVALID, None, "The request is not valid."),
    "authentication": OpenAiErrorRow(
        401,
        INVALID,
        "invalid_api_key",
        "Incorrect API key provided: {key}. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        headers=GATEWAY_HEADERS,
    ),
    "permission": OpenAiErrorRow(
        403,
        "request_forbidden",
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
        headers=GATEWAY_HEADERS,
    ),
    "not_found": OpenAiErrorRow(404, INVALID, None, "Invalid URL ({method} {path})", headers=GATEWAY_HEADERS),
    "model_not_found": OpenAiErrorRow(
        404,
        INVALID,
        "model_not_found",
        "The model `{model}` does not exist or you do not have access to it.",
        headers=GATEWAY_HEADERS,
    ),
    "model_deprecated": OpenAiErrorRow(
        404,
        INVALID,
        "model_not_found",
        "The model `{model}` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations",
        headers=GATEWAY_HEADERS,
    ),
    # No recording of a 413 exists: type and message are inferred.
    "request_too_large": OpenAiErrorRow(
        413, INVALID, None, "The request body is too large.", headers=GATEWAY_HEADERS
    ),
    "context_length": OpenAiErrorRow(
        400,
        INVALID,
        "context_length_exceeded",
        "This model's maximum context length is {limit} tokens. However, your messages resulted in "
        "{tokens} tokens. Please reduce the length of the messages.",
        param="messages",
    ),
    # The numbers are consistent: 247 tokens above the limit are free again after 494 ms.
    "rate_limit": OpenAiErrorRow(
        429,
        "tokens",
        "rate_limit_exceeded",
        "Rate limit reached for {model} in organization org-mockllm on tokens per min (TPM): Limit 30000, "
        "Used 29753, Requested 494. Please try again in {wait}. Visit "
        "https://platform.openai.com/account/rate-limits to learn more.",
        headers=LIMITED_HEADERS,
        retry_after=0.494,
    ),
    "insufficient_quota": OpenAiErrorRow(
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details. For more information "
        "on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
        headers=GATEWAY_HEADERS,
    ),
    "content_filter": OpenAiErrorRow(
        400,
        INVALID,
        "invalid_prompt",
        "Invalid prompt: your prompt was flagged as potentially violating our usage policy. "
        "Please try again with a different prompt.",
    ),
    "server_error": OpenAiErrorRow(
        500,
        "server_error",
        None,
        "The server had an error while processing your request. Sorry about that! You can retry your "
        "request, or contact us through our help center at help.openai.com if the error persists. "
        "(Please include the request ID {request_id} in your message.)",
    ),
    "overloaded": OpenAiErrorRow(
        503,
        "server_error",
        None,
        "That model is currently overloaded with other requests. You can retry your request, or contact us "
        "through our help center at help.openai.com if the error persists. "
        "(Please include the request ID {request_id} in your message.)",
    ),
    # The real service returns a proxy's page for these three errors; the envelope is inferred.
    "unavailable": OpenAiErrorRow(503, "server_error", None, "Service unavailable.", headers=GATEWAY_HEADERS),
    "bad_gateway": OpenAiErrorRow(502, "server_error", None, "Bad gateway.", headers=GATEWAY_HEADERS),
    "timeout": OpenAiErrorRow(504, "server_error", None, "Gateway timeout.", headers=GATEWAY_HEADERS),
}


OpenAiErrorRows: TypeAlias = Mapping[str, OpenAiErrorRow]


def error_object(
    failure: Failure, request: Request, identity: ResponseIdentity, rows: OpenAiErrorRows = ROWS
) -> dict[str, Json]:
    """Return the object under `error`."""
    row = rows[failure.type]
    result: dict[str, Json] = {
        "message": failure.message,
        "type": row.type,
        "param": row.param,
        "code": row.code,
    }
    if failure.message is None:
        result["message"] = error_message(row, failure, request, identity)
        if row.code == "invalid_api_key" and request.api_key is None:
            result["message"], result["code"] = NO_KEY, None
    result.update(failure.fields)
    return result


def error_plan(
    failure: Failure, request: Request, identity: ResponseIdentity, rows: OpenAiErrorRows = ROWS
) -> Plan:
    """Return a non-streaming response with the failure.

    The gateway indents by four and ends with a newline. The model servers indent by two and add no newline,
    according to the lengths of recorded bodies.
    """
    row = rows[failure.type]
    body = pretty({"error": error_object(failure, request, identity, rows)})
    if row.headers in (GATEWAY_HEADERS, LIMITED_HEADERS):
        body = re.sub(rb"(?m)^ +", rb"\g<0>\g<0>", body) + b"\n"
    response_head = head(failure.status or row.status, row.headers, identity)
    return Plan(
        _with_retry(response_head, failure, row).with_headers(failure.headers), (EventStep(body, 0, "body"),)
    )


NO_KEY: Final = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
    "auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're "
    "accessing the API from your browser and are prompted for a username and password. You can obtain an "
    "API key from https://platform.openai.com/account/api-keys."
)


def mask_key(key: str) -> str:
    """Mask a key as a 401 does: the first eight and the last four characters stay; a short key stays whole."""
    return key if len(key) <= 12 else f"{key[:8]}{'*' * (len(key) - 12)}{key[-4:]}"


def error_message(
    row: OpenAiErrorRow,
    failure: Failure,
    request: Request,
    identity: ResponseIdentity,
    mask: Callable[[str], str] = mask_key,
) -> str:
    limit, tokens = (
        failure.overflow(DEFAULT_CONTEXT_TOKENS, request.input_tokens) if "{limit}" in row.message else (0, 0)
    )
    message = failure.message_format(row.message)
    return (message if request.model else _without_model(message)).format(
        limit=limit,
        tokens=tokens,
        model=request.model,
        method=request.method,
        path=request.path,
        key=mask(request.api_key or ""),
        request_id=request_id(identity),
        wait=go_duration(_retry_delay(failure, row)),
        seconds=_whole_seconds(_retry_delay(failure, row)),
    )


_MODEL: Final = re.compile(
    r"^\{model\}|(?P<phrase>(?: (?:for|to)(?: model)? [`'\"]?\{model\}[`'\"]?)+|:? ?[`'\"]?\{model\}[`'\"]?)"
)
"""The model at the start of a message; elsewhere with the words and marks that are wrong without it."""


def _without_model(message: str) -> str:
    """Return the format of a message about a call that names no model, such as the list of models."""
    return _MODEL.sub(lambda found: "The model" if found["phrase"] is None else "", message)


def _whole_seconds(delay: float) -> str:
    count = ceil(delay)
    return f"{count} second{'s' * (count != 1)}"


def _retry_delay(failure: Failure, row: OpenAiErrorRow) -> float:
    return failure.seconds_until_retry(row.retry_after) or 0.0


def _with_retry(response_head: ResponseHead, failure: Failure, row: OpenAiErrorRow) -> ResponseHead:
    """Add the wait in whole seconds, rounded up, and in milliseconds."""
    if failure.seconds_until_retry(row.retry_after) is None:
        return response_head
    milliseconds = round(_retry_delay(failure, row) * 1000)
    pairs: Headers = (("retry-after", str(-(-milliseconds // 1000))), ("retry-after-ms", str(milliseconds)))
    if row.headers is LIMITED_HEADERS:
        pairs += (("x-ratelimit-reset-tokens", go_duration(milliseconds / 1000)),)
    return response_head.with_headers(pairs)


_PER: Final = {60.0: ("per min", "PM"), 86400.0: ("per day", "PD")}
_LEARN_MORE: Final = "Visit https://platform.openai.com/account/rate-limits to learn more."


def refused(result: LimitResult, status: LimitStatus, tokens: int, model: str | None, now: float) -> Failure:
    """Return the failure of a request of `tokens` tokens. A bound that the limit does not have is reported as
    unused."""
    bound = "tokens" if result.bound in ("tokens", "input_tokens", "output_tokens") else "requests"
    bound_status = status.bound_status(result.bound)
    requested = tokens if bound == "tokens" else 1
    whose = f"{f'for {model} ' if model else ''}in organization org-mockllm"
    if bound_status is None:
        suffix = " on requests under way" if result.bound == "concurrent" else ""
        message = f"Rate limit reached {whose}{suffix}."
    else:
        span, letters = _PER.get(bound_status.window, (f"per {go_duration(bound_status.window)}", ""))
        short = f" ({bound[0].upper()}{letters})" if letters else ""
        subject = f"{whose} on {bound} {span}{short}: Limit {bound_status.limit}"
        if result.retry_after is None:
            message = (
                f"Request too large {subject}, Requested {requested}. The input or output tokens must be "
                "reduced in order to run successfully."
            )
        else:
            used = bound_status.limit - bound_status.remaining
            message = f"Rate limit reached {subject}, Used {used}, Requested {requested}."
    if result.retry_after is not None:
        message += f" Please try again in {go_duration(result.retry_after)}."
    headers = {**dict(LIMITS), **dict(limits(status, now)), **_exhausted_headers(result, status)}
    return Failure(
        "rate_limit",
        message=f"{message} {_LEARN_MORE}",
        retry_after=NEVER if result.retry_after is None else result.retry_after,
        fields={"type": bound},
        headers=tuple(headers.items()),
    )


def _exhausted_headers(result: LimitResult, status: LimitStatus) -> dict[str, str]:
    """Return zero remaining requests and the reset time, where the limit refuses requests but counts none."""
    if result.bound != "requests" or status.requests is not None or result.retry_after is None:
        return {}
    reset = go_duration(result.retry_after)
    return {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": reset}
