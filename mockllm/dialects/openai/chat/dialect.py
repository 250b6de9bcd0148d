"""POST /v1/chat/completions."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import pretty
from mockllm.core.rendering.encoder import encode
from mockllm.core.rendering.plan import Data, Framing, Plan
from mockllm.core.reply.reply import (
    Reply,
)
from mockllm.core.request.request import Request
from mockllm.core.request.stored_responses import Memo
from mockllm.dialects.decoded_response import Heard
from mockllm.dialects.dialect import Stamp
from mockllm.dialects.neutral_request import Asked, Wish
from mockllm.dialects.openai.chat.body import (
    answered,
    body,
    one_call,
    sayable,
)
from mockllm.dialects.openai.chat.check import check, unreadable
from mockllm.dialects.openai.chat.decoder import hear
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.chat.request_builder import compose
from mockllm.dialects.openai.chat.store_update import memo
from mockllm.dialects.openai.chat.stream import ChatEncoder
from mockllm.dialects.openai.errors import error_plan
from mockllm.dialects.openai.headers import STREAM_HEAD, WHOLE_HEAD, head

SHAPING: Final = frozenset(
    {
        "stream_options",
        "service_tier",
        "tools",
        "tool_choice",
        "functions",
        "function_call",
        "logprobs",
    }
)
"""The fields of a request that change how a given reply is written."""


class Chat:
    """POST /v1/chat/completions."""

    name = "openai"
    api = "chat"
    generates = True
    unsaid = frozenset({"images"})
    request = ChatRequest

    check = staticmethod(check)

    def unreadable(self, request: Request) -> Failure | None:
        return unreadable(request)

    def error(self, failure: Failure, request: Request, stamp: Stamp) -> Plan:
        return error_plan(failure, request, stamp)

    def sayable(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, ChatRequest)
        return one_call(sayable(reply)) if request.legacy else sayable(reply)

    def whole(self, reply: Reply, request: Request, stamp: Stamp) -> Plan:
        assert isinstance(request, ChatRequest)
        said = pretty(body(reply, answered(reply, request, stamp))) + b"\n"
        return Plan(head(200, WHOLE_HEAD, stamp), (Data(said, 0, "body"),))

    def stream(self, reply: Reply, request: Request, stamp: Stamp) -> Plan:
        assert isinstance(request, ChatRequest)
        steps = tuple(encode(ChatEncoder(reply, request, stamp)))
        return Plan(head(200, STREAM_HEAD, stamp), steps, Framing.SSE)

    def variant(self, request: Request) -> Hashable:
        assert isinstance(request, ChatRequest)
        if SHAPING.isdisjoint(request.fields):
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

    def memo(self, plan: Plan, request: Request) -> Memo | None:
        assert isinstance(request, ChatRequest)
        return memo(plan, request)

    def compose(self, wish: Wish) -> Asked:
        return compose(wish)

    def heard(self, plan: Plan) -> Heard | None:
        return hear(plan)
