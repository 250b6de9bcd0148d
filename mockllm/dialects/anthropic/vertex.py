"""Claude on Vertex AI: …/publishers/anthropic/models/{model}:rawPredict and :streamRawPredict, and token
counting.

These are Anthropic's messages, except for the position of the model, the ids that identify the platform,
headers and errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.lazy import lazy
from mockllm.core.randomness import BASE62, Ids
from mockllm.core.rendering.plan import Plan, ResponseHead
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.count_tokens import AnthropicCountTokens
from mockllm.dialects.anthropic.headers import JSON_TYPE, STREAM_TYPE, request_id
from mockllm.dialects.anthropic.messages import Messages
from mockllm.dialects.anthropic.messages_check import check_vertex
from mockllm.dialects.anthropic.messages_request import MessagesRequest
from mockllm.dialects.anthropic.model_families import DEFAULT_MODEL
from mockllm.dialects.anthropic.request_builder import build_request
from mockllm.dialects.anthropic.vertex_errors import vertex_error_plan
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest

_BASE: Final = "/v1/projects/mockllm/locations/global/publishers/anthropic/models"
_VERSION: Final = "vertex-2023-10-16"


class VertexIds(Ids):
    """Ids that identify the platform: `msg_vrtx_01…`."""

    __slots__ = ("_ids",)

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        return self._ids.make(prefix.replace("_01", "_vrtx_01"), length, place, alphabet)


def _on_vertex(stamp: ResponseIdentity) -> ResponseIdentity:
    return ResponseIdentity(VertexIds(stamp.ids), stamp.now)


class VertexRequest(MessagesRequest):
    """A request with the model in its path. The body selects streaming; by default the call does."""

    @lazy
    def model(self) -> str | None:
        return self.route.get("model")

    @lazy
    def stream(self) -> bool:
        stream = self.fields.get("stream")
        return stream if type(stream) is bool else self.path.endswith(":streamRawPredict")


class VertexMessages(Messages):
    """The dialect of both calls."""

    request: type[Request] = VertexRequest

    def check(self, request: Request) -> Failure | None:
        return check_vertex(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return vertex_error_plan(failure, request, _on_vertex(stamp))

    def encode_body(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        stamp = _on_vertex(stamp)
        plan = super().encode_body(_with_model(reply, request), request, stamp)
        return replace(plan, head=ResponseHead(200, (JSON_TYPE, ("request-id", request_id(stamp)))))

    def encode_stream(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        stamp = _on_vertex(stamp)
        plan = super().encode_stream(_with_model(reply, request), request, stamp)
        return replace(plan, head=ResponseHead(200, (*STREAM_TYPE, ("request-id", request_id(stamp)))))

    def build_request(self, request: NeutralRequest) -> WireRequest:
        """Return a request without a model in the body, and with a bearer token as its key."""
        wire_request = build_request(request)
        body: dict[str, Json] = {"anthropic_version": _VERSION, **wire_request.body}
        call = "streamRawPredict" if request.stream else "rawPredict"
        path = f"{_BASE}/{body.pop('model')}:{call}"
        key = {} if request.api_key is None else {"authorization": f"Bearer {request.api_key}"}
        return WireRequest(path, {"content-type": "application/json", **key}, body)


def _with_model(reply: Reply, request: Request) -> Reply:
    """Return the reply with the model of the request; responses write its date after a dash."""
    if reply.model is not None:
        return reply
    return replace(reply, model=(request.model or DEFAULT_MODEL).replace("@", "-"))


class VertexCount(AnthropicCountTokens):
    """The token count. The path names a model `count-tokens`; the body names the model whose tokens are
    counted."""

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return vertex_error_plan(failure, request, _on_vertex(stamp))

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        return super().answer(request, models, _on_vertex(stamp))
