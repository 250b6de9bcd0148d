"""POST /model/{model}/converse and /converse-stream: a reply as one message, or as the events of a binary stream.

Members and events are those of botocore's service model `bedrock-runtime/2023-09-30/service-2.json`
(`ConverseResponse`, `ConverseStreamOutput`); their order is that of recordings.
"""

from __future__ import annotations

from collections.abc import Hashable

from mockllm.core.json.codec import Json
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import Framing, Plan, ResponseHead
from mockllm.core.reply.reply import (
    Reply,
)
from mockllm.core.request.request import Request
from mockllm.dialects.bedrock.converse_check import check, check_readable
from mockllm.dialects.bedrock.converse_decoder import decode
from mockllm.dialects.bedrock.converse_encoder import (
    AWS_EVENT_STREAM,
    DIALECT,
    ConverseEncoder,
    block,
    is_claude,
    stop_reason,
    supported_reply,
    usage,
)
from mockllm.dialects.bedrock.converse_request import ConverseRequest, build_request
from mockllm.dialects.bedrock.errors import LATENCY, error_plan, json_plan, request_headers
from mockllm.dialects.bedrock.event_layouts import CONVERSE_LAYOUT
from mockllm.dialects.bedrock.prompt_cache import CONVERSE_PROMPT
from mockllm.dialects.bedrock.usage_form import usage_form
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity


class Converse:
    """The dialect of both calls."""

    name: str = DIALECT
    api: str = "converse"
    generates: bool = True
    request_class: type[Request] = ConverseRequest
    prompt_form = CONVERSE_PROMPT
    capabilities = ProtocolCapabilities(
        choices=False,
        redacted_thinking=True,
        json_object=False,
        unsupported_parts=frozenset({"images"}),
        refusal=False,
        reasoning=False,
        framings=frozenset({Framing.AWS_EVENT_STREAM}),
    )

    check = staticmethod(check)
    check_readable = staticmethod(check_readable)
    error = staticmethod(error_plan)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return supported_reply(reply)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        choice, extras = reply.choices[0], reply.extras.get(DIALECT, {})
        claude = is_claude(request)
        content = [block(part, index, identity, claude=claude) for index, part in enumerate(choice.parts)]
        body: dict[str, Json] = {
            "metrics": {"latencyMs": LATENCY},
            "output": {"message": {"content": content, "role": "assistant"}},
            "stopReason": stop_reason(choice),
            "usage": usage(reply.usage, extras, usage_form(request.model or "")),
        }
        body = merged_json(body, {name: value for name, value in extras.items() if name != "usage"})
        return json_plan(reply.usage.null_or_remove_usage(body, "usage"), identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        steps = tuple(encode(ConverseEncoder(reply, request, identity)))
        head = ResponseHead(200, AWS_EVENT_STREAM, request_headers(identity))
        return Plan(head, steps, Framing.AWS_EVENT_STREAM)

    def event_layout(self, request: Request) -> EventLayout:
        return CONVERSE_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        return None

    build_request = staticmethod(build_request)
    decode = staticmethod(decode)
