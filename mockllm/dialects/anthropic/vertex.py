"""Claude on Vertex AI: …/publishers/anthropic/models/{model}:rawPredict and :streamRawPredict, and counting.

Anthropic's messages, but for where the model stands, ids that tell the platform, headers and errors.
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
    """Ids that tell the platform: `msg_vrtx_01…`."""

    __slots__ = ("_ids",)

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        return self._ids.make(prefix.replace("_01", "_vrtx_01"), length, place, alphabet)


def _on_vertex(stamp: ResponseIdentity) -> ResponseIdentity:
    return ResponseIdentity(VertexIds(stamp.ids), stamp.now)


class VertexRequest(MessagesRequest):
    """The model stands in the path; whether to stream is said in the body, else by the call."""

    @lazy
    def model(self) -> str | None:
        return self.route.get("model")

    @lazy
    def stream(self) -> bool:
        said = self.fields.get("stream")
        return said if type(said) is bool else self.path.endswith(":streamRawPredict")


class VertexMessages(Messages):
    """The dialect object of both calls."""

    request: type[Request] = VertexRequest

    def check(self, request: Request) -> Failure | None:
        return check_vertex(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return vertex_error_plan(failure, request, _on_vertex(stamp))

    def encode_body(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        stamp = _on_vertex(stamp)
        plan = super().encode_body(_named(reply, request), request, stamp)
        return replace(plan, head=ResponseHead(200, (JSON_TYPE, ("request-id", request_id(stamp)))))

    def encode_stream(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        stamp = _on_vertex(stamp)
        plan = super().encode_stream(_named(reply, request), request, stamp)
        return replace(plan, head=ResponseHead(200, (*STREAM_TYPE, ("request-id", request_id(stamp)))))

    def build_request(self, wish: NeutralRequest) -> WireRequest:
        """Without a model in the body, and with a bearer token for a key."""
        asked = build_request(wish)
        body: dict[str, Json] = {"anthropic_version": _VERSION, **asked.body}
        call = "streamRawPredict" if wish.stream else "rawPredict"
        path = f"{_BASE}/{body.pop('model')}:{call}"
        key = {} if wish.api_key is None else {"authorization": f"Bearer {wish.api_key}"}
        return WireRequest(path, {"content-type": "application/json", **key}, body)


def _named(reply: Reply, request: Request) -> Reply:
    """Answers name the model with its date behind a dash."""
    if reply.model is not None:
        return reply
    return replace(reply, model=(request.model or DEFAULT_MODEL).replace("@", "-"))


class VertexCount(AnthropicCountTokens):
    """Asked of a model called `count-tokens`; the one whose tokens are counted stands in the body."""

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return vertex_error_plan(failure, request, _on_vertex(stamp))

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        return super().answer(request, models, _on_vertex(stamp))
