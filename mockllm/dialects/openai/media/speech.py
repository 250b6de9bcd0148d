"""Speech: POST /v1/audio/speech, as bytes in HTTP chunks or as events.

Parameters: `SpeechCreateParams` of the SDK 3.52. The events `speech.audio.delta` and `speech.audio.done` are in the
provider's published specification; no recording was at hand. Errors have the usual form, which was not
verified for this one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import decoded, text_of
from mockllm.core.media.audio import AUDIO_TYPES, make_audio
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.plan import CutStep, EventKind, EventStep, Framing, Plan, Step
from mockllm.core.reply.reply import Media, Reply, Text
from mockllm.core.reply.transcript import speech_seconds
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.headers import LIMITS, OPENAI, STREAM_HEADERS, head
from mockllm.dialects.openai.media.media_call import (
    MediaCall,
    base64_of,
    error_event,
    own_extras,
)
from mockllm.dialects.openai.media.media_request import MediaRequest
from mockllm.dialects.openai.validators import (
    Check,
    check_fields,
    check_readable,
    check_required,
    decimal,
    one_of,
    refuse,
    string,
    text,
)

MAX_INPUT: Final = 4096
SLOWEST: Final = 0.25
FASTEST: Final = 4.0
TOKENS_PER_SECOND: Final = 20
"""Audio tokens; the provider publishes no rule."""
CHUNK_SECONDS: Final = 0.5
FILE_CHUNK: Final = 8192
"""Bytes of a chunk of a file, whose length in seconds is not known."""
MAX_CHUNKS: Final = 200
FIELDS: Final[dict[str, Check]] = {
    "input": text(MAX_INPUT),
    "model": string,
    "instructions": string,
    "response_format": one_of(*AUDIO_TYPES),
    "speed": decimal(SLOWEST, FASTEST),
    "stream_format": one_of("sse", "audio"),
}


class SpeechRequest(MediaRequest):
    """A request for speech. Its response is always sent as it is made: `stream` is true."""

    api = "speech"

    @cached_property
    def stream(self) -> bool:
        return True

    @cached_property
    def as_events(self) -> bool:
        return self.fields.get("stream_format") == "sse"

    @cached_property
    def format(self) -> str:
        wanted = text_of(self.fields.get("response_format")) or "mp3"
        return wanted if wanted in AUDIO_TYPES else "mp3"

    @cached_property
    def speed(self) -> float:
        value = self.fields.get("speed")
        return min(FASTEST, max(SLOWEST, value)) if isinstance(value, int | float) else 1.0

    @cached_property
    def input_tokens(self) -> int:
        return estimate(self.user or "")


def check(request: Request) -> Failure | None:
    assert isinstance(request, SpeechRequest)
    body = request.fields
    error = check_readable(request) or check_required(body, "model", "input", "voice")
    if error is not None:
        return error
    if request.as_events and (request.model or "").startswith("tts-1"):
        return refuse(f"stream_format 'sse' is not supported for model '{request.model}'.", "stream_format")
    return check_fields(body, FIELDS)


class SpeechEncoder(Encoder):
    """Chunks of bytes, or events with them in base64."""

    def __init__(self, reply: Reply, request: SpeechRequest, identity: ResponseIdentity) -> None:
        super().__init__(reply)
        self._request, self._identity = request, identity

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        if not self._request.as_events:
            return ((decoded(chunk) or b"", None),)
        return ((dumps({"type": "speech.audio.delta", "audio": chunk}), None),)

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        if self._request.as_events:
            counted = self.reply.usage
            usage: dict[str, Json] = {
                "input_tokens": counted.input,
                "output_tokens": counted.output,
                "total_tokens": counted.total,
            }
            done = counted.null_or_remove_usage({"type": "speech.audio.done", "usage": usage}, "usage")
            yield "end", (dumps({**done, **own_extras(self.reply)}), None)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        return error_event(failure, self._request, self._identity) if self._request.as_events else ()


class Speech(MediaCall):
    """POST /v1/audio/speech."""

    api = "speech"
    request_class = SpeechRequest

    check = staticmethod(check)

    def with_required_media(self, reply: Reply, request: Request) -> Reply:
        """Return the reply with audio that says its text, else the input of the request."""
        assert isinstance(request, SpeechRequest)
        own = reply.media("audio")
        words = "".join(choice.text for choice in reply.choices) or (request.user or "")
        seconds = speech_seconds(words) / request.speed
        if own and own[0].generated and own[0].seconds is not None:
            seconds = own[0].seconds
        if own and not own[0].generated:
            audio = own[0]
        elif reply.failure is not None and not own:
            return reply.with_parts(())
        else:
            data = make_audio(request.format, seconds, words)
            audio = Media(AUDIO_TYPES[request.format], base64_of(data), seconds=seconds, generated=True)
        usage = reply.usage
        if not usage.output or any(type(part) is Text for part in reply.parts):
            usage = replace(usage, output=round(seconds * TOKENS_PER_SECOND))
        return reply.with_usage(usage).with_parts([audio])

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        """Return the reply's audio, in chunks of half a second each."""
        return reply.with_parts([_in_chunks(part) for part in reply.media("audio")[:1]])

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        """Return the audio whole (`stream: false` of a scenario)."""
        assert isinstance(request, SpeechRequest)
        body = b"".join(decoded(part.data) or b"" for part in reply.media("audio"))
        return Plan(head(200, _pairs(reply, request), identity), (EventStep(body, 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, SpeechRequest)
        steps: list[Step] = list(encode(SpeechEncoder(reply, request, identity)))
        if request.as_events:
            return Plan(head(200, STREAM_HEADERS, identity), tuple(steps), Framing.SSE)
        if reply.failure is not None:  # bytes have no form for an error
            steps.append(CutStep("close", steps[-1].chunk_number if steps else 0))
        return Plan(head(200, _pairs(reply, request), identity), tuple(steps), Framing.BYTES)


def _pairs(reply: Reply, request: SpeechRequest) -> tuple[tuple[str, str], ...]:
    own = reply.media("audio")
    mime = own[0].mime if own else AUDIO_TYPES[request.format]
    return (("content-type", mime), *OPENAI, *LIMITS)


def _in_chunks(part: Media) -> Media:
    """Return the audio with its chunks in base64."""
    if part.chunks != ("",):
        return part
    data = decoded(part.data) or b""
    count = len(data) // FILE_CHUNK if part.seconds is None else round(part.seconds / CHUNK_SECONDS)
    count = min(MAX_CHUNKS, max(1, count))
    size = max(1, -(-len(data) // count))
    chunks = tuple(base64_of(data[at : at + size]) for at in range(0, len(data), size))
    return replace(part, chunks=chunks)
