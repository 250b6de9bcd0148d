"""POST /v2/chat: a Reply as one object, or as server-sent events.

From recordings of 2024 to 2026, and the types of the `cohere` package (7.3). A stream has an event for the start and
the end of each block and of each call. `message-end` has the reason and the token counts, and `[DONE]` follows.
"""

from __future__ import annotations

from collections.abc import Hashable

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import objects
from mockllm.core.rendering.encoder import encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import Framing, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.core.request.response_parameters import Format
from mockllm.dialects.cohere.decoder import decode
from mockllm.dialects.cohere.encoder import (
    COHERE_LAYOUT,
    NAME,
    CohereEncoder,
    finish_reason,
    supported_reply,
    usage_of,
    whole,
)
from mockllm.dialects.cohere.errors import CohereCall, head, required, uuid
from mockllm.dialects.cohere.logprobs import body_logprobs
from mockllm.dialects.cohere.lookups import body_plan
from mockllm.dialects.cohere.parameter_ranges import check_generation, check_tool_choice
from mockllm.dialects.cohere.request import DEFAULT_MODEL, CohereChatRequest
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest, function_tools, without_empty


class CohereChat(CohereCall):
    """POST /v2/chat."""

    api = "chat"
    generates = True
    request_class: type[Request] = CohereChatRequest
    capabilities = ProtocolCapabilities(
        tool_choice=False,  # no tool can be named: all or none
        choices=False,
        refusal=False,
        cache_write=False,
        unsupported_parts=frozenset({"images"}),
    )
    decode = staticmethod(decode)

    def check(self, request: Request) -> Failure | None:
        failure = self.check_readable(request) or required(request.fields, model=str, messages=list)
        if failure is not None:
            return failure
        messages = request.fields["messages"]
        known = ("system", "developer", "user", "assistant", "tool")
        if not messages:
            return Failure("bad_request", message="invalid request: messages must not be empty")
        if len(list(objects(messages))) < len(messages) or any(
            each.get("role") not in known for each in messages
        ):
            return Failure("bad_request", message="invalid request: each message needs a role")
        return check_generation(request.fields) or check_tool_choice(request.fields)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, CohereChatRequest)
        return supported_reply(reply, request)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, CohereChatRequest)
        body: dict[str, Json] = {
            "id": uuid(identity, ""),
            "message": whole(reply, request, identity),
            "finish_reason": finish_reason(reply.choices[0]),
            "usage": usage_of(reply.usage),
            **(body_logprobs(reply) if request.logprobs else {}),
        }
        body = reply.usage.null_or_remove_usage(merged_json(body, dict(reply.extras.get(NAME, {}))), "usage")
        return body_plan(body, identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, CohereChatRequest)
        steps = tuple(encode(CohereEncoder(reply, request, identity)))
        return Plan(head(200, "text/event-stream", identity), steps, Framing.SSE)

    def event_layout(self, request: Request) -> EventLayout:
        return COHERE_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, CohereChatRequest)
        return request.omits_thinking, request.cites_results, request.logprobs

    def build_request(self, request: NeutralRequest) -> WireRequest:
        """Write a request in Cohere's form."""
        system = [] if request.system is None else [{"role": "system", "content": request.system}]
        own = {
            "messages": system + request.turns,
            "tools": function_tools(request),
            "response_format": response_format(request.response_format),
            "max_tokens": request.max_tokens,
            "stop_sequences": list(request.stop),
        }
        body = {
            "model": request.model or DEFAULT_MODEL,
            **without_empty(own),
            "stream": request.stream is True,
        }
        return WireRequest("/cohere/v2/chat", request.headers(), body)


def response_format(format: Format | None, name: str = "json_schema") -> Json:
    """Return a response format in Cohere's form; `name` is the member with the schema."""
    if format is None or format.kind == "text":
        return None
    schema = {} if format.kind == "json" else {name: format.schema}
    return {"type": "json_object", **schema}
