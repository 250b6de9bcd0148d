"""Encodes replies as Anthropic's messages: the events of a stream, and their form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, dumps_temporary
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.encoder import ChunkAffixes, Encoder, EncoderPosition, Event
from mockllm.core.rendering.event_layout import EventLayout, FinishPlace, MemberPlace, Payload, ToolCallPlace
from mockllm.core.rendering.plan import EventKind
from mockllm.core.reply.reply import NativePart, Reply, Text, Thinking, ToolCall, joined_text
from mockllm.dialects.anthropic.content_blocks import (
    citations_of,
    container_and_edits,
    delta_usage,
    message,
    opening_block,
    signature,
    stop_fields,
)
from mockllm.dialects.anthropic.errors import DIALECT, error_event
from mockllm.dialects.anthropic.known_models import DEFAULT_MODEL
from mockllm.dialects.anthropic.messages_request import MessagesRequest
from mockllm.dialects.anthropic.models import AnthropicFamily, family_of
from mockllm.dialects.anthropic.server_tools import Block
from mockllm.dialects.dialect import ResponseIdentity

_PING: Final[Event] = (b'{"type": "ping"}', "ping")
_STOP: Final[Event] = (b'{"type":"message_stop"}', "message_stop")
_DELTAS: Final[Mapping[type, bytes]] = {
    ToolCall: b'{"type":"input_json_delta","partial_json":%b}',
    Thinking: b'{"type":"thinking_delta","thinking":%b}',
}
"""The deltas of parts that are no text."""
_DELTA_EXTRAS: Final = frozenset({"container", "context_management", "usage"})
"""Extras that a stream sends in its `message_delta` instead of its `message_start`."""


class MessagesEncoder(Encoder):
    """The events of one message. `reply` is already a supported reply. `has_inference_geo`: whether the usage of
    newer models names where the message was computed."""

    def __init__(
        self, reply: Reply, request: MessagesRequest, identity: ResponseIdentity, *, has_inference_geo: bool
    ) -> None:
        super().__init__(reply)
        self.request = request
        self.identity = identity
        self.model_family = family_for(reply, request, has_inference_geo=has_inference_geo)
        self.toolset_by_tool = request.toolset_by_tool
        self.extras = reply.extras.get(DIALECT, {})
        self.without_arguments = False
        """Whether the current part is a call without arguments, which streams "" and never "{}"."""

    def start_stream(self) -> Iterable[Event]:
        opening = message(self.reply, self.request.model, self.identity, self.model_family)
        opening_extras = {key: value for key, value in self.extras.items() if key not in _DELTA_EXTRAS}
        opening = merged_json(opening, opening_extras)
        return (_event("message_start", {"message": opening}),)

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        deltas: list[bytes] = []
        block = opening_block(part, at.part_index, self.identity, self.model_family, self.toolset_by_tool)
        if isinstance(part, NativePart):
            block, deltas = _native(block)
        else:
            self.without_arguments = isinstance(part, ToolCall) and joined_text(part.chunks).strip() in (
                "",
                "{}",
            )
            if isinstance(part, ToolCall) and not self.without_arguments:
                deltas = [_partial_json("")]
            elif isinstance(part, Text) and part.citations:
                sources = citations_of(part, at.part_index, self.identity)
                deltas = [dumps({"type": "citations_delta", "citation": source}) for source in sources]
        yield _event("content_block_start", {"index": at.part_index, "content_block": block})
        if at.part_index == 0:
            yield _PING
        for delta in deltas:
            yield _delta(at.part_index, delta)
        if isinstance(part, NativePart):
            yield _block_stop(at.part_index)

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        return (_chunk_affixes(at).event_for("" if self._is_without_arguments(at) else chunk),)

    def chunk_affixes(self, at: EncoderPosition) -> ChunkAffixes | None:
        return None if self._is_without_arguments(at) else _chunk_affixes(at)

    def _is_without_arguments(self, at: EncoderPosition) -> bool:
        return self.without_arguments and type(at.part) is ToolCall

    def end_part(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        if type(part) is ToolCall and not any(type(chunk) is str for chunk in part.chunks):
            yield _delta(at.part_index, _partial_json(""))
        if type(part) is Thinking and not part.redacted:
            signed = part.signature or signature(at.part_index, self.identity)
            yield _delta(at.part_index, b'{"type":"signature_delta","signature":%b}' % dumps(signed))
        yield _block_stop(at.part_index)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        delta = stop_fields(self.reply.choices[0], self.model_family)
        reported = merged_json(container_and_edits(self.reply, self.request, self.identity), self.extras)
        if "container" in reported:
            delta["container"] = reported["container"]
        counted = merged_json(delta_usage(self.reply, self.model_family), extra_counts(self.extras))
        last: Block = {"delta": delta, "usage": counted}
        if "context_management" in reported:
            last["context_management"] = reported["context_management"]
        yield "finish", _event("message_delta", self.reply.usage.null_or_remove_usage(last, "usage"))
        yield "end", _STOP

    def error_events(self, failure: Failure) -> Iterable[Event]:
        return ((error_event(failure, self.request, self.identity), "error"),)


def family_for(reply: Reply, request: MessagesRequest, *, has_inference_geo: bool) -> AnthropicFamily:
    """Return what differs by the model of a reply, or of its request, and by the request itself."""
    family = family_of(reply.model or request.model or DEFAULT_MODEL)
    if request.wants_thinking:
        family = replace(family, counts_thinking_tokens=True)
    return family if has_inference_geo else replace(family, inference_geo=None)


def extra_counts(extras: Mapping[str, Json]) -> dict[str, Json]:
    """Return the additional counts that a scenario sets in `usage`."""
    return object_of(extras.get("usage"))


def _event(name: str, fields: Mapping[str, Json]) -> Event:
    return dumps({"type": name, **fields}), name


def _delta(index: int, delta: bytes) -> Event:
    payload = b'{"type":"content_block_delta","index":%d,"delta":%b}' % (index, delta)
    return payload, "content_block_delta"


def _chunk_affixes(at: EncoderPosition) -> ChunkAffixes:
    """Return the bytes before and after the text of each delta of a part, and the name of its event."""
    delta = _DELTAS.get(type(at.part), b'{"type":"text_delta","text":%b}')
    before, _, after = _delta(at.part_index, delta)[0].partition(b"%b")
    return ChunkAffixes(before, after, "content_block_delta")


def _block_stop(index: int) -> Event:
    return b'{"type":"content_block_stop","index":%d}' % index, "content_block_stop"


def _partial_json(text: str) -> bytes:
    return _DELTAS[ToolCall] % dumps_temporary(
        text
    )  # over-allocated: the copy in the event has its exact size


def _native(block: Json) -> tuple[Json, list[bytes]]:
    """Return the first event's block and the deltas of a native part. A call's input and a text with its citations
    are sent in deltas; everything else is complete in the first event."""
    if type(block) is not dict:
        return block, []
    if "input" in block and str(block.get("type")).endswith("tool_use"):
        chunks = [""] if block["input"] == {} else ["", dumps(block["input"]).decode()]
        return {**block, "input": {}}, [_partial_json(chunk) for chunk in chunks]
    if block.get("type") == "text" and isinstance(block.get("citations"), list):
        deltas = [{"type": "citations_delta", "citation": citation} for citation in block["citations"]]
        encoded = [dumps(delta) for delta in (*deltas, {"type": "text_delta", "text": block.get("text", "")})]
        return {**block, "citations": [], "text": ""}, encoded
    return block, []


class MessagesEventLayout(EventLayout):
    """Where faults find calls, texts and the end in the events of a message. Only the first event of a call has its
    id."""

    def calls(self, payload: Payload, opened: set[object]) -> Iterator[ToolCallPlace]:
        number = payload.get("index")
        index = MemberPlace(payload, "index")
        block: Json = payload.get("content_block")
        delta: Json = payload.get("delta")
        if type(block) is dict and block.get("type") == "tool_use":
            yield ToolCallPlace(number, index, MemberPlace(block, "id"))
        elif type(delta) is dict and delta.get("type") == "input_json_delta":
            yield ToolCallPlace(number, index, arguments=MemberPlace(delta, "partial_json"))
        elif payload.get("type") == "content_block_stop" and number in opened:
            yield ToolCallPlace(number, index)

    def finishes(self, payload: Payload) -> Iterator[FinishPlace]:
        name = {"message_start": "message", "message_delta": "delta"}.get(payload.get("type", ""))
        if name is not None:
            members = ("stop_reason", "stop_sequence", "stop_details")
            yield FinishPlace(0, payload[name], members, bool(payload[name].get("stop_reason")))

    def usage(self, payload: Payload) -> MemberPlace | None:
        if payload.get("type") == "message_delta":
            return MemberPlace(payload, "usage")
        return MemberPlace(payload["message"], "usage") if payload.get("type") == "message_start" else None

    def roles(self, payload: Payload) -> Iterator[MemberPlace]:
        if payload.get("type") == "message_start":
            yield MemberPlace(payload["message"], "role")

    def text(self, payload: Payload) -> MemberPlace | None:
        delta: Json = payload.get("delta")
        is_text = type(delta) is dict and delta.get("type") == "text_delta"
        return MemberPlace(delta, "text") if is_text else None

    def delta(self, payload: Payload) -> MemberPlace | None:
        return MemberPlace(payload, "delta")


MESSAGES_LAYOUT: Final = MessagesEventLayout()
