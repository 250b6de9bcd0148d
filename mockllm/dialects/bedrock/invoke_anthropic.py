"""Claude behind InvokeModel: Anthropic's messages, with the model in the path and `anthropic_version` in the body.

Ids identify the platform (`msg_bdrk_01…`). The model's name has neither its model provider nor its version. A stream
has no pings, and its last event counts tokens. Usage does not name the place of the inference. All of this is from
recordings up to July 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.randomness import BASE62, Ids
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead, Step
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.messages import Messages
from mockllm.dialects.anthropic.messages_check import check_hosted
from mockllm.dialects.anthropic.messages_request import MessagesRequest
from mockllm.dialects.anthropic.messages_request import build_request as build_messages
from mockllm.dialects.anthropic.model_check import check_hosted_model
from mockllm.dialects.bedrock.converse_request import model_path
from mockllm.dialects.bedrock.errors import exception, invocation_metrics
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest

VERSION: Final = "bedrock-2023-05-31"
_MODEL: Final = re.compile(r"(?:.*[/.])?(claude[\w-]*?)(?:-v\d+)?(?::\d+(?::\w+)?)?")
"""An id of a model, of an inference profile, or an ARN of either."""


class BedrockIds(Ids):
    """Ids that identify the platform: `msg_bdrk_01…`."""

    __slots__ = ("_ids",)

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def make(self, prefix: str, length: int, place: str = "", alphabet: bytes = BASE62) -> str:
        return self._ids.make(prefix.replace("_01", "_bdrk_01"), length, place, alphabet)


def claude_name(model: str) -> str:
    """Return the model's name in responses: without region, model provider, version and ARN."""
    match = _MODEL.fullmatch(model)
    return model if match is None else match[1]


class InvokeMessagesRequest(MessagesRequest):
    """The body of a request, which is Anthropic's without a model."""

    @cached_property
    def model(self) -> str | None:
        return self.path_variables.get("model")


class AnthropicBody(Messages):
    """Writes and reads the bodies of Claude."""

    request_class: type[Request] = InvokeMessagesRequest
    has_inference_geo = False

    def check(self, request: Request) -> Failure | None:
        name = claude_name(request.model or "")
        return check_hosted(request) or check_hosted_model(request, name, has_computer_tool=True)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return super().encode_body(_with_model(reply, request), request, _on_bedrock(identity))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().encode_stream(_with_model(reply, request), request, _on_bedrock(identity))
        return Plan(
            ResponseHead(200, ()), tuple(_steps(plan, reply, request)), Framing.AWS_EVENT_STREAM_BYTES
        )

    def build_request(self, request: NeutralRequest) -> WireRequest:
        body: dict[str, Json] = {"anthropic_version": VERSION, **build_messages(request).body}
        for name in ("model", "stream"):
            body.pop(name, None)
        call = "invoke-with-response-stream" if request.stream else "invoke"
        return WireRequest(model_path(request.model, call), request.headers(), body)


def _on_bedrock(identity: ResponseIdentity) -> ResponseIdentity:
    return identity._replace(ids=BedrockIds(identity.ids))


def _with_model(reply: Reply, request: Request) -> Reply:
    return replace(reply, model=claude_name(reply.model or request.model or ""))


def _steps(plan: Plan, reply: Reply, request: Request) -> Iterator[Step]:
    for step in plan.steps:
        if not isinstance(step, EventStep):
            yield step
        elif step.kind == "error":
            assert reply.failure is not None
            payload, name = exception(reply.failure, request, times_out=True)
            yield replace(step, payload=payload, event=name)
        elif step.event == "message_stop":
            yield replace(step, payload=dumps({**loads(step.payload), **invocation_metrics(reply.usage)}))
        elif step.event != "ping":
            yield step
