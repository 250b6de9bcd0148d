"""POST …/interactions: a Reply as the steps of an interaction, streamed or whole.

Sources: two recorded streams of May and June 2026 (texts, thoughts, usage, the order of events), google-genai's
types for the steps and events, and streams with function calls that public repositories have recorded. The form of
errors is that of the SDK's `Error`. Their codes are inferred, and so are `queued` and the ids of events in the
background.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.pacing import Pacing
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.core.rendering.plan import EventKind, EventStep, Framing, Plan, ResponseHead
from mockllm.core.reply.reply import (
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
from mockllm.core.request.request_keys import conversation
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.background import background_run, timeline_of
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.gemini.candidates import DIALECT, is_shown, supported_reply
from mockllm.dialects.gemini.errors import error_object
from mockllm.dialects.gemini.generate_check import GeminiDialect
from mockllm.dialects.gemini.generate_request import DEFAULT_MODEL
from mockllm.dialects.gemini.interactions.decoder import decode
from mockllm.dialects.gemini.interactions.event_layout import INTERACTION_LAYOUT
from mockllm.dialects.gemini.interactions.request import InteractionRequest
from mockllm.dialects.gemini.interactions.stored_interactions import COMPLETED, STATUS_UPDATE, interaction_of
from mockllm.dialects.gemini.wire_format import JSON
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest

EVENTS: Final = (("content-type", "text/event-stream"),)
OF_GENERATE: Final = frozenset({"candidates", "promptFeedback", "usageMetadata"})
"""The extras that belong to responses of generateContent."""
BLOCKED: Final = frozenset({"content_filter", "refusal"})
_LOWER: Final = bytes(b"0123456789abcdefghijklmnopqrstuvwxyz"[byte % 36] for byte in range(256))


@lru_cache(maxsize=64)  # the responses of a second share it
def format_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class InteractionFields:
    """The members of an interaction other than its steps."""

    def __init__(self, reply: Reply, request: InteractionRequest, identity: ResponseIdentity) -> None:
        self.reply, self._request, self._identity = reply, request, identity
        self.id = identity.ids.make("v1_", 60)
        self._time = map_placeholder(format_second, identity.epoch_second)
        extras = reply.extras.get(DIALECT, {})
        self._extras = {name: extras[name] for name in extras if name not in OF_GENERATE}

    @property
    def status(self) -> str:
        """The status at the end."""
        if not self.reply.choices:
            return "failed"
        choice = self.reply.choices[0]
        if any(map(is_shown, choice.tool_calls)):
            return "requires_action"
        return "incomplete" if choice.finish == "length" or choice.finish in BLOCKED else "completed"

    def interaction(
        self, status: str, usage: Json = None, steps: list[Json] | None = None
    ) -> dict[str, Json]:
        """Return the object; without usage as it begins."""
        result: dict[str, Json] = {"id": self.id, "status": status}
        if usage is not None:
            result |= {
                "usage": usage,
                "created": self._time,
                "updated": self._time,
                "service_tier": "standard",
            }
        if steps is not None:
            result["steps"] = steps
        previous = self._request.fields.get("previous_interaction_id")
        if type(previous) is str:
            result["previous_interaction_id"] = previous
        named = "agent" if self._request.names_agent else "model"
        result |= {"object": "interaction", named: self.reply.model or self._request.model or DEFAULT_MODEL}
        return {**result, **merged_json(result, self._extras)} if self._extras and usage else result

    def usage(self, counted: Usage) -> dict[str, Json]:
        output = max(counted.output - counted.reasoning, 0)
        modality = [{"modality": "text", "tokens": counted.input}]
        return {
            "total_tokens": counted.total,
            "total_input_tokens": counted.input,
            "input_tokens_by_modality": modality,
            "total_cached_tokens": counted.cache_read,
            "total_output_tokens": output,
            "total_tool_use_tokens": 0,
            "total_thought_tokens": counted.reasoning,
        }

    def call_id(self, part: ToolCall, index: int) -> str:
        return part.id or self._identity.ids.make("", 8, str(index), alphabet=_LOWER)

    def signature(self, part: Thinking, index: int) -> str:
        return part.signature or self._identity.ids.make("CiQB", 60, str(index))

    def step(self, part: Part, index: int) -> dict[str, Json]:
        """Return a part as a step with all its content."""
        if isinstance(part, NativePart):
            return dict(part.block)
        if isinstance(part, Thinking):
            thought: dict[str, Json] = {"type": "thought", "signature": self.signature(part, index)}
            if self._request.summarizes:
                thought["summary"] = [{"type": "text", "text": joined_text(part.chunks)}]
            return thought
        if isinstance(part, ToolCall):
            text = joined_text(part.chunks)
            arguments = loads(text) if text.strip() else {}
            opened = self.opened(part, index)
            return {**opened, "arguments": arguments}
        content: dict[str, Json] = {"type": "image", "data": "", "mime_type": ""}
        if isinstance(part, Media):
            content = {"type": part.mime.partition("/")[0], "data": part.data, "mime_type": part.mime}
        elif isinstance(part, Text):
            content = {"type": "text", "text": part.whole or joined_text(part.chunks)}
        else:
            content = {"type": "text", "text": joined_text(part.chunks)}
        return {"type": "model_output", "content": [content]}

    def opened(self, part: Part, index: int) -> dict[str, Json]:
        """Return a part as the step that begins."""
        if isinstance(part, ToolCall):
            id = self.call_id(part, index)
            return {"id": id, "type": "function_call", "name": part.name, "arguments": {}}
        return {"type": "thought" if isinstance(part, Thinking) else "model_output"}


class InteractionEncoder(Encoder):
    """The events of a stream. `reply` is already a supported reply."""

    def __init__(self, reply: Reply, request: InteractionRequest, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request = request
        self._fields = InteractionFields(reply, request, identity)
        self._events = 0

    def start_stream(self) -> Iterable[Event]:
        begun = "queued" if self._request.background else "in_progress"
        yield self._event("interaction.created", {"interaction": self._fields.interaction(begun)})
        yield self._event(STATUS_UPDATE, {"interaction_id": self._fields.id, "status": "in_progress"})

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        part = at.part
        step = dict(part.block) if isinstance(part, NativePart) else self._fields.opened(part, at.part_index)
        yield self._event("step.start", {"index": at.part_index, "step": step})
        if isinstance(part, NativePart):
            yield self._event("step.stop", {"index": at.part_index})

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        part = at.part
        delta: dict[str, Json] = {"text": chunk, "type": "text"}
        if isinstance(part, Thinking):
            if not self._request.summarizes:
                return
            delta = {"content": {"text": chunk, "type": "text"}, "type": "thought_summary"}
        elif isinstance(part, ToolCall):
            delta = {"arguments": chunk, "type": "arguments_delta"}
        elif isinstance(part, Media):
            delta = {"data": part.data, "mime_type": part.mime, "type": part.mime.partition("/")[0]}
        yield self._event("step.delta", {"index": at.part_index, "delta": delta})

    def end_part(self, at: EncoderPosition) -> Iterable[Event]:
        if isinstance(at.part, Thinking):
            signature = self._fields.signature(at.part, at.part_index)
            delta = {"signature": signature, "type": "thought_signature"}
            yield self._event("step.delta", {"index": at.part_index, "delta": delta})
        yield self._event("step.stop", {"index": at.part_index})

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        fields = self._fields
        usage = fields.usage(self.reply.usage)
        whole = fields.interaction(fields.status, usage)
        yield (
            "finish",
            self._event(COMPLETED, {"interaction": self.reply.usage.null_or_remove_usage(whole, "usage")}),
        )
        if self.reply.has_finish_reason:
            yield "end", (b"[DONE]", "done")

    def error_events(self, failure: Failure) -> Iterable[Event]:
        yield self._event("error", {"error": interaction_error(failure, self._request)})

    def _event(self, name: str, members: dict[str, Json]) -> Event:
        event = {**members, "event_type": name}
        if self._request.background:
            event["event_id"] = str(self._events)
        self._events += 1
        return dumps(event), name


def interaction_error(failure: Failure, request: Request) -> dict[str, Json]:
    """Return the error object: a message, and the status as a text."""
    error = error_object(failure, request)["error"]
    return {"message": error["message"], "code": str(error["status"]).lower(), **failure.fields}


def interaction_failure(failure: Failure, request: Request) -> Plan:
    """Return an error as the whole response. Only the wait that a scenario sets is in a header."""
    status = error_object(failure, request)["error"]["code"]
    body = dumps({"error": interaction_error(failure, request)})
    head = ResponseHead(status, JSON).with_headers(failure.retry_header(None))
    return Plan(head.with_headers(failure.headers), (EventStep(body, 0, "body"),))


class Interactions(GeminiDialect):
    """The call that creates an interaction."""

    api: str = "interactions"
    generates: bool = True
    request_class: type[Request] = InteractionRequest
    capabilities = ProtocolCapabilities(
        choices=False,
        refusal=False,
        tool_call_ids=False,
        invalid_arguments=False,
        cache_write=False,
        unsupported_parts=frozenset({"citations"}),
    )

    def check(self, request: Request) -> Failure | None:
        """Refuse a request without a model and without an input, and one that continues an unknown interaction."""
        assert isinstance(request, InteractionRequest)
        unreadable = self.check_readable(request)
        if unreadable is not None:
            return unreadable
        if request.model is None:
            return Failure("bad_request", message="Either 'model' or 'agent' must be set.")
        if request.fields.get("input") is None:
            return Failure("bad_request", message="'input' must be set.")
        if type(request.fields.get("previous_interaction_id")) is str and request.previous is None:
            note = "an interaction exists after a call of the same session that creates and stores it"
            return Failure("not_found", message="previous_interaction_id not found.", note=note)
        return None

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return interaction_failure(failure, request)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        first = replace(reply, choices=reply.choices[:1])
        return supported_reply(first, omit_thinking=False)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, InteractionRequest)
        fields = InteractionFields(reply, request, identity)
        steps: list[Json] = [
            fields.step(part, index)
            for index, part in enumerate(reply.choices[0].parts if reply.choices else ())
            if is_shown(part)
        ]
        whole = fields.interaction(fields.status, fields.usage(reply.usage), steps)
        body = dumps(reply.usage.null_or_remove_usage(whole, "usage"))
        return Plan(ResponseHead(200, JSON), (EventStep(body, 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, InteractionRequest)
        return Plan(
            ResponseHead(200, EVENTS),
            tuple(encode(InteractionEncoder(reply, request, identity))),
            Framing.SSE,
        )

    def in_background(
        self, stream: Plan, pace: Pacing, request: Request, identity: ResponseIdentity, *, streamed: bool
    ) -> Plan:
        """Return the stream with its waits, or the interaction as it is queued."""
        run = background_run(stream, pace, STATUS_UPDATE)
        if streamed:
            return replace(run.plan, background=run)
        first = next(step for step in run.plan.steps if isinstance(step, EventStep))
        body = dumps(object_of(loads(first.payload)).get("interaction"))
        return Plan(ResponseHead(200, JSON), (EventStep(body, 0, "body"),), background=run)

    def event_layout(self, request: Request) -> EventLayout:
        return INTERACTION_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, InteractionRequest)
        previous = text_of(request.fields.get("previous_interaction_id"))
        return request.summarizes, request.names_agent, value_or_digest(previous), request.cached_tokens

    def build_request(self, request: NeutralRequest) -> WireRequest:
        body = {
            "model": request.model or DEFAULT_MODEL,
            "input": request.user,
            "stream": bool(request.stream),
        }
        return WireRequest("/v1beta/interactions", request.headers("x-goog-api-key"), body)

    decode = staticmethod(decode)

    update_needs_no_state = True

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        """Store the interaction with its steps, unless the client declines."""
        assert isinstance(request, InteractionRequest)
        run = plan.background
        sent = plan if run is None else run.plan
        if plan.head.status != 200 or request.fields.get("store") is False:
            return None
        whole = interaction_of(sent)
        id = whole.get("id")
        if type(id) is not str:
            return None
        previous = None if request.previous is None else request.previous.id
        stored = StoredObject(id, previous, request.raw, dumps(whole), conversation(request))
        if run is not None:
            stored = stored._replace(timeline=timeline_of(run, request.monotonic + plan.delay))
        return StorageUpdate((id,), stored, is_optional=run is None)
