"""The stream of a conversation's response, as the pages of Mistral's documentation show it. `ResponseErrorEvent`
and `FunctionCallEvent` are types of the `mistralai` package (3.7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import ChunkAffixes, Encoder, EncoderPosition, Event
from mockllm.core.rendering.plan import EventKind
from mockllm.core.reply.reply import NativePart, Reply, Text, Thinking, ToolCall
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.mistral.conversations.entries import CALL, EXECUTION, OUTPUT
from mockllm.dialects.mistral.conversations.outputs import ConversationFields, thought
from mockllm.dialects.mistral.conversations.request import MistralConversationRequest
from mockllm.dialects.vendors.errors import error_object
from mockllm.dialects.vendors.vendor import Vendor

STARTED: Final = "conversation.response.started"
DONE: Final = "conversation.response.done"
ERROR: Final = "conversation.response.error"
TEXT_DELTA: Final = "message.output.delta"
CALL_DELTA: Final = "function.call.delta"


class ConversationEncoder(Encoder):
    """The events of a response. `reply` is already a supported reply."""

    def __init__(
        self, reply: Reply, request: MistralConversationRequest, identity: ResponseIdentity, vendor: Vendor
    ) -> None:
        super().__init__(reply)
        self._fields = ConversationFields(reply, request, identity, vendor)
        self._request, self._identity = request, identity

    def start_stream(self) -> Iterable[Event]:
        return (_event(STARTED, {"conversation_id": self._fields.id}),)

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        if isinstance(at.part, NativePart):
            return self._native(at.part.block, self._fields.places[at.part_index][0])
        return (self._tool_call_delta(at, ""),) if isinstance(at.part, ToolCall) else ()

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        if isinstance(at.part, ToolCall):
            return (self._tool_call_delta(at, chunk),)
        return (_event(TEXT_DELTA, self._delta(at, thought(chunk) if type(at.part) is Thinking else chunk)),)

    def chunk_affixes(self, at: EncoderPosition) -> ChunkAffixes | None:
        if type(at.part) is not Text:
            return None
        payload, name = _event(TEXT_DELTA, self._delta(at, ""))
        return ChunkAffixes(payload.removesuffix(b'""}'), b"}", name)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        fields = self._fields
        done = merged_json({"type": DONE, "usage": fields.usage()}, fields.extras)
        yield "finish", (dumps(self.reply.usage.null_or_remove_usage(done, "usage")), DONE)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        error = error_object(self._fields.vendor, failure, self._request, self._identity)
        code, row = error["code"], self._fields.vendor.errors.rows[failure.type]
        number = int(code) if type(code) is str and code.isdecimal() else failure.status or row.status
        return (_event(ERROR, {"message": error["message"], "code": number, **failure.fields}),)

    def _delta(self, at: EncoderPosition, content: Json) -> dict[str, Json]:
        number, place = self._fields.places[at.part_index]
        return {
            "output_index": number,
            "id": self._fields.entry_id(OUTPUT, number),
            "content_index": place,
            "model": self._fields.model,
            **self._fields.agent,
            "role": "assistant",
            "content": content,
        }

    def _tool_call_delta(self, at: EncoderPosition, chunk: str) -> Event:
        assert isinstance(at.part, ToolCall)
        number = self._fields.places[at.part_index][0]
        members = {
            "output_index": number,
            "id": self._fields.entry_id(CALL, number),
            "model": self._fields.model,
            **self._fields.agent,
            "name": at.part.name,
            "tool_call_id": self._fields.call_id(at.part, number),
            "arguments": chunk,
        }
        return _event(CALL_DELTA, members)

    def _native(self, block: dict[str, Json], number: int) -> Iterable[Event]:
        """Return the two events of a tool that Mistral runs."""
        id = self._fields.entry_id(EXECUTION, number)
        common = {"output_index": number, "id": id, "name": block["name"]}
        yield _event(f"{EXECUTION}.started", {**common, "arguments": block["arguments"]})
        yield _event(f"{EXECUTION}.done", {**common, "info": block["info"]})


def _event(name: str, members: dict[str, Json]) -> Event:
    return dumps({"type": name, **members}), name
