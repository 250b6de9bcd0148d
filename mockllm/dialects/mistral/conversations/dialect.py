"""POST /v1/conversations, …/{id} and …/{id}/restart: a Reply as the outputs of a response, streamed or whole.

The server stores the conversation with its entries, unless the client declines. A stream without its end stores
nothing: its client received no response.
"""

from __future__ import annotations

from collections.abc import Hashable

from mockllm.core.failure import Failure
from mockllm.core.json.codec import dumps
from mockllm.core.json.typed_values import objects, text_of
from mockllm.core.rendering.encoder import encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import EventStep, Framing, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.core.request.request_keys import conversation
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.mistral.agents.agent import format_time
from mockllm.dialects.mistral.conversations import checks
from mockllm.dialects.mistral.conversations.conversation import (
    PREFIX,
    conversation_object,
    new_conversation,
    stored_conversation,
    with_entries,
)
from mockllm.dialects.mistral.conversations.decoder import decode
from mockllm.dialects.mistral.conversations.encoder import ConversationEncoder
from mockllm.dialects.mistral.conversations.event_layout import CONVERSATION_LAYOUT
from mockllm.dialects.mistral.conversations.outputs import EXECUTIONS, ConversationFields, supported_reply
from mockllm.dialects.mistral.conversations.request import (
    API,
    AppendRequest,
    MistralConversationRequest,
    RestartRequest,
)
from mockllm.dialects.mistral.conversations.sent_response import sent_response
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.openai.calls import OpenAiCall
from mockllm.dialects.vendors.errors import VendorCall, head


class StartConversation(VendorCall, OpenAiCall):
    """POST /v1/conversations, and the base of the calls that continue and restart a conversation."""

    api = API
    generates = True
    request_class: type[Request] = MistralConversationRequest
    capabilities = ProtocolCapabilities(
        choices=False,
        refusal=False,
        cache_read=False,
        cache_write=False,
        reasoning=False,
        server_tools=frozenset(EXECUTIONS),
        unsupported_parts=frozenset({"citations", "images"}),
    )

    def check(self, request: Request) -> Failure | None:
        return checks.check_start(request)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return supported_reply(reply)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, MistralConversationRequest)
        body = ConversationFields(supported_reply(reply), request, identity, self.vendor).body()
        return Plan(head(self.vendor, identity, self.vendor.media), (EventStep(dumps(body), 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, MistralConversationRequest)
        encoder = ConversationEncoder(supported_reply(reply), request, identity, self.vendor)
        stream_head = head(self.vendor, identity, self.vendor.form.media)
        return Plan(stream_head, tuple(encode(encoder)), Framing.SSE)

    def event_layout(self, request: Request) -> EventLayout:
        return CONVERSATION_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, MistralConversationRequest)
        return value_or_digest(request.continued_id), value_or_digest(request.agent_id)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        model, stream = request.model or self.vendor.model, bool(request.stream)
        body = {"model": model, "inputs": request.user, "stream": stream}
        return WireRequest(self.vendor.path("/conversations"), request.headers(), body)

    decode = staticmethod(decode)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, MistralConversationRequest)
        sent = sent_response(plan) if plan.head.status == 200 and request.may_be_stored else {}
        id = text_of(sent.get("conversation_id")) or ""
        if not id.startswith(PREFIX):
            return None
        time = format_time(request.now)
        before = self.before(id, request, time)
        if before is None:
            return None
        stored = with_entries(before, [*request.inputs, *objects(sent.get("outputs"))], time)
        return StorageUpdate((stored.id,), stored, is_optional=True)

    def before(self, id: str, request: MistralConversationRequest, time: str) -> StoredObject | None:
        """Return the conversation to which the entries of the request and of its response are added. It is read here,
        since other requests change it while this one is served. None where one has deleted it."""
        if request.continued_id is not None:
            stored = stored_conversation(request.continued_id, request.object_lookup)
            if stored is not None or request.conversation is not None:
                return stored
        shown = conversation_object(id, request.begun_with, request.model, time)
        begun = new_conversation(shown, request.begun_with, conversation(request))
        return with_entries(begun, request.earlier, time)


class AppendToConversation(StartConversation):
    """POST /v1/conversations/{id}."""

    request_class = AppendRequest

    def check(self, request: Request) -> Failure | None:
        return checks.check_append(request)


class RestartConversation(StartConversation):
    """POST /v1/conversations/{id}/restart."""

    request_class = RestartRequest

    def check(self, request: Request) -> Failure | None:
        return checks.check_restart(request)
