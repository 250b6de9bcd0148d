"""generateContent and streamGenerateContent: a reply as one object, or as chunks that are one object each.

A stream is server-sent events or, by default, one JSON array. An error inside a stream of events is sent after them
without framing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead
from mockllm.core.rendering.stream_form import StreamForm
from mockllm.core.reply.reply import Call, Choice, NativePart, Reply, Thinking, joined_text
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.gemini.candidates import (
    Block,
    GeminiResponseFields,
    is_shown,
    supported_reply,
    visible_output_tokens,
)
from mockllm.dialects.gemini.decoder import decode
from mockllm.dialects.gemini.errors import BLOCKED, error_object
from mockllm.dialects.gemini.generate_check import GeminiDialect, check
from mockllm.dialects.gemini.generate_request import GenerateRequest
from mockllm.dialects.gemini.media_output import with_modalities
from mockllm.dialects.gemini.prompt_cache import PROMPT_FORM
from mockllm.dialects.gemini.request_builder import build_request
from mockllm.dialects.gemini.stream_form import GENERATE_FORM
from mockllm.dialects.gemini.wire_format import JSON, STREAM, TIER, indented, one_line
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest


class GenerateEncoder(Encoder):
    """The chunks of a stream. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: GenerateRequest, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self.request, self.identity = request, identity
        self.fields = GeminiResponseFields(reply, request, identity)
        self.write = one_line if request.sse else indented
        self.signatures = [
            self.fields.signature(choice, number) for number, choice in enumerate(reply.choices)
        ]
        self.remaining = [_chunk_count(choice) for choice in reply.choices]
        """The number of chunks that each choice has still to send."""
        self.grounded = [
            self.fields.is_grounded(choice, number) for number, choice in enumerate(reply.choices)
        ]
        self.unended = len(reply.choices)
        self.characters = sum(_characters(choice) for choice in reply.choices)
        self.sent_characters = 0
        """The number of sent characters, without thoughts."""

    def open(self, at: EncoderPosition) -> Iterable[Event]:
        return (self._part_chunk(at, None),) if isinstance(at.part, NativePart) else ()

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        return (self._part_chunk(at, chunk),)

    def end(self, choice: int) -> Iterable[Event]:
        """Send the finish reason, where the last chunk with content did not contain it."""
        reply_choice = self.reply.choices[choice]
        if self.remaining[choice] < 0:
            return ()
        parts: list[Json] = []
        if reply_choice.parts and reply_choice.flagged is None:
            parts.append({"text": ""})
            signature = self.signatures[choice]
            if signature is not None and not (
                signature.at is not None and type(reply_choice.parts[signature.at]) is Call
            ):
                parts[0]["thoughtSignature"] = signature.text
        return (self._chunk(self.fields.candidate(choice, parts, reply_choice), ends=True),)

    def fail(self, failure: Failure) -> Iterable[Event]:
        if failure.type in BLOCKED:
            return (self._chunk(self.fields.candidate(0, [], Choice((), "content_filter")), ends=True),)
        return ((indented(error_object(failure, self.request)), None),)

    def _part_chunk(self, at: EncoderPosition, chunk: str | None) -> Event:
        """Return a chunk of one part; the last one of a choice contains the finish reason in most families."""
        fields, part, choice = self.fields, at.part, self.reply.choices[at.choice]
        self.remaining[at.choice] -= 1
        ends = not self.remaining[at.choice] and not fields.family.ends_alone and self.reply.ends
        if ends:
            self.remaining[at.choice] = -1
        if chunk is not None and type(part) is not Thinking:
            self.sent_characters += len(chunk)
        signature = self.signatures[at.choice] if ends or type(part) is Call else None
        blocks = [fields.part(part, at.choice, at.index, signature, chunk)] if is_shown(part) else []
        ended, called = (choice, type(part) is Call) if ends else (None, False)
        candidate = fields.candidate(at.choice, blocks, ended, called=called)
        if not ends and self.grounded[at.choice]:
            candidate["groundingMetadata"] = {}
        return self._chunk(candidate, ends=ends)

    def _chunk(self, candidate: Block, *, ends: bool) -> Event:
        self.unended -= ends
        counted = self.reply.usage
        output = visible_output_tokens(counted)
        if not self.unended:
            usage = self.fields.usage(output, counted.reasoning, counted.stated)
        elif self.sent_characters:
            shown = max(output * self.sent_characters // self.characters, min(output, 1))
            usage = self.fields.early_usage(shown, counted.reasoning)
        else:
            usage = self.fields.early_usage(0, 0)
        return self.write(self.fields.response([candidate], usage)), None


def _chunk_count(choice: Choice) -> int:
    return sum(
        1 if isinstance(part, NativePart) else sum(type(chunk) is str for chunk in part.chunks)
        for part in choice.parts
    )


def _characters(choice: Choice) -> int:
    return sum(
        len(joined_text(part.chunks)) for part in choice.parts if not isinstance(part, NativePart | Thinking)
    )


class Generate(GeminiDialect):
    """The dialect of both calls that generate. `base`: the path before `/models/` of the requests that it builds."""

    api: str = "generate"
    generates: bool = True
    request: type[Request] = GenerateRequest
    prompt_form = PROMPT_FORM
    capabilities = ProtocolCapabilities(
        media=frozenset({"audio", "video"}),
        chunked_calls=False,
        invalid_arguments=False,
        cache_write=False,
        framings=frozenset({Framing.SSE_CRLF, Framing.JSON_ARRAY}),
    )

    def __init__(self, base: str) -> None:
        self._base = base

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, GenerateRequest)
        return check(request)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, GenerateRequest)
        usage, cached = reply.usage, request.cached_tokens
        if cached and not usage.cached_read:
            if type(usage.input) is int:  # and no placeholder: a scenario may state fewer tokens
                cached = min(cached, usage.input)
            reply = reply.with_usage(replace(usage, cached_read=cached))
        if request.modalities and reply.broken is None:
            form = (request.modalities, request.aspect_ratio, request.user or "")
            reply = with_modalities(reply, *form)
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
            called, logprobs = any(map(is_shown, choice.calls)), fields.family.logprobs and tokens > 0
            candidates.append(fields.candidate(number, parts, choice, called=called, logprobs=logprobs))
        body = fields.response(candidates, fields.usage(tokens, counted.reasoning, counted.stated))
        head = ResponseHead(200, JSON if request.vertex else JSON + TIER)
        return Plan(head, (EventStep(indented(body) + b"\n", 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, GenerateRequest)
        steps = tuple(encode(GenerateEncoder(reply, request, identity)))
        if not request.sse:
            return Plan(ResponseHead(200, JSON), steps, Framing.JSON_ARRAY)
        if reply.broken is not None and reply.broken.type not in BLOCKED:
            last = steps[-1]
            assert isinstance(last, EventStep)
            steps = (*steps[:-1], RawStep(last.payload + b"\n", last.chunk_index))  # without framing
        return Plan(ResponseHead(200, STREAM), steps, Framing.SSE_CRLF)

    def stream_form(self, request: Request) -> StreamForm:
        return GENERATE_FORM

    def variant(self, request: Request) -> Hashable:
        assert isinstance(request, GenerateRequest)
        return (
            request.vertex,
            request.sse,
            request.numbered,
            request.omits_thinking,
            request.cached_tokens,
            (*request.modalities, str(request.aspect_ratio), request.user) if request.modalities else None,
        )

    def build_request(self, request: NeutralRequest) -> WireRequest:
        return build_request(request, self._base)

    def decode(self, plan: Plan) -> DecodedResponse | None:
        return decode(plan)
