"""POST /v1/audio/transcriptions: the transcript of audio, whole and streamed.

From the types of the `mistralai` package (3.7: `AudioTranscriptionRequest`, `TranscriptionResponse`,
`TranscriptionSegmentChunk`, `TranscriptionStreamEvents`); there is no recording. Inferred are the order of the
events, that the segments of words are words, and that `diarize` alone returns segments.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from math import ceil
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import objects, text_of
from mockllm.core.media.audio import wav_seconds
from mockllm.core.rendering.encoder import EncoderPosition, Event
from mockllm.core.rendering.plan import EventKind, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.reply.transcript import TimedText, timed_words
from mockllm.core.request.form_fields import URLENCODED, urlencoded_fields
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StoredObject
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.mistral.audio_call import DELTA, MistralAudioCall, MistralAudioEncoder, audio_event
from mockllm.dialects.mistral.stored_calls import FILES, missing_file
from mockllm.dialects.openai.media.media_call import own_extras
from mockllm.dialects.openai.media.media_request import FORM
from mockllm.dialects.openai.media.transcript_bodies import timed_transcript
from mockllm.dialects.openai.media.transcription import Transcriptions
from mockllm.dialects.openai.media.transcription_request import AudioRequest
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    check_fields,
    check_readable,
    check_required,
    decimal,
    one_of,
    refuse,
    string,
)
from mockllm.dialects.vendors.vendor import Vendor

DEFAULT_MODEL: Final = "voxtral-mini-latest"
SOURCES: Final = ("file", "file_url", "file_id")
"""The fields with the audio, of which a request has one."""
FIELDS: Final[dict[str, Check]] = {
    "model": string,
    "file_url": string,
    "file_id": string,
    "language": string,
    "temperature": decimal(0, 1.5),
    "stream": boolean,
    "diarize": boolean,
    "timestamp_granularities": array(one_of("segment", "word"), "strings"),
}
_LISTS: Final = ("timestamp_granularities", "context_bias")
"""The fields of a form that are lists, with one value, too."""


class MistralAudioRequest(AudioRequest):
    """A request with audio: a file of the form, a stored file or an address. Every model streams. Without a file, the
    SDK's form is URL-encoded, and a batch job's line is JSON; the journal has both whole."""

    booleans = frozenset({"stream", "diarize"})

    @property
    def has_uploaded_file(self) -> bool:  # type: ignore[override]  # a constant of other calls
        return self._media_type.startswith(FORM)

    @property
    def _media_type(self) -> str:
        return self.headers.get("content-type", "").lstrip().lower()

    @cached_property
    def is_form(self) -> bool:
        return self._media_type.startswith((FORM, URLENCODED))

    def _form_values(self) -> Iterator[tuple[str, Json]]:
        if not self._media_type.startswith(URLENCODED):
            return super()._form_values()
        return ((name, self._value(name, text)) for name, text in urlencoded_fields(self.raw))

    @cached_property
    def is_whisper(self) -> bool:
        return False

    def _form_body(self) -> dict[str, Json]:
        body = super()._form_body()
        return {
            name: [value] if name in _LISTS and type(value) is not list else value
            for name, value in body.items()
        }

    @cached_property
    def stored_audio(self) -> StoredObject | None:
        """The stored file that the request names."""
        id = text_of(self.fields.get("file_id"))
        return None if id is None else self.object_lookup.stored(FILES + id)

    @cached_property
    def audio_seconds(self) -> float | None:
        """How long a WAV file lasts; None for any other audio."""
        if self.stored_audio is not None:
            return wav_seconds(self.stored_audio.request_body)
        return wav_seconds(self.files[0].content) if self.files else None

    @property
    def diarize(self) -> bool:
        return self.fields.get("diarize") is True

    @property
    def has_segments(self) -> bool:
        return self.diarize or bool(self.fields.get("timestamp_granularities"))


def transcript(reply: Reply, request: MistralAudioRequest, vendor: Vendor) -> dict[str, Json]:
    """Return the members of a response, whole or at the end of a stream."""
    timed = timed_transcript(reply, request)
    texts = timed_words(timed.segments) if "word" in request.granularities else timed.segments
    body: dict[str, Json] = {
        "model": reply.model or request.model or DEFAULT_MODEL,
        "text": timed.text,
        "language": timed.language,
        "segments": [_segment(text, request) for text in texts] if request.has_segments else [],
        "usage": {**vendor.form.usage(reply.usage), "prompt_audio_seconds": ceil(timed.seconds)},
    }
    return reply.usage.null_or_remove_usage(merged_json(body, own_extras(reply)), "usage")


def _segment(text: TimedText, request: MistralAudioRequest) -> dict[str, Json]:
    segment: dict[str, Json] = {
        "type": "transcription_segment",
        "text": text.text,
        "start": text.start,
        "end": text.end,
    }
    return {**segment, "speaker_id": text.speaker} if request.diarize else segment


class MistralTranscriptionEncoder(MistralAudioEncoder):
    """The events of a stream: the language, the text, the segments, and the whole transcript."""

    def __init__(
        self, reply: Reply, request: MistralAudioRequest, identity: ResponseIdentity, vendor: Vendor
    ) -> None:
        super().__init__(reply, request, identity, vendor)
        self._transcript = transcript(reply, request, vendor)

    def start_stream(self) -> Iterable[Event]:
        return (audio_event("transcription.language", {"audio_language": self._transcript["language"]}),)

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        return (audio_event(DELTA, {"text": chunk}),)

    def end_choice(self, choice: int) -> Iterable[Event]:
        return [
            audio_event("transcription.segment", segment) for segment in objects(self._transcript["segments"])
        ]

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        yield "end", audio_event("transcription.done", self._transcript)


def _source_failure(request: MistralAudioRequest) -> Failure | None:
    """Return what is wrong with the audio of a request."""
    named = [name for name in SOURCES if request.fields.get(name) is not None]
    if not named:
        return refuse("One of 'file', 'file_url' and 'file_id' is required.", "file")
    if len(named) > 1:
        return refuse(
            f"Only one of 'file', 'file_url' and 'file_id' is allowed, not {len(named)}.", named[-1]
        )
    if named == ["file"] and not any(file.field == "file" for file in request.files):
        return refuse("Invalid 'file': expected a file that a form uploads.", "file")
    return None


class MistralTranscriptions(MistralAudioCall, Transcriptions):
    """POST /v1/audio/transcriptions."""

    request_class = MistralAudioRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, MistralAudioRequest)
        failure = check_readable(request) or check_required(request.fields, "model")
        if failure is not None:
            return failure
        failure = _source_failure(request) or check_fields(request.fields, FIELDS)
        id = text_of(request.fields.get("file_id"))
        if failure is None and id is not None and request.stored_audio is None:
            return missing_file(id)
        return failure

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, MistralAudioRequest)
        return self.body_plan(transcript(reply, request, self.vendor), identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, MistralAudioRequest)
        encoder = MistralTranscriptionEncoder(reply, request, identity, self.vendor)
        return self.stream_plan(encoder, identity)

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, MistralAudioRequest)
        return super().encoding_key(request), request.audio_seconds
