"""generateContent and streamGenerateContent: a reply as one object, or as chunks that each are one.

A stream is server-sent events or, where nothing is said, one JSON array. An error inside a stream of events
stands behind them bare.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.plan import EventStep, Framing, Plan, RawStep, ResponseHead, Step
from mockllm.core.reply.reply import Call, Choice, NativePart, Reply, Thinking, joined_text
from mockllm.core.request.request import Request
from mockllm.dialects.capabilities import Capabilities
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.gemini.candidates import (
    DIALECT,
    Block,
    is_said,
    response_fields,
    said_tokens,
    supported_reply,
)
from mockllm.dialects.gemini.decoder import decode
from mockllm.dialects.gemini.errors import BLOCKED, error_object, error_plan
from mockllm.dialects.gemini.generate_check import check, check_readable
from mockllm.dialects.gemini.generate_request import GenerateRequest
from mockllm.dialects.gemini.headers import JSON, STREAM, TIER
from mockllm.dialects.gemini.json_format import line, page
from mockllm.dialects.gemini.request_builder import build_request
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest


class GenerateEncoder(Encoder):
    """The chunks of a stream. `reply` is what `sayable` left of the answer."""

    def __init__(self, reply: Reply, request: GenerateRequest, stamp: ResponseIdentity) -> None:
        super().__init__(reply)
        self.request, self.stamp = request, stamp
        self.facts = response_fields(reply, request, stamp)
        self.write = line if request.sse else page
        self.seals = [
            self.facts.seal(choice, number, reply.usage) for number, choice in enumerate(reply.choices)
        ]
        self.left = [_chunks(choice) for choice in reply.choices]
        """How many chunks each choice has still to say."""
        self.unended = len(reply.choices)
        self.characters = sum(_characters(choice) for choice in reply.choices)
        self.so_far = 0
        """Of the characters, without thoughts."""

    def open(self, at: EncoderPosition) -> Iterable[Event]:
        return (self._said(at, None),) if isinstance(at.part, NativePart) else ()

    def say(self, at: EncoderPosition, piece: str) -> Iterable[Event]:
        return (self._said(at, piece),)

    def end(self, choice: int) -> Iterable[Event]:
        """The finish reason, where the last chunk that said something did not tell it."""
        said = self.reply.choices[choice]
        if self.left[choice] < 0:
            return ()
        parts: list[Json] = []
        if said.parts and said.flagged is None:
            parts.append({"text": ""})
            seal = self.seals[choice]
            if seal is not None and not (seal.at is not None and type(said.parts[seal.at]) is Call):
                parts[0]["thoughtSignature"] = seal.text
        return (self._chunk(self.facts.candidate(choice, parts, said), ends=True),)

    def fail(self, failure: Failure) -> Iterable[Event]:
        if failure.type in BLOCKED:
            return (self._chunk(self.facts.candidate(0, [], Choice((), "content_filter")), ends=True),)
        return ((page(error_object(failure, self.request)), None),)

    def _said(self, at: EncoderPosition, piece: str | None) -> Event:
        """A chunk of one part; the last of its choice tells the finish reason in most families."""
        facts, part, choice = self.facts, at.part, self.reply.choices[at.choice]
        self.left[at.choice] -= 1
        ends = not self.left[at.choice] and not facts.family.ends_alone and self.reply.ends
        if ends:
            self.left[at.choice] = -1
        if piece is not None and type(part) is not Thinking:
            self.so_far += len(piece)
        seal = self.seals[at.choice] if ends or type(part) is Call else None
        blocks = [facts.part(part, at.choice, at.index, seal, piece)] if is_said(part) else []
        ended, called = (choice, type(part) is Call) if ends else (None, False)
        return self._chunk(facts.candidate(at.choice, blocks, ended, called=called), ends=ends)

    def _chunk(self, candidate: Block, *, ends: bool) -> Event:
        self.unended -= ends
        counted = self.reply.usage
        said = said_tokens(counted)
        if not self.unended:
            usage = self.facts.usage(counted, said, counted.reasoning)
        elif self.so_far:
            usage = self.facts.early(
                counted, max(said * self.so_far // self.characters, min(said, 1)), counted.reasoning
            )
        else:
            usage = self.facts.early(counted, 0, 0)
        return self.write(self.facts.answer([candidate], usage)), None


def _chunks(choice: Choice) -> int:
    return sum(
        1 if isinstance(part, NativePart) else sum(type(piece) is str for piece in part.chunks)
        for part in choice.parts
    )


def _characters(choice: Choice) -> int:
    return sum(
        len(joined_text(part.chunks)) for part in choice.parts if not isinstance(part, NativePart | Thinking)
    )


class Generate:
    """The dialect object of both calls. `base` is what its own requests have before `/models/`."""

    name: str = DIALECT
    api: str = "generate"
    generates: bool = True
    request: type[Request] = GenerateRequest
    capabilities = Capabilities(
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

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, GenerateRequest)
        return supported_reply(reply, omit_thinking=request.omits_thinking)

    def encode_body(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        assert isinstance(request, GenerateRequest)
        facts = response_fields(reply, request, stamp)
        counted = reply.usage
        tokens = said_tokens(counted)
        candidates = []
        for number, choice in enumerate(reply.choices):
            seal = facts.seal(choice, number, counted)
            parts: list[Json] = [
                facts.part(part, number, index, seal)
                for index, part in enumerate(choice.parts)
                if is_said(part)
            ]
            called, logprobs = any(map(is_said, choice.calls)), facts.family.logprobs and tokens > 0
            candidates.append(facts.candidate(number, parts, choice, called=called, logprobs=logprobs))
        body = facts.answer(candidates, facts.usage(counted, tokens, counted.reasoning))
        head = ResponseHead(200, JSON if request.vertex else JSON + TIER)
        return Plan(head, (EventStep(page(body) + b"\n", 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, stamp: ResponseIdentity) -> Plan:
        assert isinstance(request, GenerateRequest)
        steps = tuple(encode(GenerateEncoder(reply, request, stamp)))
        if not request.sse:
            return Plan(ResponseHead(200, JSON), steps, Framing.JSON_ARRAY)
        if reply.broken is not None and reply.broken.type not in BLOCKED:
            steps = (*steps[:-1], _bare(steps[-1]))
        return Plan(ResponseHead(200, STREAM), steps, Framing.SSE_CRLF)

    def variant(self, request: Request) -> Hashable:
        assert isinstance(request, GenerateRequest)
        return (request.vertex, request.sse, request.numbered, request.omits_thinking)

    def build_request(self, wish: NeutralRequest) -> WireRequest:
        return build_request(wish, self._base)

    def decode(self, plan: Plan) -> DecodedResponse | None:
        return decode(plan)


def _bare(step: Step) -> RawStep:
    """An error inside a stream of events, which is none of them."""
    assert isinstance(step, EventStep)
    return RawStep(step.payload + b"\n", step.chunk_index)
