"""Encodes replies as Bedrock's Converse: the body, and the events of ConverseStream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import arguments_json
from mockllm.core.rendering.aws_event_stream import filler
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event
from mockllm.core.rendering.plan import EventKind, Headers
from mockllm.core.reply.citations import full_text, segments
from mockllm.core.reply.reply import (
    Choice,
    Citation,
    Finish,
    Media,
    NativePart,
    Part,
    Reply,
    Text,
    Thinking,
    ToolCall,
    Usage,
    joined_text,
)
from mockllm.core.request.request import Request
from mockllm.dialects.bedrock.errors import LATENCY, exception
from mockllm.dialects.bedrock.usage_form import UsageForm, usage_form
from mockllm.dialects.dialect import ResponseIdentity

DIALECT: Final = "bedrock"
AWS_EVENT_STREAM: Final[Headers] = (("content-type", "application/vnd.amazon.eventstream"),)
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
    """Return the reply as Converse shows it: its first choice, without images and other dialects' native parts. A
    text with citations is split into segments with one set of sources each."""
    parts = reply.choices[0].parts if reply.choices else ()
    return reply.with_parts([shown for part in parts for shown in _shown_parts(part)])


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
    """Return whether the model is a Claude, whose responses name the type of a call."""
    return "claude" in (request.model or "")


def stop_reason(choice: Choice) -> str:
    """Return the stop reason in this protocol's words."""
    reason = choice.finish_value(STOP)
    return "stop_sequence" if reason == "end_turn" and choice.stopped_by is not None else reason


def usage(counted: Usage, extras: Mapping[str, Json], form: UsageForm) -> dict[str, Json]:
    """Return the usage: `inputTokens` excludes the tokens read from or written to a cache, the total includes
    them."""
    result: dict[str, Json] = {}
    if counted.cache_write:
        short, long = counted.cache_write - counted.cache_write_long, counted.cache_write_long
        details = (("1h", long), ("5m", short))
        result["cacheDetails"] = [{"inputTokens": count, "ttl": ttl} for ttl, count in details if count]
    cached = counted.cache_read or counted.cache_write
    for name, count, shown in (
        ("Read", counted.cache_read, cached or form.caches),
        ("Write", counted.cache_write, cached or form.cache_writes),
    ):
        if shown:
            result[f"cache{name}InputTokenCount"] = result[f"cache{name}InputTokens"] = count
    result["inputTokens"] = max(counted.input - counted.cache_read - counted.cache_write, 0)
    result["outputTokens"] = counted.output
    if form.tools:
        result["serverToolUsage"] = {}
    result["totalTokens"] = counted.total
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


def _call_id(call: ToolCall, index: int, identity: ResponseIdentity) -> str:
    return call.id or identity.ids.make("tooluse_", 22, str(index))


def _signature(part: Thinking, index: int, identity: ResponseIdentity, *, claude: bool) -> str | None:
    """Return the signature that a scenario sets, else one where the model is a Claude: others sign nothing."""
    if part.signature is None and claude:
        return identity.ids.make("ErUB", 60, f"thinking.{index}")
    return part.signature


def _redacted(part: Thinking, index: int, identity: ResponseIdentity) -> Json:
    return {"redactedContent": part.signature or identity.ids.make("", _REDACTED, f"thinking.{index}")}


def block(part: Part, index: int, identity: ResponseIdentity, *, claude: bool) -> Json:
    """Return a complete block."""
    match part:
        case NativePart(block=block):
            return block
        case ToolCall(name=name, chunks=chunks):
            call = {
                "input": arguments_json(joined_text(chunks)),
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


class ConverseEncoder(Encoder):
    """The events of one message. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: Request, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self.request, self.identity = request, identity
        self.extras = reply.extras.get(DIALECT, {})
        self.claude, self.usage_form = is_claude(request), usage_form(request.model or "")
        self.sent = 0

    def _event(self, name: str, fields: Mapping[str, Json]) -> Event:
        """Return an event with the member `p`; members are in alphabetical order, as in recordings."""
        self.sent += 1
        return dumps(dict(sorted({**fields, "p": filler(self.sent * 37)}.items()))), name

    def _delta(self, at: EncoderPosition, delta: Json) -> Event:
        return self._event("contentBlockDelta", {"contentBlockIndex": at.part_index, "delta": delta})

    def start_stream(self) -> Iterable[Event]:
        return (self._event("messageStart", {"role": "assistant"}),)

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        """Only a call has an event that opens its block."""
        part = at.part
        if isinstance(part, ToolCall):
            start = {
                "toolUse": {"name": part.name, "toolUseId": _call_id(part, at.part_index, self.identity)}
            }
            yield self._event("contentBlockStart", {"contentBlockIndex": at.part_index, "start": start})
        elif isinstance(part, NativePart):
            yield self._delta(at, part.block)
            yield self._event("contentBlockStop", {"contentBlockIndex": at.part_index})

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        match at.part:
            case ToolCall():
                delta: Json = {"toolUse": {"input": chunk}}
            case Thinking():
                delta = {"reasoningContent": {"text": chunk}}
            case _:
                delta = {"text": chunk}
        return (self._delta(at, delta),)

    def end_part(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        match part:
            case ToolCall(chunks=chunks) if not any(type(chunk) is str for chunk in chunks):
                yield self._delta(at, {"toolUse": {"input": ""}})
            case Thinking(redacted=True):
                yield self._delta(at, {"reasoningContent": _redacted(part, at.part_index, self.identity)})
            case Thinking():
                signature = _signature(part, at.part_index, self.identity, claude=self.claude)
                if signature is not None:
                    yield self._delta(at, {"reasoningContent": {"signature": signature}})
            case Text(citations=citations):
                for citation in citations:
                    yield self._delta(at, {"citation": _citation(citation, part)})
        yield self._event("contentBlockStop", {"contentBlockIndex": at.part_index})

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        ended: dict[str, Json] = {"stopReason": stop_reason(self.reply.choices[0])}
        own = {name: value for name, value in self.extras.items() if name in _METADATA_EXTRAS}
        ended |= {name: value for name, value in self.extras.items() if name not in {*own, "usage"}}
        yield "finish", self._event("messageStop", ended)
        counted = usage(self.reply.usage, self.extras, self.usage_form.of_stream)
        last = {"metrics": {"latencyMs": LATENCY}, "usage": counted, **own}
        yield "usage", self._event("metadata", self.reply.usage.null_or_remove_usage(last, "usage"))

    def error_events(self, failure: Failure) -> Iterable[Event]:
        return (exception(failure, self.request, times_out=False),)
