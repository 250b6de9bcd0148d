"""Errors of Claude on Vertex AI: an error of Google's front has Google's envelope, an error of the model has
Anthropic's, with ids that identify the platform.

Google's messages are from public reports; 502, 503 and 504 are inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, pretty
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.errors import error_plan, retry_headers
from mockllm.dialects.anthropic.model_families import DEFAULT_MODEL
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.rate_limit_headers import exact

_JSON: Final = (("content-type", "application/json; charset=UTF-8"),)
_TYPE: Final = "type.googleapis.com/google.rpc."


class VertexErrorRow(Struct, frozen=True):
    """One named error of Google's. `message` can contain `{resource}` and `{model}`. `info` is the reason and
    the service of the details, where there are any."""

    code: int
    status: str
    message: str
    info: Mapping[str, Json] = field(default_factory=dict)


_QUOTA: Final = VertexErrorRow(
    429,
    "RESOURCE_EXHAUSTED",
    "Quota exceeded for aiplatform.googleapis.com/online_prediction_requests_per_base_model with base model: "
    "anthropic-{model}. Please submit a quota increase request. "
    "https://cloud.google.com/vertex-ai/docs/generative-ai/quotas-genai.",
)
_UNKNOWN: Final = VertexErrorRow(
    404,
    "NOT_FOUND",
    "Publisher Model `{resource}` was not found or your project does not have access to it. Please ensure "
    "you are using a valid model version. For more information, see: "
    "https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions",
)
ROWS: Final[Mapping[str, VertexErrorRow]] = {
    "authentication": VertexErrorRow(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or "
        "other valid authentication credential. See https://cloud.google.com/docs/authentication",
        {"reason": "ACCESS_TOKEN_TYPE_UNSUPPORTED"},
    ),
    "permission": VertexErrorRow(
        403,
        "PERMISSION_DENIED",
        "Permission 'aiplatform.endpoints.predict' denied on resource "
        "'//aiplatform.googleapis.com/{resource}' (or it may not exist).",
        {"reason": "IAM_PERMISSION_DENIED"},
    ),
    "not_found": VertexErrorRow(404, "NOT_FOUND", "Requested entity was not found."),
    "model_not_found": _UNKNOWN,
    "model_deprecated": _UNKNOWN,
    "rate_limit": _QUOTA,
    "insufficient_quota": _QUOTA,
    "unavailable": VertexErrorRow(503, "UNAVAILABLE", "The service is currently unavailable."),
    "bad_gateway": VertexErrorRow(502, "UNAVAILABLE", "Bad gateway."),
    "timeout": VertexErrorRow(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
"""The errors of Google's front; the model sends all further named errors."""


def vertex_error_plan(failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
    """Return a non-streaming response with the failure; `stamp` makes the platform's ids."""
    row = ROWS.get(failure.type)
    if row is None:
        plan = error_plan(failure, request, stamp)
        headers = [pair for pair in plan.head.headers if not pair[0].startswith("anthropic-")]
        return Plan(ResponseHead(plan.head.status, tuple(headers)), plan.steps)
    status = failure.status or row.code
    message = failure.message if failure.message is not None else _message(row, request)
    error: dict[str, Json] = {"code": status, "message": message, "status": row.status}
    details = _details(row, failure)
    if details:
        error["details"] = details
    body = pretty({"error": {**error, **failure.fields}}) + b"\n"
    head = ResponseHead(status, _JSON + retry_headers(failure.again())).with_headers(failure.headers)
    return Plan(head, (EventStep(body, 0, "body"),))


def _details(row: VertexErrorRow, failure: Failure) -> list[Json]:
    """Return the reason and the wait until the next attempt; a header also contains the wait, for Anthropic's
    SDKs."""
    details: list[Json] = []
    if row.info:
        info = {**row.info, "domain": "googleapis.com", "metadata": {"service": "aiplatform.googleapis.com"}}
        details.append({"@type": f"{_TYPE}ErrorInfo", **info})
    wait = failure.again()
    if wait is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{exact(wait)}s"})
    return details


def _message(row: VertexErrorRow, request: Request) -> str:
    """Return the message. The resource is the path after the version, without the call; the base model has no
    date."""
    resource = request.path.lstrip("/").partition("/")[2].rpartition(":")[0]
    model = (request.model or DEFAULT_MODEL).partition("@")[0]
    return row.message.format(resource=resource, model=model)
