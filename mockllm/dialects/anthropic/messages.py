"""POST /v1/messages: a reply as this provider's events, or as one message; POST /v1/messages/count_tokens.

The order of events is that of real streams: one ping, after the first block opens.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import EventStep, Framing, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.anthropic.content_blocks import (
    container_and_edits,
    final_usage,
    full_block,
    message,
    stop_fields,
    supported_reply,
)
from mockllm.dialects.anthropic.decoder import decode
from mockllm.dialects.anthropic.encoder import MESSAGES_LAYOUT, MessagesEncoder, extra_counts, family_for
from mockllm.dialects.anthropic.errors import DIALECT, error_plan
from mockllm.dialects.anthropic.headers import JSON_TYPE, STREAM_TYPE, head_without_limits, success
from mockllm.dialects.anthropic.messages_check import check, check_counted, check_readable
from mockllm.dialects.anthropic.messages_request import (
    AnthropicCountRequest,
    MessagesRequest,
    build_request,
)
from mockllm.dialects.anthropic.prompt_form import PROMPT_FORM
from mockllm.dialects.anthropic.server_tools import SUPPORTED
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity


class Messages:
    """The dialect of POST /v1/messages."""

    name: str = DIALECT
    api: str = "messages"
    generates: bool = True
    request_class: type[Request] = MessagesRequest
    has_inference_geo: bool = True
    """Whether the usage names the place of the inference, as on Anthropic's own platform alone."""
    prompt_form = PROMPT_FORM
    capabilities = ProtocolCapabilities(
        refusal_ends=True,
        choices=False,
        redacted_thinking=True,
        json_object=False,
        closed_schemas=True,
        unsupported_parts=frozenset({"images"}),
        server_tools=SUPPORTED,
    )

    check = staticmethod(check)
    check_readable = staticmethod(check_readable)
    error = staticmethod(error_plan)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, MessagesRequest)
        return supported_reply(reply, request)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, MessagesRequest)
        supported = self.supported_reply(reply, request)
        family = family_for(supported, request, has_inference_geo=self.has_inference_geo)
        choice, extras = supported.choices[0], supported.extras.get(DIALECT, {})
        body = message(supported, request.model, identity, family)
        body["content"] = [
            full_block(part, index, identity, family, request.toolset_by_tool)
            for index, part in enumerate(choice.parts)
        ]
        body.update(stop_fields(choice, family))
        body["usage"] = final_usage(supported, family)
        body |= container_and_edits(supported, request, identity)
        body = merged_json(body, {**extras, "usage": extra_counts(extras)})
        supported.usage.null_or_remove_usage(body, "usage")
        return Plan(success((JSON_TYPE,), identity), (EventStep(dumps(body), 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, MessagesRequest)
        supported = self.supported_reply(reply, request)
        steps = tuple(
            encode(MessagesEncoder(supported, request, identity, has_inference_geo=self.has_inference_geo))
        )
        return Plan(success(STREAM_TYPE, identity), steps, Framing.SSE)

    def event_layout(self, request: Request) -> EventLayout:
        return MESSAGES_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, MessagesRequest)
        found = request.citable_documents
        documents = value_or_digest(tuple([document.key for document in found])) if found else ()
        return request.encoding_options, request.container_options, documents

    build_request = staticmethod(build_request)
    decode = staticmethod(decode)


MESSAGES: Final = Messages()


class AnthropicCountTokens:
    """The dialect of POST /v1/messages/count_tokens, with the same estimate as a message's usage."""

    name: str = DIALECT
    api: str = "count_tokens"
    generates: bool = False
    request_class: type[Request] = AnthropicCountRequest

    check = staticmethod(check_counted)
    check_readable = staticmethod(check_readable)
    error = staticmethod(error_plan)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        """Return the count. A request with context management gets the count before its edits, too."""
        body: dict[str, Json] = {"input_tokens": request.input_tokens}
        if request.fields.get("context_management") is not None:
            assert isinstance(request, AnthropicCountRequest)
            body["context_management"] = {"original_input_tokens": request.unedited_tokens}
        return Plan(head_without_limits((JSON_TYPE,), identity), (EventStep(dumps(body), 0, "body"),))
