"""A response of the realtime protocol: a Reply as events, and the transcripts of the audio of a user.

A request is read as one of the responses protocol: the session writes its settings and its conversation in that form.
Sources: the SDK's `openai.types.realtime` and the client of openai-agents; no recording was at hand.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import EventKind, EventStep, Framing, Plan
from mockllm.core.reply.reply import Media, Part, Refusal, Reply, Text, ToolCall
from mockllm.core.request.request import Request
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.audio import silence
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.openai.calls import OpenAiCall, UncheckedOpenAiCall
from mockllm.dialects.openai.errors import error_object
from mockllm.dialects.openai.event_layouts import REALTIME_LAYOUT
from mockllm.dialects.openai.headers import OPENAI, head
from mockllm.dialects.openai.realtime.decoder import decode
from mockllm.dialects.openai.realtime.speech import ReplySpeech, UnsuitableAudio, speech_of, without_audio
from mockllm.dialects.openai.request_builder import build_responses
from mockllm.dialects.openai.responses.errors import ROWS
from mockllm.dialects.openai.responses.request import ResponsesRequest

INCOMPLETE: Final = {"length": "max_output_tokens", "content_filter": "content_filter"}


class RealtimeRequest(ResponsesRequest):
    """A request for a response. The member `realtime` of its body has what only this protocol has."""

    api = "realtime"
    background = False
    documented_fields = frozenset({*ResponsesRequest.documented_fields, "realtime"})

    @cached_property
    def stream(self) -> bool:
        return True

    @cached_property
    def settings(self) -> dict[str, Json]:
        return object_of(self.fields.get("realtime"))

    @cached_property
    def output_format(self) -> str:
        return text_of(self.settings.get("format")) or "audio/pcm"

    @cached_property
    def speaks(self) -> bool:
        """Whether texts are sent as audio."""
        return self.settings.get("output_modalities") == ["audio"]


class RealtimeEncoder(Encoder):
    """The events of one response. `reply` is already a supported reply."""

    def __init__(
        self,
        reply: Reply,
        request: RealtimeRequest,
        identity: ResponseIdentity,
        speech: ReplySpeech | None = None,
    ) -> None:
        super().__init__(reply)
        self._request, self._ids = request, identity.ids
        self._id = identity.ids.make("resp_", 21)
        self._format = request.output_format
        self._before = text_of(request.settings.get("previous_item_id"))
        self._events = 0
        self._output: list[Json] = []
        self._chunks: list[str] = []
        self._speech = speech

    def start_stream(self) -> Iterable[Event]:
        yield self._event("response.created", {"response": self._response("in_progress", None)})

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        self._chunks = []
        item = self._item(at, "in_progress", None)
        yield self._event("response.output_item.added", {**self._place(at), "item": item})
        yield from self._of_conversation("added", item)
        if not isinstance(at.part, ToolCall):
            yield self._event(
                "response.content_part.added",
                {**self._place(at, item), "content_index": 0, "part": self._part("")},
            )

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        self._chunks.append(chunk)
        item = self._item(at, "in_progress", None)
        place = self._place(at, item)
        if isinstance(at.part, ToolCall):
            yield self._event(
                "response.function_call_arguments.delta",
                {**place, "call_id": item["call_id"], "delta": chunk},
            )
            return
        place["content_index"] = 0
        if not self._request.speaks:
            yield self._event("response.output_text.delta", {**place, "delta": chunk})
            return
        yield self._event("response.output_audio_transcript.delta", {**place, "delta": chunk})
        audio = silence(self._format, len(chunk)) if self._speech is None else self._speech.part(len(chunk))
        yield self._event("response.output_audio.delta", {**place, "delta": audio})

    def end_part(self, at: EncoderPosition) -> Iterable[Event]:
        text = "".join(self._chunks)
        item = self._item(at, "completed", text)
        place = self._place(at, item)
        if isinstance(at.part, ToolCall):
            done = {"call_id": item["call_id"], "name": item["name"], "arguments": text}
            yield self._event("response.function_call_arguments.done", {**place, **done})
        else:
            place["content_index"] = 0
            if self._request.speaks:
                rest = "" if self._speech is None else self._speech.rest()
                if rest:
                    yield self._event("response.output_audio.delta", {**place, "delta": rest})
                yield self._event("response.output_audio.done", place)
                yield self._event("response.output_audio_transcript.done", {**place, "transcript": text})
            else:
                yield self._event("response.output_text.done", {**place, "text": text})
            yield self._event("response.content_part.done", {**place, "part": self._part(text)})
        self._output.append(item)
        yield self._event("response.output_item.done", {**self._place(at), "item": item})
        yield from self._of_conversation("done", item)
        self._before = item["id"]

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        reason = INCOMPLETE.get(self.reply.choices[0].finish)
        status = "completed" if reason is None else "incomplete"
        details: Json = None if reason is None else {"type": "incomplete", "reason": reason}
        response = self._response(status, details, usage=self._usage())
        if self.reply.has_finish_reason:
            yield "end", self._event("response.done", {"response": response})

    def error_events(self, failure: Failure) -> Iterable[Event]:
        error = error_object(failure, self._request, ResponseIdentity(self._ids, self._request.now), ROWS)
        own = {name: error[name] for name in ("type", "code", "message")}
        details: Json = {"type": "failed", "error": {**own, **failure.fields}}
        yield self._event("response.done", {"response": self._response("failed", details)})

    def _of_conversation(self, change: str, item: dict[str, Json]) -> Iterable[Event]:
        """Yield an event of the conversation, unless the response is outside of it."""
        if self._request.settings.get("conversation_id") is not None:
            members: dict[str, Json] = {"previous_item_id": self._before, "item": item}
            yield self._event(f"conversation.item.{change}", members)

    def _item(self, at: EncoderPosition, status: str, text: str | None) -> dict[str, Json]:
        id = self._ids.make("item_", 21, str(at.part_index))
        item: dict[str, Json] = {"id": id, "object": "realtime.item", "status": status}
        if isinstance(at.part, ToolCall):
            call_id = at.part.id or self._ids.make("call_", 16, str(at.part_index))
            return item | {
                "type": "function_call",
                "name": at.part.name,
                "call_id": call_id,
                "arguments": text or "",
            }
        content: list[Json] = []
        if text is not None:
            audio: dict[str, Json] = {"type": "output_audio", "transcript": text}
            content = [audio if self._request.speaks else {"type": "output_text", "text": text}]
        return item | {"type": "message", "role": "assistant", "content": content}

    def _part(self, text: str) -> dict[str, Json]:
        return (
            {"type": "audio", "transcript": text} if self._request.speaks else {"type": "text", "text": text}
        )

    def _place(self, at: EncoderPosition, item: dict[str, Json] | None = None) -> dict[str, Json]:
        place: dict[str, Json] = {"response_id": self._id}
        if item is not None:
            place["item_id"] = item["id"]
        return {**place, "output_index": at.part_index}

    def _response(self, status: str, details: Json, usage: Json = None) -> dict[str, Json]:
        settings = self._request.settings
        return {
            "object": "realtime.response",
            "id": self._id,
            "status": status,
            "status_details": details,
            "output": list(self._output),
            "conversation_id": settings.get("conversation_id"),
            "output_modalities": settings.get("output_modalities"),
            "max_output_tokens": self._request.fields.get("max_output_tokens") or "inf",
            "audio": {"output": {"format": {"type": self._format}, "voice": settings.get("voice")}},
            "usage": usage,
            "metadata": settings.get("metadata"),
        }

    def _usage(self) -> Json:
        usage = self.reply.usage
        audio = usage.output if self._request.speaks else 0
        return {
            "total_tokens": usage.total,
            "input_tokens": usage.input,
            "output_tokens": usage.output,
            "input_token_details": {
                "text_tokens": usage.input,
                "audio_tokens": 0,
                "image_tokens": 0,
                "cached_tokens": usage.cache_read,
            },
            "output_token_details": {"text_tokens": usage.output - audio, "audio_tokens": audio},
        }

    def _event(self, name: str, members: dict[str, Json]) -> Event:
        id = self._ids.make("event_", 21, str(self._events))
        self._events += 1
        return dumps({"type": name, "event_id": id, **members}), name


class Realtime(OpenAiCall):
    """A response of a realtime session."""

    api = "realtime"
    generates = True
    request_class = RealtimeRequest
    capabilities = ProtocolCapabilities(
        stop=False,
        choices=False,
        refusal=False,
        media=frozenset({"audio"}),
        unsupported_parts=frozenset({"citations", "images", "thinking"}),
        framings=frozenset({Framing.WEBSOCKET}),
    )

    build_request = staticmethod(build_responses)

    def check(self, request: Request) -> Failure | None:
        return None

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        """Return the reply with texts, calls and the audio of the texts. A refusal is a text, and audio alone is the
        speech of an empty text."""
        shown = reply.choices[0].parts
        parts: list[Part] = []
        for part in shown:
            if isinstance(part, Refusal):
                parts.append(Text(part.chunks))
            elif isinstance(part, Text | ToolCall):
                parts.append(part)
        audio = next((part for part in shown if isinstance(part, Media) and part.kind == "audio"), None)
        assert isinstance(request, RealtimeRequest)
        if audio is not None and request.speaks:
            parts = [*parts, *([] if any(isinstance(part, Text) for part in parts) else [Text(())]), audio]
        return reply.with_parts(parts)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self.encode_stream(reply, request, identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, RealtimeRequest)
        supported = self.supported_reply(reply, request)
        try:
            speech = speech_of(supported, request.output_format) if request.speaks else None
        except UnsuitableAudio as error:
            return self.error(Failure("bad_request", message=f"reply.audio: {error}"), request, identity)
        encoder = RealtimeEncoder(without_audio(supported), request, identity, speech)
        return Plan(head(200, OPENAI, identity), tuple(encode(encoder)), Framing.WEBSOCKET)

    def event_layout(self, request: Request) -> EventLayout:
        return REALTIME_LAYOUT

    def encoding_key(self, request: Request) -> Hashable:
        return value_or_digest(request.raw)

    decode = staticmethod(decode)

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        """Return a response that failed, as the service ends one."""
        plan = super().error(failure, request, identity)
        assert isinstance(request, RealtimeRequest)
        encoder = RealtimeEncoder(Reply(()), request, identity)
        events = [*encoder.start_stream(), *encoder.error_events(failure)]
        steps = [EventStep(payload, 0, "error", name) for payload, name in events]
        return Plan(plan.head, tuple(steps), Framing.WEBSOCKET)


class TranscriptionRequest(Request):
    dialect = "openai"
    api = "transcription"
    evaluates = True

    @cached_property
    def model(self) -> str | None:
        return text_of(self.fields.get("model"))


class Transcription(UncheckedOpenAiCall):
    """The transcript of audio: the body of the `http` of a rule that names the api, or the words of the script."""

    api = "transcription"
    request_class = TranscriptionRequest

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        transcript = text_of(request.fields.get("transcript")) or ""
        return Plan(head(200, OPENAI, identity), (EventStep(transcript.encode(), 0, "body"),))
