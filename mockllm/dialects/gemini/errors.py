"""Google's errors as data: for each named error its code, status, message and details.

Envelope: `{"error": {code, message, status, details}}`, the details only where there are any. Wait times
stand in the details, never in a header. Rows are from recordings and public
reports, but where a comment says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.generate_request import GeminiRequest, google
from mockllm.dialects.gemini.headers import EVENTS, JSON, STREAM, TIER
from mockllm.dialects.gemini.json_format import line, page
from mockllm.dialects.gemini.model_families import DEFAULT_MODEL
from mockllm.dialects.rate_limit_headers import exact

TYPE: Final = "type.googleapis.com/google.rpc."
SERVICE: Final = "generativelanguage.googleapis.com"
CONTEXT_WINDOW: Final = 1_048_576
BLOCKED: Final = frozenset({"content_filter"})
"""What is no error here: the answer to a prompt that was blocked is a 200 without candidates."""


class GeminiErrorRow(Struct, frozen=True):
    """One named error. `message` may name: model, resource, version, method, tokens, limit, wait. `quota` is what a
    limit counts, its id and its value."""

    code: int
    status: str
    message: str
    details: tuple[Json, ...] = ()
    quota: tuple[str, str, int] | None = None
    retry_after: float | None = None


_KEY: Final = "API key not valid. Please pass a valid API key."
_QUOTA: Final = (
    "You exceeded your current quota, please check your plan and billing details. For more information on "
    "this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. To monitor your current usage, "
    "head to: https://ai.dev/rate-limit. \n"
    "* Quota exceeded for metric: {metric}, limit: {limit}, model: {model}\nPlease retry in {wait}s."
)
_LONG: Final = "The input token count ({tokens}) exceeds the maximum number of tokens allowed ({limit})."


def _info(reason: str, **metadata: str) -> Json:
    return {"@type": f"{TYPE}ErrorInfo", "reason": reason, "domain": "googleapis.com", "metadata": metadata}


ROWS: Final[Mapping[str, GeminiErrorRow]] = {
    "bad_request": GeminiErrorRow(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "authentication": GeminiErrorRow(
        400,
        "INVALID_ARGUMENT",
        _KEY,
        (
            _info("API_KEY_INVALID", service=SERVICE),
            {"@type": f"{TYPE}LocalizedMessage", "locale": "en-US", "message": _KEY},
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
    "context_length": GeminiErrorRow(400, "INVALID_ARGUMENT", _LONG),
    "rate_limit": GeminiErrorRow(
        429,
        "RESOURCE_EXHAUSTED",
        _QUOTA,
        quota=(
            "generate_content_paid_tier_input_token_count",
            "GenerateContentPaidTierInputTokensPerModelPerMinute",
            1_000_000,
        ),
        retry_after=48.0,
    ),
    "insufficient_quota": GeminiErrorRow(
        429,
        "RESOURCE_EXHAUSTED",
        _QUOTA,
        quota=(
            "generate_content_free_tier_requests",
            "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
            250,
        ),
        retry_after=48.0,
    ),
    # Only where a scenario gives it a status of its own, or it breaks a stream off; the message is inferred.
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
    # A page of the server in front in the real service; the envelope is inferred.
    "bad_gateway": GeminiErrorRow(502, "UNAVAILABLE", "Bad gateway."),
    "timeout": GeminiErrorRow(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
DAY: Final = 86_400.0
_COUNTED: Final = {
    ("requests", False): ("generate_requests_per_model", "GenerateRequestsPerMinutePerProjectPerModel"),
    ("requests", True): ("generate_requests_per_model_per_day", "GenerateRequestsPerDayPerProjectPerModel"),
    ("tokens", False): (
        "generate_content_paid_tier_input_token_count",
        "GenerateContentPaidTierInputTokensPerModelPerMinute",
    ),
    ("tokens", True): (  # inferred
        "generate_content_paid_tier_input_token_count",
        "GenerateContentPaidTierInputTokensPerModelPerDay",
    ),
}
"""What a scenario's limit counts, by the day or in less: metric and id. Clients tell by these whether a retry
helps today."""
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
"""What Vertex AI says otherwise."""
_UNREGISTERED: Final = GeminiErrorRow(
    403,
    "PERMISSION_DENIED",
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
    "other form of API consumer identity to call this API.",
)
"""What a request without any key is told in place of `authentication`."""
_MISSING: Final = GeminiErrorRow(
    401,
    "UNAUTHENTICATED",
    "API keys are not supported by this API. Expected OAuth2 access token or other authentication credentials "
    "that assert a principal. See https://cloud.google.com/docs/authentication",
    (_info("CREDENTIALS_MISSING", service="aiplatform.googleapis.com"),),
)
"""The same of Vertex AI, which takes no key, but a bearer token."""
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
"""The status of a code that a scenario gives an error instead of its own."""


def error_plan(failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
    """A whole answer with the failure. Where a stream was asked it is an array of one, or has the type of
    events and is none."""
    request = google(request)
    if failure.type in BLOCKED and failure.status is None:
        return _blocked(request, stamp)
    made = error_object(failure, request)
    body = page(made)
    if request.stream and not request.sse:
        body = b"[" + body + b"\n]"
    headers = EVENTS if request.sse else JSON
    code = made["error"]["code"]
    if code == 429 and not request.vertex:
        headers += TIER
    if code == 401:
        headers += (_CHALLENGE,)
    status = failure.status or _row(failure, request).code
    return Plan(
        ResponseHead(status, headers).with_headers(failure.headers), (EventStep(body + b"\n", 0, "body"),)
    )


def error_object(failure: Failure, request: Request) -> dict[str, Json]:
    """The envelope with the failure in it."""
    request = google(request)
    row = _row(failure, request)
    code = failure.status or row.code
    wait = failure.again(row.retry_after)
    made: dict[str, Json] = {
        "code": code,
        "message": failure.message if failure.message is not None else _message(row, failure, request, wait),
        "status": row.status if code == row.code else STATUSES.get(code, "UNKNOWN"),
    }
    details = [*_quota(row, request), *(_placed(detail, request) for detail in row.details)]
    if wait is not None:
        details.append({"@type": f"{TYPE}RetryInfo", "retryDelay": f"{exact(wait)}s"})
    if details or request.numbered:
        made["details"] = details
    return {"error": {**made, **failure.fields}}


def _placed(detail: Json, request: GeminiRequest) -> Json:
    """A detail of Vertex AI's credentials names the method that wanted them."""
    if not request.vertex or "metadata" not in detail:
        return detail
    version, _, rest = request.path.removeprefix("/").partition("/")
    call = rest.rpartition(":")[2]
    method = f"google.cloud.aiplatform.{version}.PredictionService.{call[:1].upper()}{call[1:]}"
    return {**detail, "metadata": {"method": method, **detail["metadata"]}}


def _row(failure: Failure, request: GeminiRequest) -> GeminiErrorRow:
    if request.vertex and failure.type == "authentication" and "authorization" not in request.headers:
        return _MISSING
    if request.vertex:
        return VERTEX.get(failure.type, ROWS[failure.type])
    if failure.type == "authentication" and request.api_key is None:
        return _UNREGISTERED
    row = ROWS[failure.type]
    if failure.quota is None:
        return row
    bound, limit, window = failure.quota
    return replace(row, quota=(*_COUNTED[bound, window >= DAY], limit))


def _message(row: GeminiErrorRow, failure: Failure, request: GeminiRequest, wait: float | None) -> str:
    metric, _, limit = row.quota or ("", "", 0)
    tokens = 0
    if row.message is _LONG:
        limit, tokens = failure.overflow(CONTEXT_WINDOW, request.input_tokens)
    version, _, rest = request.path.removeprefix("/").partition("/")
    resource, _, method = rest.rpartition(":")
    return row.message.format(
        model=request.model or DEFAULT_MODEL,
        resource=resource,
        version=version,
        method=method,
        tokens=tokens,
        metric=f"{SERVICE}/{metric}",
        limit=limit,
        wait=_wait(wait) if wait is not None else "",
    )


def _wait(seconds: float) -> str:
    """As the message says it, but for the last `s`: 59.9, 1h52m56.4."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + exact(rest)


def _quota(row: GeminiErrorRow, request: GeminiRequest) -> list[dict[str, Any]]:
    """Where to read of the limit, and which it was."""
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


def _blocked(request: GeminiRequest, stamp: ResponseIdentity) -> Plan:
    """A prompt that was blocked: no candidates, and why."""
    tokens = request.input_tokens
    body: dict[str, Json] = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {
            "promptTokenCount": tokens,
            "totalTokenCount": tokens,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}],
        },
        "modelVersion": request.model or DEFAULT_MODEL,
        "responseId": stamp.ids.make("", 23),
    }
    if request.sse:
        return Plan(ResponseHead(200, STREAM), (EventStep(line(body), 0, "body"),), Framing.SSE_CRLF)
    if request.stream:
        return Plan(ResponseHead(200, JSON), (EventStep(page(body), 0, "body"),), Framing.JSON_ARRAY)
    return Plan(ResponseHead(200, JSON), (EventStep(page(body) + b"\n", 0, "body"),))
