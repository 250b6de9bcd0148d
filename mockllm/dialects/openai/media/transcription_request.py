"""Requests for transcriptions and translations, and their checks.

Parameters: `TranscriptionCreateParams` and `TranslationCreateParams` of the SDK 3.52. The refusal of a format that a
model lacks is reported in public issues.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import text_of, texts
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate
from mockllm.dialects.openai.media.media_request import MediaRequest
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

WHISPER: Final = "whisper"
DIARIZE: Final = "diarize"
FORMATS: Final = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
PLAIN_FORMATS: Final = ("json", "text")
TOKENS_PER_SECOND: Final = 10
"""Audio tokens of the input."""
ENGLISH: Final = "english"
LANGUAGES: Final[Mapping[str, str]] = {
    "ar": "arabic", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": ENGLISH, "es": "spanish",
    "fi": "finnish", "fr": "french", "he": "hebrew", "hi": "hindi", "hu": "hungarian", "id": "indonesian",
    "it": "italian", "ja": "japanese", "ko": "korean", "nl": "dutch", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sv": "swedish", "th": "thai", "tr": "turkish",
    "uk": "ukrainian", "vi": "vietnamese", "zh": "chinese",
}  # fmt: skip
"""The names that Whisper returns, by code."""
FIELDS: Final[dict[str, Check]] = {
    "model": string,
    "language": string,
    "prompt": string,
    "response_format": one_of(*FORMATS),
    "stream": boolean,
    "temperature": decimal(0, 1),
    "include": array(one_of("logprobs"), "strings"),
    "timestamp_granularities": array(one_of("word", "segment"), "strings"),
}


class AudioRequest(MediaRequest):
    """A request for a transcription. Whisper does not stream."""

    api = "transcriptions"
    has_uploaded_file = True
    numbers = frozenset({"temperature"})
    input_kind = "audio"
    task: ClassVar[str] = "transcribe"

    @cached_property
    def stream(self) -> bool:
        return self.fields.get("stream") is True and not self.is_whisper

    @cached_property
    def is_whisper(self) -> bool:
        return (self.model or "").startswith(WHISPER)

    @cached_property
    def format(self) -> str:
        wanted = text_of(self.fields.get("response_format")) or "json"
        return wanted if wanted in FORMATS else "json"

    @cached_property
    def granularities(self) -> frozenset[str]:
        """The units with times in a verbose response: segments by default."""
        return frozenset(texts(self.fields.get("timestamp_granularities"))) or frozenset({"segment"})

    @cached_property
    def includes_logprobs(self) -> bool:
        return "logprobs" in texts(self.fields.get("include"))

    @cached_property
    def language(self) -> str:
        """The code of the language that the client names; English by default."""
        wanted = text_of(self.fields.get("language")) or next(texts(self.fields.get("languages")), None)
        return wanted or "en"

    @cached_property
    def input_tokens(self) -> int:
        audio = 0 if self.audio_seconds is None else round(self.audio_seconds * TOKENS_PER_SECOND)
        return audio + self.text_tokens

    @property
    def text_tokens(self) -> int:
        prompt = text_of(self.fields.get("prompt"))
        return 0 if prompt is None else estimate(prompt)


class TranslationRequest(AudioRequest):
    """A request for a translation into English."""

    api = "translations"
    task = "translate"

    @cached_property
    def stream(self) -> bool:
        return False

    @cached_property
    def is_whisper(self) -> bool:
        return True

    @cached_property
    def language(self) -> str:
        return "en"


def check(request: Request) -> Failure | None:
    assert isinstance(request, AudioRequest)
    body = request.fields
    error = check_readable(request) or check_required(body, "file", "model") or check_fields(body, FIELDS)
    return error or _check_format(request, body)


def _check_format(request: AudioRequest, body: Mapping[str, Json]) -> Failure | None:
    """Return the refusal of a format that the model lacks: only Whisper has subtitles and times."""
    wanted, model = body.get("response_format"), request.model or ""
    allowed = (*PLAIN_FORMATS, "diarized_json") if DIARIZE in model else PLAIN_FORMATS
    if wanted is None or wanted in allowed or (request.is_whisper and wanted != "diarized_json"):
        return None
    if not request.is_whisper and "transcribe" not in model:
        return None
    use = " or ".join(f"'{name}'" for name in (FORMATS[:5] if request.is_whisper else allowed))
    message = f"response_format '{wanted}' is not compatible with model '{model}'. Use {use} instead."
    return refuse(message, "response_format", "unsupported_value")
