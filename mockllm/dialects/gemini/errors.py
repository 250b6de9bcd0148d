"""Google's errors as data: the code, status, message and details of each error name.

Envelope: `{"error": {code, message, status, details}}`; `details` only where there are any. The details contain the
wait until the next attempt; no header does. Rows are from recordings and public reports; comments mark the
exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.generate_request import (
    DEFAULT_MODEL,
    GeminiRequest,
    GenerateRequest,
    as_google_request,
)
from mockllm.dialects.gemini.media_tokens import NO_MEDIA, modality_details, prompt_details
from mockllm.dialects.gemini.wire_format import EVENTS, JSON, STREAM, TIER, indented, one_line
from mockllm.dialects.rate_limit_headers import exact

TYPE: Final = "type.googleapis.com/google.rpc."
SERVICE: Final = "generativelanguage.googleapis.com"
CONTEXT_WINDOW: Final = 1_048_576
BLOCKED: Final = frozenset({"content_filter"})
"""The errors that are responses here: a blocked prompt gets a 200 without candidates."""


class GeminiErrorRow(Struct, frozen=True):
    """One error by its name. `message` can name: model, resource, version, method, tokens, limit, wait. `quota` is
    the metric of a limit, its id and its value."""

    code: int
    status: str
    message: str
    details: tuple[Json, ...] = ()
    quota: tuple[str, str, int] | None = None
    retry_after: float | None = None


_INVALID_KEY: Final = "API key not valid. Please pass a valid API key."
_QUOTA: Final = (
    "You exceeded your current quota, please check your plan and billing details. For more information on "
    "this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. To monitor your current usage, "
    "head to: https://ai.dev/rate-limit. \n"
    "* Quota exceeded for metric: {metric}, limit: {limit}, model: {model}\nPlease retry in {wait}s."
)
_TOO_LONG: Final = "The input token count ({tokens}) exceeds the maximum number of tokens allowed ({limit})."


def _info(reason: str, **metadata: str) -> Json:
    return {"@type": f"{TYPE}ErrorInfo", "reason": reason, "domain": "googleapis.com", "metadata": metadata}


DAY: Final = 86_400.0
_TOKENS: Final = "generate_content_paid_tier_input_token_count"
_QUOTAS: Final = {
    ("requests", False): ("generate_requests_per_model", "GenerateRequestsPerMinutePerProjectPerModel"),
    ("requests", True): ("generate_requests_per_model_per_day", "GenerateRequestsPerDayPerProjectPerModel"),
    ("tokens", False): (_TOKENS, "GenerateContentPaidTierInputTokensPerModelPerMinute"),
    ("tokens", True): (_TOKENS, "GenerateContentPaidTierInputTokensPerModelPerDay"),  # inferred
}
"""The metric and the id of a scenario's limit, for a day or a shorter window. Clients determine by them whether a
retry helps today."""
_FREE_REQUESTS: Final = (
    "generate_content_free_tier_requests",
    "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
)
ROWS: Final[Mapping[str, GeminiErrorRow]] = {
    "bad_request": GeminiErrorRow(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "authentication": GeminiErrorRow(
        400,
        "INVALID_ARGUMENT",
        _INVALID_KEY,
        (
            _info("API_KEY_INVALID", service=SERVICE),
            {"@type": f"{TYPE}LocalizedMessage", "locale": "en-US", "message": _INVALID_KEY},
        ),
    ),
    "permission": GeminiErrorRow(403, "PERMISSION_DENIED", "The caller does not have permission"),
    "not_found": GeminiErrorRow(404, "NOT_FOUND", "Requested entity was not found."),
    "model_not_found": GeminiErrorRow(
        404,
        "NOT_FOUND",
        "models/{model} is not found for API version {version}, or is not supported for {method}. Call "
        "ModelService.ListModels to see the list of available models and their supported methods.",
    ),
    "model_deprecated": GeminiErrorRow(
        404,
        "NOT_FOUND",
        "This model models/{model} is no longer available to new users. Please update your code to use a newer "
        "model for the latest features and improvements.",
    ),
    "request_too_large": GeminiErrorRow(
        400, "INVALID_ARGUMENT", "Request payload size exceeds the limit: 20971520 bytes."
    ),
    "context_length": GeminiErrorRow(400, "INVALID_ARGUMENT", _TOO_LONG),
    "rate_limit": GeminiErrorRow(
        429, "RESOURCE_EXHAUSTED", _QUOTA, quota=(*_QUOTAS["tokens", False], 1_000_000), retry_after=1.0
    ),
    "insufficient_quota": GeminiErrorRow(
        429, "RESOURCE_EXHAUSTED", _QUOTA, quota=(*_FREE_REQUESTS, 250), retry_after=48.0
    ),
    # Only for a scenario that sets a status, or inside a stream; the message is inferred.
    "content_filter": GeminiErrorRow(400, "INVALID_ARGUMENT", "The prompt was blocked for its content."),
    "server_error": GeminiErrorRow(
        500,
        "INTERNAL",
        "An internal error has occurred. Please retry or report in "
        "https://developers.generativeai.google/guide/troubleshooting",
    ),
    "overloaded": GeminiErrorRow(
        503,
        "UNAVAILABLE",
        "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please "
        "try again later.",
    ),
    "unavailable": GeminiErrorRow(503, "UNAVAILABLE", "The service is currently unavailable."),
    # The real service returns a proxy's page; the envelope is inferred.
    "bad_gateway": GeminiErrorRow(502, "UNAVAILABLE", "Bad gateway."),
    "timeout": GeminiErrorRow(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
_EXHAUSTED: Final = GeminiErrorRow(
    429,
    "RESOURCE_EXHAUSTED",
    "Resource exhausted. Please try again later. Please refer to "
    "https://cloud.google.com/vertex-ai/generative-ai/docs/error-code-429 for more details.",
)
_UNKNOWN: Final = GeminiErrorRow(404, "NOT_FOUND", "Publisher Model `{resource}` not found.")
VERTEX: Final[Mapping[str, GeminiErrorRow]] = {
    "authentication": GeminiErrorRow(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential. See https://cloud.google.com/docs/authentication",
        (_info("ACCESS_TOKEN_TYPE_UNSUPPORTED", service="aiplatform.googleapis.com"),),
    ),
    "model_not_found": _UNKNOWN,
    "model_deprecated": _UNKNOWN,
    "rate_limit": _EXHAUSTED,
    "insufficient_quota": _EXHAUSTED,
    "server_error": GeminiErrorRow(500, "INTERNAL", "Internal error encountered."),
}
"""The errors that differ on Vertex AI."""
_NO_KEY: Final = GeminiErrorRow(
    403,
    "PERMISSION_DENIED",
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
    "other form of API consumer identity to call this API.",
)
"""The error of a request without any key, in place of `authentication`."""
_NO_CREDENTIALS: Final = GeminiErrorRow(
    401,
    "UNAUTHENTICATED",
    "API keys are not supported by this API. Expected OAuth2 access token or other authentication credentials "
    "that assert a principal. See https://cloud.google.com/docs/authentication",
    (_info("CREDENTIALS_MISSING", service="aiplatform.googleapis.com"),),
)
"""The same error on Vertex AI, which accepts a bearer token instead of a key."""
_CHALLENGE: Final = ("www-authenticate", 'Bearer realm="https://accounts.google.com/"')
STATUSES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""The status of an HTTP code that a scenario sets in place of the error's own."""


def error_plan(failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
    """Return a non-streaming response with the failure. For a streaming request, the response is an array of one, or
    has the content type of events without being one."""
    request = as_google_request(request)
    if failure.type in BLOCKED and failure.status is None:
        return _blocked_prompt(request, identity)
    error = error_object(failure, request)
    body = indented(error)
    if request.stream and not request.sse:
        body = b"[" + body + b"\n]"
    headers = EVENTS if request.sse else JSON
    code = error["error"]["code"]
    if code == 429 and not request.vertex:
        headers += TIER
    if code == 401:
        headers += (_CHALLENGE,)
    status = failure.status or _row(failure, request).code
    return Plan(
        ResponseHead(status, headers).with_headers(failure.headers), (EventStep(body + b"\n", 0, "body"),)
    )


def error_object(failure: Failure, request: Request) -> dict[str, Json]:
    """Return the envelope with the failure."""
    request = as_google_request(request)
    row = _row(failure, request)
    code = failure.status or row.code
    wait = failure.seconds_until_retry(row.retry_after)
    error: dict[str, Json] = {
        "code": code,
        "message": failure.message if failure.message is not None else _message(row, failure, request, wait),
        "status": row.status if code == row.code else STATUSES.get(code, "UNKNOWN"),
    }
    details = [*_quota_details(row, request), *(_with_method(detail, request) for detail in row.details)]
    if wait is not None:
        details.append({"@type": f"{TYPE}RetryInfo", "retryDelay": f"{exact(wait)}s"})
    if details or request.numbered:
        error["details"] = details
    return {"error": {**error, **failure.fields}}


def _with_method(detail: Json, request: GeminiRequest) -> Json:
    """Add the requested method to a detail of Vertex AI's credentials."""
    if not request.vertex or "metadata" not in detail:
        return detail
    version, _, rest = request.path.removeprefix("/").partition("/")
    call = rest.rpartition(":")[2]
    method = f"google.cloud.aiplatform.{version}.PredictionService.{call[:1].upper()}{call[1:]}"
    return {**detail, "metadata": {"method": method, **detail["metadata"]}}


def _row(failure: Failure, request: GeminiRequest) -> GeminiErrorRow:
    if request.vertex and failure.type == "authentication" and "authorization" not in request.headers:
        return _NO_CREDENTIALS
    if request.vertex:
        return VERTEX.get(failure.type, ROWS[failure.type])
    if failure.type == "authentication" and request.api_key is None:
        return _NO_KEY
    row = ROWS[failure.type]
    if failure.exceeded_limit is None:
        return row
    bound, limit, window = failure.exceeded_limit
    return replace(row, quota=(*_QUOTAS[bound, window >= DAY], limit))


def _message(row: GeminiErrorRow, failure: Failure, request: GeminiRequest, wait: float | None) -> str:
    metric, _, limit = row.quota or ("", "", 0)
    tokens = 0
    if row.message is _TOO_LONG:
        limit, tokens = failure.overflow(CONTEXT_WINDOW, request.input_tokens)
    version, _, rest = request.path.removeprefix("/").partition("/")
    resource, _, method = rest.rpartition(":")
    return failure.message_format(row.message).format(
        model=request.model or DEFAULT_MODEL,
        resource=resource,
        version=version,
        method=method,
        tokens=tokens,
        metric=f"{SERVICE}/{metric}",
        limit=limit,
        wait=_format_wait(wait) if wait is not None else "",
    )


def _format_wait(seconds: float) -> str:
    """Format a wait as the message has it, without the last `s`: 59.9, 1h52m56.4."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + exact(rest)


def _quota_details(row: GeminiErrorRow, request: GeminiRequest) -> list[dict[str, Json]]:
    """Return the details that link to the documentation of limits and name the exceeded limit."""
    if row.quota is None:
        return []
    metric, id, limit = row.quota
    link = {
        "description": "Learn more about Gemini API quotas",
        "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
    }
    violation = {
        "quotaMetric": f"{SERVICE}/{metric}",
        "quotaId": id,
        "quotaDimensions": {"model": request.model or DEFAULT_MODEL, "location": "global"},
        "quotaValue": str(limit),
    }
    return [
        {"@type": f"{TYPE}Help", "links": [link]},
        {"@type": f"{TYPE}QuotaFailure", "violations": [violation]},
    ]


def _blocked_prompt(request: GeminiRequest, identity: ResponseIdentity) -> Plan:
    """Return the response to a blocked prompt: no candidates, and the reason."""
    tokens = request.input_tokens
    media = request.media if isinstance(request, GenerateRequest) else NO_MEDIA
    body: dict[str, Json] = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {
            "promptTokenCount": tokens,
            "totalTokenCount": tokens,
            "promptTokensDetails": modality_details(prompt_details(tokens, media)),
        },
        "modelVersion": request.model or DEFAULT_MODEL,
        "responseId": identity.ids.make("", 23),
    }
    if request.sse:
        return Plan(ResponseHead(200, STREAM), (EventStep(one_line(body), 0, "body"),), Framing.SSE_CRLF)
    if request.stream:
        return Plan(ResponseHead(200, JSON), (EventStep(indented(body), 0, "body"),), Framing.JSON_ARRAY)
    return Plan(ResponseHead(200, JSON), (EventStep(indented(body) + b"\n", 0, "body"),))
