"""POST /model/{model}/converse and /converse-stream: a reply as one message, or as the events of a binary stream.

Members and events are those of botocore's service model `bedrock-runtime/2023-09-30/service-2.json`
(`ConverseResponse`, `ConverseStreamOutput`); their order is that of recordings.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, JSONDecodeError, dumps, loads
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.event_stream import filler
from mockllm.core.rendering.plan import Framing, Headers, Kind, Plan, ResponseHead
from mockllm.core.rendering.stream_form import StreamForm
from mockllm.core.reply.citations import full_text, segments
from mockllm.core.reply.reply import (
    Call,
    Choice,
    Citation,
    Finish,
    Media,
    NativePart,
    Part,
    Reply,
    Text,
    Thinking,
    Usage,
    joined_text,
)
from mockllm.core.request.request import Request
from mockllm.dialects.bedrock.converse_check import check, check_readable
from mockllm.dialects.bedrock.converse_decoder import decode
from mockllm.dialects.bedrock.converse_request import ConverseRequest, build_request
from mockllm.dialects.bedrock.errors import LATENCY, error_plan, exception, json_plan, request_headers
from mockllm.dialects.bedrock.prompt_cache import CONVERSE_PROMPT
from mockllm.dialects.bedrock.stream_forms import CONVERSE_FORM
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest

DIALECT: Final = "bedrock"
EVENT_STREAM: Final[Headers] = (("content-type", "application/vnd.amazon.eventstream"),)
STOP: Final[Mapping[Finish, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
    "refusal": "end_turn",
}
"""The stop reasons. Converse has none for a refusal, which is a text."""
_METADATA_EXTRAS: Final = frozenset({"performanceConfig", "serviceTier", "trace"})
_REDACTED: Final = 64
"""Characters of redacted thinking that the scenario does not specify."""


def supported_reply(reply: Reply) -> Reply:
    """Return the reply as Converse shows it: its first choice, without images and other dialects' native blocks. A
    text with citations is split into segments with one set of sources each."""
    choice = reply.choices[0] if reply.choices else Choice(())
    parts = tuple(shown for part in choice.parts for shown in _shown_parts(part))
    if parts == choice.parts and len(reply.choices) == 1:
        return reply
    return replace(reply, choices=(replace(choice, parts=parts),))


def _shown_parts(part: Part) -> tuple[Part, ...]:
    match part:
        case Media():
            return ()
        case NativePart(dialect=dialect, block=block) if dialect != DIALECT or type(block) is not dict:
            return ()
        case Text(citations=citations) if citations:
            return segments(part)
        case Thinking(redacted=True) if part.chunks:
            return (replace(part, chunks=()),)
    return (part,)


def is_claude(request: Request) -> bool:
    """Return whether the model is a Claude, whose responses always count caches and name the type of a call."""
    return "claude" in (request.model or "")


def stop_reason(choice: Choice) -> str:
    """Return the stop reason in this protocol's words."""
    reason = choice.finish_word(STOP)
    return "stop_sequence" if reason == "end_turn" and choice.stopped_by is not None else reason


def usage(counted: Usage, extras: Mapping[str, Json], *, claude: bool) -> dict[str, Json]:
    """Return the usage: `inputTokens` excludes the tokens read from or written to a cache, the total includes
    them."""
    result: dict[str, Json] = {}
    if counted.cache_write:
        short, long = counted.cache_write - counted.cache_write_long, counted.cache_write_long
        details = (("1h", long), ("5m", short))
        result["cacheDetails"] = [{"inputTokens": count, "ttl": ttl} for ttl, count in details if count]
    if claude or counted.cached_read or counted.cache_write:
        for name, count in (("Read", counted.cached_read), ("Write", counted.cache_write)):
            result[f"cache{name}InputTokenCount"] = result[f"cache{name}InputTokens"] = count
    result["inputTokens"] = max(counted.input - counted.cached_read - counted.cache_write, 0)
    result |= {"outputTokens": counted.output, "serverToolUsage": {}, "totalTokens": counted.total}
    own = extras.get("usage")
    return merged_json(result, own) if isinstance(own, dict) else result


def _citation(source: Citation, text: Text) -> Json:
    """Return a source of a text; one without a quote quotes the text."""
    domain = source.url.partition("://")[2].partition("/")[0]
    return {
        "location": {"web": {"domain": domain, "url": source.url}},
        "source": source.url,
        "sourceContent": [{"text": source.quote or full_text(text)}],
        "title": source.title or source.url,
    }


def _call_id(call: Call, index: int, identity: ResponseIdentity) -> str:
    return call.id or identity.ids.make("tooluse_", 22, str(index))


def _signature(part: Thinking, index: int, identity: ResponseIdentity, *, claude: bool) -> str | None:
    """Return the signature that a scenario sets, else one where the model is a Claude: others sign nothing."""
    if part.signature is None and claude:
        return identity.ids.make("ErUB", 60, f"thinking.{index}")
    return part.signature


def _redacted(part: Thinking, index: int, identity: ResponseIdentity) -> Json:
    return {"redactedContent": part.signature or identity.ids.make("", _REDACTED, f"thinking.{index}")}


def _block(part: Part, index: int, identity: ResponseIdentity, *, claude: bool) -> Json:
    """Return a complete block."""
    match part:
        case NativePart(block=block):
            return block
        case Call(name=name, chunks=chunks):
            call = {
                "input": _arguments(joined_text(chunks)),
                "name": name,
                "toolUseId": _call_id(part, index, identity),
            }
            return {"toolUse": {**call, "type": "tool_use"} if claude else call}
        case Thinking(redacted=True):
            return {"reasoningContent": _redacted(part, index, identity)}
        case Thinking(chunks=chunks):
            signature = _signature(part, index, identity, claude=claude)
            thinking = {} if signature is None else {"signature": signature}
            return {"reasoningContent": {"reasoningText": {**thinking, "text": joined_text(chunks)}}}
        case Text(citations=citations) if citations:
            sources = [_citation(citation, part) for citation in citations]
            return {"citationsContent": {"citations": sources, "content": [{"text": full_text(part)}]}}
        case Text():
            return {"text": full_text(part)}
    return {"text": joined_text(part.chunks)}


def _arguments(text: str) -> Json:
    """Return a call's arguments as JSON. An empty text is no arguments; deliberately invalid JSON stays text."""
    if not text.strip():
        return {}
    try:
        return loads(text)
    except JSONDecodeError:
        return text


class ConverseEncoder(Encoder):
    """The events of one message. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: Request, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self.request, self.identity = request, identity
        self.extras = reply.extras.get(DIALECT, {})
        self.claude = is_claude(request)
        self.sent = 0

    def _event(self, name: str, fields: Mapping[str, Json]) -> Event:
        """Return an event with the member `p`; members are in alphabetical order, as in recordings."""
        self.sent += 1
        return dumps(dict(sorted({**fields, "p": filler(self.sent * 37)}.items()))), name

    def _delta(self, at: EncoderPosition, delta: Json) -> Event:
        return self._event("contentBlockDelta", {"contentBlockIndex": at.index, "delta": delta})

    def start(self) -> Iterable[Event]:
        return (self._event("messageStart", {"role": "assistant"}),)

    def open(self, at: EncoderPosition) -> Iterable[Event]:
        """Only a call has an event that opens its block."""
        part = at.part
        if isinstance(part, Call):
            start = {"toolUse": {"name": part.name, "toolUseId": _call_id(part, at.index, self.identity)}}
            yield self._event("contentBlockStart", {"contentBlockIndex": at.index, "start": start})
        elif isinstance(part, NativePart):
            yield self._delta(at, part.block)
            yield self._event("contentBlockStop", {"contentBlockIndex": at.index})

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        match at.part:
            case Call():
                delta: Json = {"toolUse": {"input": chunk}}
            case Thinking():
                delta = {"reasoningContent": {"text": chunk}}
            case _:
                delta = {"text": chunk}
        return (self._delta(at, delta),)

    def close(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        match part:
            case Call(chunks=chunks) if not any(type(chunk) is str for chunk in chunks):
                yield self._delta(at, {"toolUse": {"input": ""}})
            case Thinking(redacted=True):
                yield self._delta(at, {"reasoningContent": _redacted(part, at.index, self.identity)})
            case Thinking():
                signature = _signature(part, at.index, self.identity, claude=self.claude)
                if signature is not None:
                    yield self._delta(at, {"reasoningContent": {"signature": signature}})
            case Text(citations=citations):
                for citation in citations:
                    yield self._delta(at, {"citation": _citation(citation, part)})
        yield self._event("contentBlockStop", {"contentBlockIndex": at.index})

    def finish(self) -> Iterable[tuple[Kind, Event]]:
        ended: dict[str, Json] = {"stopReason": stop_reason(self.reply.choices[0])}
        own = {name: value for name, value in self.extras.items() if name in _METADATA_EXTRAS}
        ended |= {name: value for name, value in self.extras.items() if name not in {*own, "usage"}}
        yield "finish", self._event("messageStop", ended)
        counted = usage(self.reply.usage, self.extras, claude=self.claude)
        last = {"metrics": {"latencyMs": LATENCY}, "usage": counted, **own}
        yield "usage", self._event("metadata", self.reply.usage.put_into(last, "usage"))

    def fail(self, failure: Failure) -> Iterable[Event]:
        return (exception(failure, self.request, times_out=False),)


class Converse:
    """The dialect of both calls."""

    name: str = DIALECT
    api: str = "converse"
    generates: bool = True
    request: type[Request] = ConverseRequest
    prompt_form = CONVERSE_PROMPT
    capabilities = ProtocolCapabilities(
        choices=False,
        json_object=False,
        unsupported_parts=frozenset({"images"}),
        refusal=False,
        reasoning=False,
        framings=frozenset({Framing.EVENT_STREAM}),
    )

    def check(self, request: Request) -> Failure | None:
        return check(request)

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return error_plan(failure, request, identity)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        return supported_reply(reply)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        choice, extras = reply.choices[0], reply.extras.get(DIALECT, {})
        claude = is_claude(request)
        content = [_block(part, index, identity, claude=claude) for index, part in enumerate(choice.parts)]
        body: dict[str, Json] = {
            "metrics": {"latencyMs": LATENCY},
            "output": {"message": {"content": content, "role": "assistant"}},
            "stopReason": stop_reason(choice),
            "usage": usage(reply.usage, extras, claude=claude),
        }
        body = merged_json(body, {name: value for name, value in extras.items() if name != "usage"})
        return json_plan(reply.usage.put_into(body, "usage"), identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        steps = tuple(encode(ConverseEncoder(reply, request, identity)))
        return Plan(ResponseHead(200, EVENT_STREAM + request_headers(identity)), steps, Framing.EVENT_STREAM)

    def stream_form(self, request: Request) -> StreamForm:
        return CONVERSE_FORM

    def variant(self, request: Request) -> Hashable:
        return None

    def build_request(self, request: NeutralRequest) -> WireRequest:
        return build_request(request)

    def decode(self, plan: Plan) -> DecodedResponse | None:
        return decode(plan)
