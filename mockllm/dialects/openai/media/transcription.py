"""Transcriptions and translations of audio, whole in each format and streamed.

Events: `TranscriptionStreamEvent` of the SDK 3.52. Clients of public repositories read events without a name. The
missing terminator of a stream was not verified.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.quantities.parse import ChunkSize
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.plan import EventKind, EventStep, Framing, Plan
from mockllm.core.reply.chunking import split_into_chunks
from mockllm.core.reply.reply import Refusal, Reply, Text, texts_of
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate, split
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import BODY_HEADERS, LIMITS, OPENAI, STREAM_HEADERS, body_plan, head
from mockllm.dialects.openai.media.media_call import MediaCall, error_event, own_extras
from mockllm.dialects.openai.media.transcript_bodies import (
    TimedTranscript,
    diarized_body,
    diarized_segments,
    json_body,
    languages,
    logprobs,
    subtitles,
    timed_transcript,
    usage,
    verbose_body,
)
from mockllm.dialects.openai.media.transcription_request import (
    DIARIZE,
    AudioRequest,
    TranslationRequest,
    check,
)

DEFAULT_TEXT: Final = "Hello there. This is what the recording says."
"""The transcript where no rule has one."""
TEXT_HEAD: Final = (("content-type", "text/plain; charset=utf-8"), *OPENAI, *LIMITS)


class TranscriptionEncoder(Encoder):
    """The events of a stream."""

    def __init__(self, reply: Reply, request: AudioRequest, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request, self._identity = request, identity
        self._transcript: TimedTranscript = timed_transcript(reply, request)
        self._position = 0

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        event: dict[str, Json] = {"type": "transcript.text.delta", "delta": chunk}
        if self._request.includes_logprobs:
            event["logprobs"] = logprobs(chunk, self._position)
            self._position += len(split(chunk))
        if DIARIZE in (self._request.model or ""):
            event["segment_id"] = self._identity.ids.make("seg_", 24, "0")
        return ((dumps(event), None),)

    def end_choice(self, choice: int) -> Iterable[Event]:
        if self._request.format == "diarized_json":
            for segment in diarized_segments(self._transcript, self._identity.ids):
                yield dumps(segment), None

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        event: dict[str, Json] = {"type": "transcript.text.done", "text": self._transcript.text}
        event |= languages(self._request, self._transcript)
        if self._request.includes_logprobs:
            event["logprobs"] = logprobs(self._transcript.text)
        event["usage"] = usage(self.reply, self._request, self._transcript)
        event = self.reply.usage.null_or_remove_usage(event, "usage")
        yield "end", (dumps(merged_json(event, own_extras(self.reply))), None)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        return error_event(failure, self._request, self._identity)


class Transcriptions(MediaCall):
    """POST /v1/audio/transcriptions."""

    api = "transcriptions"
    request_class: type[AudioRequest] = AudioRequest

    check = staticmethod(check)

    def with_required_media(self, reply: Reply, request: Request) -> Reply:
        """Return the reply with a text: its segments', else the default one."""
        if reply.failure is not None or any(type(part) in (Text, Refusal) for part in reply.parts):
            return reply
        stated = "" if reply.transcript is None else reply.transcript.text
        text = stated or DEFAULT_TEXT
        counted = reply.usage
        counted = counted if counted.output else replace(counted, output=estimate(text))
        return reply.with_usage(counted).with_parts([Text(split_into_chunks(text, ChunkSize(1, "tokens")))])

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        """Return the reply's texts; a refusal is a text."""
        return reply.with_parts(texts_of(reply.parts))

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, AudioRequest)
        timed = timed_transcript(reply, request)
        match request.format:
            case "text":
                return _text_plan(f"{timed.text}\n", identity)
            case "srt" | "vtt":
                return _text_plan(subtitles(timed.segments, request.format), identity)
            case "verbose_json":
                body = verbose_body(reply, request, timed)
            case "diarized_json":
                body = diarized_body(reply, request, timed, identity.ids)
            case _:
                body = json_body(reply, request, timed)
        if "usage" in body:
            body = reply.usage.null_or_remove_usage(body, "usage")
        return body_plan(merged_json(body, own_extras(reply)), identity, BODY_HEADERS)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, AudioRequest)
        steps = tuple(encode(TranscriptionEncoder(reply, request, identity)))
        return Plan(head(200, STREAM_HEADERS, identity), steps, Framing.SSE)


class Translations(Transcriptions):
    """POST /v1/audio/translations."""

    api = "translations"
    request_class = TranslationRequest


def _text_plan(text: str, identity: ResponseIdentity) -> Plan:
    return Plan(head(200, TEXT_HEAD, identity), (EventStep(text.encode(), 0, "body"),))
