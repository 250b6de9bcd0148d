"""Checks of the audio that a chat request wants.

Sources: `ChatCompletionAudioParam` and `CompletionCreateParams` of the SDK, and public reports of the refusals of a
missing voice and of a streamed format.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.dialects.openai.validators import (
    Check,
    members,
    missing_parameter,
    one_of,
    refuse,
    string,
    supported_values,
    text_or,
)

STREAMED: Final = "pcm16"
"""The only format of audio in a stream."""
FORMATS: Final = ("wav", "aac", "mp3", "flac", "opus", STREAMED)
audio: Final[Check] = members(
    ("format", "voice"),
    {"format": one_of(*FORMATS), "voice": text_or(dict, members(("id",), {"id": string}), "object")},
)
"""The check of the field `audio`."""


def check_wanted_audio(body: dict[str, Json]) -> Failure | None:
    """Return the error of wanted audio without the field `audio`, or in a stream that is not PCM. Both fields are
    well-formed."""
    if "audio" not in (body.get("modalities") or ()):
        return None
    if body.get("audio") is None:
        return missing_parameter("audio")
    format_ = body["audio"]["format"]
    if body.get("stream") is not True or format_ == STREAMED:
        return None
    message = f"Unsupported value: 'audio.format' does not support '{format_}' when stream=true."
    return refuse(f"{message} {supported_values([STREAMED])}", "audio.format", "unsupported_value")
