"""Claude on Vertex AI: …/publishers/anthropic/models/{model}:rawPredict and :streamRawPredict, and token counting.

These are Anthropic's messages, except for the position of the model, the ids that identify the platform, headers and
errors. An error of Google's gateway has Google's envelope, an error of the model has Anthropic's. Google's messages
are from public reports; 502, 503 and 504 are inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, pretty
from mockllm.core.randomness import BASE62, Ids
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.errors import error_plan, retry_headers
from mockllm.dialects.anthropic.headers import (
    JSON_TYPE,
    STREAM_TYPE,
    head_without_limits,
    without_anthropic_headers,
)
from mockllm.dialects.anthropic.known_models import DEFAULT_MODEL
from mockllm.dialects.anthropic.messages import AnthropicCountTokens, Messages
from mockllm.dialects.anthropic.messages_check import check_hosted
from mockllm.dialects.anthropic.messages_request import MessagesRequest, build_request
from mockllm.dialects.anthropic.model_check import check_hosted_model
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.rate_limit_headers import exact

_BASE: Final = "/v1/projects/mockllm/locations/global/publishers/anthropic/models"
_VERSION: Final = "vertex-2023-10-16"


class VertexIds(Ids):
    """Ids that identify the platform: `msg_vrtx_01…`."""

    __slots__ = ("_ids",)

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        return self._ids.make(prefix.replace("_01", "_vrtx_01"), length, place, alphabet)


def _on_vertex(identity: ResponseIdentity) -> ResponseIdentity:
    return identity._replace(ids=VertexIds(identity.ids))


class VertexRequest(MessagesRequest):
    """A request with the model in its path. The body selects streaming; by default the call does."""

    @cached_property
    def model(self) -> str | None:
        return self.path_variables.get("model")

    @cached_property
    def stream(self) -> bool:
        stream = self.fields.get("stream")
        return stream if type(stream) is bool else self.path.endswith(":streamRawPredict")


class VertexMessages(Messages):
    """The dialect of both calls."""

    request_class: type[Request] = VertexRequest
    has_inference_geo = False

    def check(self, request: Request) -> Failure | None:
        name = _name(request)
        return check_hosted(request) or check_hosted_model(request, name, has_computer_tool=False)

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return vertex_error_plan(failure, request, _on_vertex(identity))

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        identity = _on_vertex(identity)
        plan = super().encode_body(_with_model(reply, request), request, identity)
        return replace(plan, head=head_without_limits((JSON_TYPE,), identity))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        identity = _on_vertex(identity)
        plan = super().encode_stream(_with_model(reply, request), request, identity)
        return replace(plan, head=head_without_limits(STREAM_TYPE, identity))

    def build_request(self, request: NeutralRequest) -> WireRequest:
        """Return a request without a model in the body, and with a bearer token as its key."""
        wire_request = build_request(request)
        body: dict[str, Json] = {"anthropic_version": _VERSION, **wire_request.body}
        call = "streamRawPredict" if request.stream else "rawPredict"
        path = f"{_BASE}/{body.pop('model')}:{call}"
        return WireRequest(path, request.headers(), body)


def _with_model(reply: Reply, request: Request) -> Reply:
    """Return the reply with the model of the request; responses write its date after a dash."""
    if reply.model is not None:
        return reply
    return replace(reply, model=_name(request))


def _name(request: Request) -> str:
    return (request.model or DEFAULT_MODEL).replace("@", "-")


class VertexCount(AnthropicCountTokens):
    """The token count. The path names a model `count-tokens`; the body names the model whose tokens are counted."""

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return vertex_error_plan(failure, request, _on_vertex(identity))

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        return super().own_response(request, _on_vertex(identity))


_JSON: Final = (("content-type", "application/json; charset=UTF-8"),)
_TYPE: Final = "type.googleapis.com/google.rpc."


class VertexErrorRow(Struct, frozen=True):
    """One error of Google's, by its name. `message` can contain `{resource}` and `{model}`. `info` is the reason and
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
"""The errors of Google's gateway; the model sends all further errors."""


def vertex_error_plan(failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
    """Return a non-streaming response with the failure; `identity` makes the platform's ids."""
    row = ROWS.get(failure.type)
    if row is None:
        plan = error_plan(failure, request, identity)
        return Plan(without_anthropic_headers(plan.head), plan.steps)
    status = failure.status or row.code
    # The resource is the path after the version, without the call; the base model has no date.
    resource = request.path.lstrip("/").partition("/")[2].rpartition(":")[0]
    model = (request.model or DEFAULT_MODEL).partition("@")[0]
    message = failure.message
    if message is None:
        message = row.message.format(resource=resource, model=model)
    error: dict[str, Json] = {"code": status, "message": message, "status": row.status}
    details = _details(row, failure)
    if details:
        error["details"] = details
    body = pretty({"error": {**error, **failure.fields}}) + b"\n"
    head = ResponseHead(status, _JSON + retry_headers(failure.seconds_until_retry())).with_headers(
        failure.headers
    )
    return Plan(head, (EventStep(body, 0, "body"),))


def _details(row: VertexErrorRow, failure: Failure) -> list[Json]:
    """Return the reason and the wait until the next attempt; a header also contains the wait, for Anthropic's
    SDKs."""
    details: list[Json] = []
    if row.info:
        info = {**row.info, "domain": "googleapis.com", "metadata": {"service": "aiplatform.googleapis.com"}}
        details.append({"@type": f"{_TYPE}ErrorInfo", **info})
    wait = failure.seconds_until_retry()
    if wait is not None:
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": f"{exact(wait)}s"})
    return details
