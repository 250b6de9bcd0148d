"""POST /v1/audio/speech: audio in JSON, or as events.

From the types of the `mistralai` package (3.7: `SpeechRequest`, `SpeechResponse`, `SpeechStreamEvents`); there is no
recording. Inferred are the format where the request names none, and the length of a chunk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import EncoderPosition, Event
from mockllm.core.rendering.plan import EventKind, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.mistral.audio_call import MistralAudioCall, MistralAudioEncoder, audio_event
from mockllm.dialects.openai.media.media_call import own_extras
from mockllm.dialects.openai.media.speech import MAX_INPUT, Speech, SpeechRequest
from mockllm.dialects.openai.validators import (
    Check,
    boolean,
    check_fields,
    check_readable,
    check_required,
    one_of,
    string,
    text_of_length,
)

FIELDS: Final[dict[str, Check]] = {
    "input": text_of_length(MAX_INPUT),
    "model": string,
    "voice_id": string,
    "ref_audio": string,
    "stream": boolean,
    "response_format": one_of("pcm", "wav", "mp3", "flac", "opus"),
}


class MistralSpeechRequest(SpeechRequest):
    """A request for speech, which streams events or nothing."""

    @cached_property
    def stream(self) -> bool:
        return self.fields.get("stream") is True


class MistralSpeechEncoder(MistralAudioEncoder):
    """Events with parts of the audio in base64."""

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        return (audio_event("speech.audio.delta", {"audio_data": chunk}),)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        done = {"usage": self._vendor.form.usage(self.reply.usage)}
        members = self.reply.usage.null_or_remove_usage(merged_json(done, own_extras(self.reply)), "usage")
        yield "end", audio_event("speech.audio.done", members)


class MistralSpeech(MistralAudioCall, Speech):
    """POST /v1/audio/speech."""

    request_class = MistralSpeechRequest

    def check(self, request: Request) -> Failure | None:
        failure = check_readable(request) or check_required(request.fields, "input")
        return failure or check_fields(request.fields, FIELDS)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        audio = reply.media("audio")
        body = {"audio_data": audio[0].data if audio else ""}
        return self.body_plan(merged_json(body, own_extras(reply)), identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return self.stream_plan(MistralSpeechEncoder(reply, request, identity, self.vendor), identity)
