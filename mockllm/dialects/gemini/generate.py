"""generateContent and streamGenerateContent: a reply as one object, or as chunks that are one object each.

A stream is server-sent events or, by default, one JSON array. An error inside a stream of events is sent after them
without framing.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.encoder import encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.gemini.candidates import (
    GeminiResponseFields,
    is_shown,
    supported_reply,
    visible_output_tokens,
)
from mockllm.dialects.gemini.decoder import decode
from mockllm.dialects.gemini.encoder import GENERATE_LAYOUT, GenerateEncoder
from mockllm.dialects.gemini.errors import BLOCKED
from mockllm.dialects.gemini.generate_check import GeminiDialect, check
from mockllm.dialects.gemini.generate_request import GenerateRequest
from mockllm.dialects.gemini.media_output import image_size, with_modalities
from mockllm.dialects.gemini.model_check import check_model
from mockllm.dialects.gemini.prompt_cache import PROMPT_FORM
from mockllm.dialects.gemini.request_builder import build_request
from mockllm.dialects.gemini.wire_format import JSON, STREAM, TIER, indented
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest


class Generate(GeminiDialect):
    """The dialect of both calls that generate. `base`: the path before `/models/` of the requests that it builds."""

    api: str = "generate"
    generates: bool = True
    request_class: type[Request] = GenerateRequest
    prompt_form = PROMPT_FORM
    capabilities = ProtocolCapabilities(
        media=frozenset({"audio", "video"}),
        chunked_calls=False,
        tool_call_ids=False,
        invalid_arguments=False,
        cache_write=False,
        framings=frozenset({Framing.SSE_CRLF, Framing.JSON_ARRAY}),
    )

    def __init__(self, base: str) -> None:
        self._base = base

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, GenerateRequest)
        return check(request) or check_model(request)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, GenerateRequest)
        usage, cached = reply.usage, request.cached_tokens
        if cached and not usage.cache_read:
            if type(usage.input) is int:  # and no placeholder: a scenario may state fewer tokens
                cached = min(cached, usage.input)
            reply = reply.with_usage(replace(usage, cache_read=cached))
        if request.modalities and reply.failure is None:
            size = image_size(request.aspect_ratio)
            reply = with_modalities(reply, request.modalities, size, request.user or "")
        return supported_reply(reply, omit_thinking=request.omits_thinking)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, GenerateRequest)
        fields = GeminiResponseFields(reply, request, identity)
        counted = reply.usage
        tokens = visible_output_tokens(counted)
        candidates = []
        for number, choice in enumerate(reply.choices):
            signature = fields.signature(choice, number)
            parts: list[Json] = [
                fields.part(part, number, index, signature)
                for index, part in enumerate(choice.parts)
                if is_shown(part)
            ]
            called, logprobs = any(map(is_shown, choice.tool_calls)), fields.body_logprobs(choice)
            candidates.append(fields.candidate(number, parts, choice, called=called, logprobs=logprobs))
        body = fields.response(candidates, fields.usage(tokens, counted.reasoning, counted.stated))
        head = ResponseHead(200, JSON if request.vertex else JSON + TIER)
        return Plan(head, (EventStep(indented(body) + b"\n", 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, GenerateRequest)
        steps = tuple(encode(GenerateEncoder(reply, request, identity)))
        if not request.sse:
            return Plan(ResponseHead(200, JSON), steps, Framing.JSON_ARRAY)
        if reply.failure is not None and reply.failure.type not in BLOCKED:
            last = steps[-1]
            assert isinstance(last, EventStep)
            steps = (*steps[:-1], RawStep(last.payload + b"\n", last.chunk_number))  # without framing
        return Plan(ResponseHead(200, STREAM), steps, Framing.SSE_CRLF)

    def event_layout(self, request: Request) -> EventLayout:
        return GENERATE_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, GenerateRequest)
        media = (*request.modalities, str(request.aspect_ratio), request.user) if request.modalities else None
        return (
            request.vertex,
            request.sse,
            request.numbered,
            request.omits_thinking,
            request.cached_tokens,
            request.logprobs,
            request.media,
            request.offers_functions,
            value_or_digest(media),
            None if request.retrieved_contexts is None else request.retrieved_contexts.key,
        )

    def build_request(self, request: NeutralRequest) -> WireRequest:
        return build_request(request, self._base)

    decode = staticmethod(decode)


GENERATE: Final = Generate("/v1beta")
VERTEX_GENERATE: Final = Generate("/v1beta1/projects/mockllm/locations/global/publishers/google")
