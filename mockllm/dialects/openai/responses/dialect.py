"""POST /v1/responses: a Reply as one response object, or as the events that build it.

Each part is one output item, and closes before the next one opens. Ids are made once per response and appear
in every event, because clients assemble the stream by them.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.encoder import encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.plan import Framing, Plan
from mockllm.core.rendering.stored_parts import StoredParts
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate
from mockllm.core.request.typed_memo import MemoKey
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.openai.event_layouts import RESPONSES_LAYOUT
from mockllm.dialects.openai.headers import BODY_HEADERS, STREAM_HEADERS, body_plan, head
from mockllm.dialects.openai.moderated import moderation_key
from mockllm.dialects.openai.request_builder import build_responses
from mockllm.dialects.openai.responses.background import in_background
from mockllm.dialects.openai.responses.check import check
from mockllm.dialects.openai.responses.decoder import decode
from mockllm.dialects.openai.responses.encoder import ResponsesEncoder
from mockllm.dialects.openai.responses.errors import ResponsesCall
from mockllm.dialects.openai.responses.items import (
    output,
    supported_reply,
)
from mockllm.dialects.openai.responses.object import ResponseObjectFields, incomplete_reason, usage
from mockllm.dialects.openai.responses.prompt_form import PROMPT_FORM
from mockllm.dialects.openai.responses.request import COMPACTION_TRIGGER, ResponsesRequest
from mockllm.dialects.openai.responses.server_tools import ITEMS
from mockllm.dialects.openai.responses.stored_calls import storage_update, stored_parts, update_of

_ECHOED: Final = MemoKey[Hashable]()
PAYER: Final = {"payer": "developer"}
"""The payer of the request, which only non-streaming responses contain."""
UNECHOED_FIELDS: Final = frozenset({"model", "input", "stream"})
"""The request fields that do not change the encoding of a reply; the response echoes nearly all others."""


def _echoed(fields: dict[str, Json]) -> bytes | None:
    """Return the request fields that change the encoding of a reply, each as the response echoes it."""
    if UNECHOED_FIELDS.issuperset(fields):
        return None
    return dumps({name: fields[name] for name in sorted(fields) if name not in UNECHOED_FIELDS})


class Responses(ResponsesCall):
    """POST /v1/responses."""

    api = "responses"
    generates = True
    request_class = ResponsesRequest
    prompt_form = PROMPT_FORM
    capabilities = ProtocolCapabilities(
        stop=False, choices=False, redacted_thinking=True, tool_call_ids=False, server_tools=frozenset(ITEMS)
    )

    check = staticmethod(check)
    build_request = staticmethod(build_responses)
    decode = staticmethod(decode)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, ResponsesRequest)
        return supported_reply(reply, request)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, ResponsesRequest)
        supported = supported_reply(reply, request)
        choice = supported.choices[0]
        fields = ResponseObjectFields(supported, request, identity)
        fields.echo = {
            "background": fields.echo["background"],
            "billing": PAYER,
            **fields.echo,
        }
        reason = incomplete_reason(choice)
        status = "completed" if reason is None else "incomplete"
        counted = usage(supported.usage)
        response = fields.response(status, output(choice, fields), counted, reason=reason)
        return body_plan(
            supported.usage.null_or_remove_usage(response, "usage"), identity, BODY_HEADERS, end=b""
        )

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, ResponsesRequest)
        steps = tuple(encode(ResponsesEncoder(supported_reply(reply, request), request, identity)))
        return Plan(head(200, STREAM_HEADERS, identity), steps, Framing.SSE)

    def in_background(
        self, stream: Plan, pace: Pacing, request: Request, identity: ResponseIdentity, *, streamed: bool
    ) -> Plan:
        return in_background(stream, pace, identity, streamed=streamed)

    def event_layout(self, request: Request) -> EventLayout:
        return RESPONSES_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, ResponsesRequest)
        echoed = request.cached_by_remaining_members(
            _ECHOED, lambda: value_or_digest(_echoed(request.fields))
        )
        key = (echoed, moderation_key(request)) if "moderation" in request.fields else echoed
        if request.file_search is not None:
            key = (key, request.file_search.key)
        key = (key, value_or_digest(dumps(request.tool_items))) if request.tool_items else key
        return (key, COMPACTION_TRIGGER) if request.compacts else key

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        assert isinstance(request, ResponsesRequest)
        return storage_update(plan, request)

    def stored_parts(self, plan: Plan) -> StoredParts | None:
        return stored_parts(plan)

    def update_of(self, parts: StoredParts, request: Request) -> StorageUpdate | None:
        assert isinstance(request, ResponsesRequest)
        return update_of(parts, request)


RESPONSES: Final = Responses()
