"""POST /v1/chat/completions: a reply as one body, or as a stream. The bytes that all events of a stream share
are rendered once for each response."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from mockllm.core.rendering.encoder import encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import Framing, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.openai.chat.check import check
from mockllm.dialects.openai.chat.decoder import decode
from mockllm.dialects.openai.chat.encoder import ChatEncoder
from mockllm.dialects.openai.chat.prompt_form import PROMPT_FORM
from mockllm.dialects.openai.chat.request import AUDIO, ChatRequest
from mockllm.dialects.openai.chat.response_body import (
    ChatResponseFields,
    body,
    supported_reply,
    with_one_tool_call,
)
from mockllm.dialects.openai.chat.stored_calls import storage_update
from mockllm.dialects.openai.event_layouts import CHAT_LAYOUT
from mockllm.dialects.openai.headers import BODY_HEADERS, STREAM_HEADERS, body_plan, head
from mockllm.dialects.openai.moderated import moderation_key
from mockllm.dialects.openai.request_builder import build_chat


class Chat(OpenAiCall):
    """POST /v1/chat/completions."""

    api = "chat"
    generates = True
    capabilities = ProtocolCapabilities(
        errors_in_chunks=True, unsupported_parts=frozenset({"images", "thinking"}), requested_media=AUDIO
    )
    request_class = ChatRequest
    prompt_form = PROMPT_FORM

    check = staticmethod(check)
    build_request = staticmethod(build_chat)
    decode = staticmethod(decode)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, ChatRequest)
        supported = supported_reply(reply, request)
        return with_one_tool_call(supported) if request.legacy else supported  # it has `functions`

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, ChatRequest)
        return body_plan(body(reply, ChatResponseFields(reply, request, identity)), identity, BODY_HEADERS)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, ChatRequest)
        steps = tuple(encode(ChatEncoder(reply, request, identity)))
        return Plan(head(200, STREAM_HEADERS, identity), steps, Framing.SSE)

    def event_layout(self, request: Request) -> EventLayout:
        """Return where the faults that move or remove members of events find these."""
        return CHAT_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, ChatRequest)
        options = request.encoding_options  # `moderation`: for its results beside the choices
        return (options, moderation_key(request)) if "moderation" in request.fields else options

    update_needs_no_state = True
    """The update follows from the plan and the request alone, so a thread may make it (`StoringDialect`)."""

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, ChatRequest)
        return storage_update(plan, request)


CHAT: Final = Chat()
