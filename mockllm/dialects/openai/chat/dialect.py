"""POST /v1/chat/completions."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from mockllm.core.json.codec import pretty
from mockllm.core.rendering.encoder import encode
from mockllm.core.rendering.plan import Framing, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.core.request.stored_responses import StoreUpdate
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.openai.chat.body import body, one_call, response_fields, supported_reply
from mockllm.dialects.openai.chat.check import check
from mockllm.dialects.openai.chat.decoder import decode
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.chat.stored_calls import store_update
from mockllm.dialects.openai.chat.stream import ChatEncoder
from mockllm.dialects.openai.headers import BODY_HEAD, STREAM_HEAD, body_plan, head
from mockllm.dialects.openai.request_builder import build_chat

ENCODING_FIELDS: Final = frozenset(
    {"stream_options", "service_tier", "tools", "tool_choice", "functions", "function_call", "logprobs"}
)
"""The request fields that change the encoding of a reply."""


class Chat(OpenAiCall):
    """POST /v1/chat/completions."""

    api = "chat"
    generates = True
    capabilities = ProtocolCapabilities(unsupported_parts=frozenset({"images"}))
    request = ChatRequest

    check = staticmethod(check)
    build_request = staticmethod(build_chat)
    decode = staticmethod(decode)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, ChatRequest)
        return one_call(supported_reply(reply)) if request.legacy else supported_reply(reply)

    def encode_body(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        assert isinstance(request, ChatRequest)
        payload = pretty(body(reply, response_fields(reply, request, stamp))) + b"\n"
        return body_plan(payload, stamp, BODY_HEAD)

    def encode_stream(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        assert isinstance(request, ChatRequest)
        steps = tuple(encode(ChatEncoder(reply, request, stamp)))
        return Plan(head(200, STREAM_HEAD, stamp), steps, Framing.SSE)

    def variant(self, request: Request) -> Hashable:
        assert isinstance(request, ChatRequest)
        if ENCODING_FIELDS.isdisjoint(request.fields):
            return None
        return (
            request.include_usage,
            request.obfuscated,
            request.service_tier,
            request.forced,
            request.custom,
            request.legacy,
            request.logprobs,
        )

    def store_update(self, plan: Plan, request: Request) -> StoreUpdate | None:
        assert isinstance(request, ChatRequest)
        return store_update(plan, request)
