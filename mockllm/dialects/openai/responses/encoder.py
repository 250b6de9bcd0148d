"""Encodes replies as the Responses API: the events of a stream, and the output items that they build."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, dumps_temporary
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event
from mockllm.core.rendering.plan import EventKind
from mockllm.core.reply.logprobs import token_logprobs
from mockllm.core.reply.reply import NativePart, Part, Refusal, Reply, Text, Thinking, ToolCall
from mockllm.core.tokens import split
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import padding, padding_text
from mockllm.dialects.openai.errors import error_object
from mockllm.dialects.openai.logprobs import entries, without_bytes
from mockllm.dialects.openai.responses.background import QUEUED
from mockllm.dialects.openai.responses.errors import ROWS
from mockllm.dialects.openai.responses.history import IN_PROGRESS
from mockllm.dialects.openai.responses.items import (
    annotations_of,
    content_part,
    event_payload,
    item,
    item_events,
    item_id,
    opening_item,
    status_of,
)
from mockllm.dialects.openai.responses.object import ResponseObjectFields, incomplete_reason, usage
from mockllm.dialects.openai.responses.request import ResponsesRequest


class StreamedPart(Struct, frozen=True):
    """The streaming form of one kind of part. `event`: the event name before `.delta` and `.done`. `member`:
    the member with the complete value in `.done`. `part`: the name of its part events, which also determines
    its index; None where it has none."""

    event: str
    member: str
    part: str | None = None
    logprobs: bool = False
    padded: bool = True

    @property
    def index(self) -> dict[str, Json]:
        return {} if self.part is None else {f"{self.part.split('_')[-2]}_index": 0}


TEXT: Final = StreamedPart("output_text", "text", "content_part", logprobs=True)
REFUSAL: Final = StreamedPart("refusal", "refusal", "content_part", padded=False)
SUMMARY: Final = StreamedPart("reasoning_summary_text", "text", "reasoning_summary_part")
ARGUMENTS: Final = StreamedPart("function_call_arguments", "arguments")
CUSTOM: Final = StreamedPart("custom_tool_call_input", "input")
KINDS: Final[dict[type[Part], StreamedPart]] = {
    Text: TEXT,
    Refusal: REFUSAL,
    Thinking: SUMMARY,
    ToolCall: ARGUMENTS,
}


class ResponsesEncoder(Encoder):
    """The events of one response. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: ResponsesRequest, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request, self._identity = request, identity
        self._response_fields = ResponseObjectFields(reply, request, identity)
        self._events = 0
        self._done: list[Json] = []
        self._chunks: list[str] = []
        self._logprobs: list[Json] = []
        """The probabilities of the open item's tokens so far."""
        self._delta = (b"", b"", b"")
        """The bytes of the open item's deltas: before the text, after it, and at the end."""

    def start_stream(self) -> Iterable[Event]:
        requested = self._request.fields.get("service_tier")
        tier = requested if type(requested) is str else "auto"
        opening = self._response_fields.response("in_progress", [], tier=tier)
        if self._request.background:
            queued = self._response_fields.response("queued", [], tier=tier)
            yield self._event("response.created", {"response": queued})
            yield self._event(QUEUED, {"response": queued})
        else:
            yield self._event("response.created", {"response": opening})
        yield self._event(IN_PROGRESS, {"response": opening})

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        choice, place, part = self.reply.choices[0], at.part_index, at.part
        opened_item = item(choice, place, self._response_fields, "in_progress", None)
        if type(part) is NativePart:
            yield from self._native(opened_item, place)
            return
        yield self._event("response.output_item.added", {"item": opened_item, "output_index": place})
        self._chunks, self._logprobs = [], []
        kind = self._kind(part)
        if kind.part is not None and self._has_content(part):
            opened = {
                "item_id": opened_item["id"],
                "output_index": place,
                "part": content_part(part, "", self._response_fields),
            }
            yield self._event(f"response.{kind.part}.added", {**kind.index, **opened})
        name = f"response.{kind.event}.delta"
        first, last = ({}, kind.index) if kind is SUMMARY else (kind.index, {})
        before = dumps({"type": name, **first, "delta": 0})[:-2]
        after = dumps({"item_id": opened_item["id"]})[1:-1] + (b',"logprobs":[' if kind.logprobs else b"")
        self._delta = before, b"," + after, b"," + dumps(last)[1:] if last else b"}"

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        self._chunks.append(chunk)
        kind = self._kind(at.part)
        before, after, end = self._delta
        if kind.logprobs:
            after += self._probabilities(chunk) + b"]"
        padded = padding(self._events, len(chunk)) if kind.padded and self._request.obfuscated else b""
        last = b'%b,"output_index":%d,"sequence_number":%d%b' % (padded, at.part_index, self._events, end)
        self._events += 1
        return ((before + dumps_temporary(chunk) + after + last, f"response.{kind.event}.delta"),)

    def end_part(self, at: EncoderPosition) -> Iterable[Event]:
        part, place, text = at.part, at.part_index, "".join(self._chunks)
        kind = self._kind(part)
        choice = self.reply.choices[0]
        at_item = {"item_id": item_id(part, place, self._response_fields), "output_index": place}
        if self._has_content(part):
            logprobs: dict[str, Json] = {"logprobs": without_bytes(self._logprobs)} if kind.logprobs else {}
            for number, source in enumerate(annotations_of(part, self._response_fields) if text else ()):
                annotation = {"annotation": source, "annotation_index": number, **kind.index, **at_item}
                yield self._event("response.output_text.annotation.added", annotation)
            done = {**kind.index, **at_item, **logprobs, kind.member: text}
            yield self._event(f"response.{kind.event}.done", done)
            if kind.part is not None:
                done_part = {
                    **kind.index,
                    **at_item,
                    "part": content_part(part, text, self._response_fields, self._logprobs),
                }
                yield self._event(f"response.{kind.part}.done", done_part)
        closed_item = item(
            choice, place, self._response_fields, status_of(choice, place), text, self._logprobs
        )
        yield self._item_done(closed_item, place)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        """Yield the event that contains the finish reason and ends the stream."""
        if not self.reply.has_finish_reason:
            return
        reason = incomplete_reason(self.reply.choices[0])
        status = "completed" if reason is None else "incomplete"
        counted = usage(self.reply.usage)
        response = self._response_fields.response(status, self._done, counted, reason=reason)
        self.reply.usage.null_or_remove_usage(response, "usage")
        yield "end", self._event(f"response.{status}", {"response": response})

    def error_events(self, failure: Failure) -> Iterable[Event]:
        """Yield the error, then the failed response with the completed items."""
        error = error_object(failure, self._request, self._identity, ROWS)
        yield self._event("error", {"error": error})
        response_error = {"code": error["code"] or error["type"], "message": error["message"]}
        response = self._response_fields.response("failed", self._done, error=response_error)
        yield self._event("response.failed", {"response": response})

    def _probabilities(self, chunk: str) -> bytes:
        """Return the entries of the next tokens; empty where the request has no probabilities."""
        if self._response_fields.logprobs is None:
            return b""
        logprobs = entries(token_logprobs(split(chunk), self._response_fields.logprobs, len(self._logprobs)))
        self._logprobs += logprobs
        return dumps(without_bytes(logprobs))[1:-1]

    def _kind(self, part: Part) -> StreamedPart:
        return (
            CUSTOM
            if type(part) is ToolCall and part.name in self._response_fields.custom_tools
            else KINDS[type(part)]
        )

    def _has_content(self, part: Part) -> bool:
        """Return whether a part has a content part. Reasoning without text has no summary part; every other
        part has one, even an empty one."""
        return type(part) is not Thinking or any(type(chunk) is str for chunk in part.chunks)

    def _native(self, item_object: dict[str, Json], place: int) -> Iterator[Event]:
        opened = opening_item(item_object, thinks=self._response_fields.form.effort is not None)
        yield self._event("response.output_item.added", {"item": opened, "output_index": place})
        for name, members in item_events(item_object):
            event_members = {"item_id": item_object["id"], "output_index": place, **members}
            if self._request.obfuscated and name.endswith(".delta") and name != "refusal.delta":
                length = len(members["delta"]) if isinstance(members["delta"], str) else 0
                event_members["obfuscation"] = padding_text(self._events, length).decode()
            yield self._event(f"response.{name}", event_members)
        yield self._item_done(item_object, place)

    def _item_done(self, item_object: dict[str, Json], place: int) -> Event:
        self._done.append(item_object)
        return self._event("response.output_item.done", {"item": item_object, "output_index": place})

    def _event(self, name: str, members: dict[str, Json]) -> Event:
        payload = event_payload(name, members, self._events)
        self._events += 1
        return payload, name
