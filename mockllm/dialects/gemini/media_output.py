"""Images and audio of generateContent: `responseModalities` without a text gets generated media.

A request for audio alone gets its text as speech: 16-bit samples at 24 kHz, as `audio/L16` (the provider's guide to
speech generation). A request for images gets one where the reply has none. A request for images alone gets no text:
the list is "an exact match to the modalities of the response" (the provider's reference).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.media.audio import make_audio
from mockllm.core.media.images import ImageSize, make_image
from mockllm.core.reply.reply import Choice, Media, Part, Reply, Text, Thinking
from mockllm.core.reply.transcript import speech_seconds

AUDIO: Final = "AUDIO"
IMAGE: Final = "IMAGE"
TEXT: Final = "TEXT"
SPEECH_TYPE: Final = "audio/L16;codec=pcm;rate=24000"
SIZES: Final = {
    "1:1": ImageSize(1024, 1024),
    "2:3": ImageSize(832, 1248),
    "3:2": ImageSize(1248, 832),
    "3:4": ImageSize(864, 1184),
    "4:3": ImageSize(1184, 864),
    "4:5": ImageSize(896, 1152),
    "5:4": ImageSize(1152, 896),
    "9:16": ImageSize(768, 1344),
    "16:9": ImageSize(1344, 768),
    "21:9": ImageSize(1536, 672),
}
"""The sizes of images by aspect ratio (the provider's guide to image generation)."""


def image_size(ratio: Json) -> ImageSize:
    return SIZES.get(ratio if type(ratio) is str else "", SIZES["1:1"])


def with_modalities(reply: Reply, modalities: Sequence[str], size: ImageSize, subject: str) -> Reply:
    """Return the reply with the media that the request requires."""
    if modalities == [AUDIO]:
        return _with_choices(reply, [_as_audio(choice, subject) for choice in reply.choices])
    if IMAGE in modalities:
        choices = _pictured(reply.choices, size, subject)
        return _with_choices(reply, choices if TEXT in modalities else [*map(_without_text, choices)])
    return reply


def _with_choices(reply: Reply, choices: list[Choice]) -> Reply:
    return reply if tuple(choices) == reply.choices else replace(reply, choices=tuple(choices))


def _as_audio(choice: Choice, subject: str) -> Choice:
    """Return a choice with its texts as one part of audio."""
    if any(type(part) is Media for part in choice.parts):
        parts = tuple(
            _as_samples(part, choice.text) if type(part) is Media else part for part in choice.parts
        )
        return _without_text(replace(choice, parts=parts))
    if not choice.text:
        return choice
    rest: list[Part] = [part for part in choice.parts if type(part) is not Text]
    return replace(choice, parts=(*rest, _samples(speech_seconds(choice.text), choice.text)))


def _without_text(choice: Choice) -> Choice:
    """Return a choice that has media without its texts."""
    if not any(type(part) is Media for part in choice.parts):
        return choice
    return replace(choice, parts=tuple(part for part in choice.parts if type(part) is not Text))


def _as_samples(part: Media, text: str) -> Media:
    """Return generated audio as samples; a file as it is."""
    if not part.generated or part.kind != "audio" or part.mime == SPEECH_TYPE:
        return part
    return _samples(speech_seconds(text) if part.seconds is None else part.seconds, text)


def _samples(seconds: float, text: str) -> Media:
    data = b64encode(make_audio("pcm", seconds, text)).decode()
    return Media(SPEECH_TYPE, data, seconds=seconds, generated=True)


def _pictured(choices: Sequence[Choice], size: ImageSize, subject: str) -> list[Choice]:
    """Return the choices, with an image in each that has no media, refuses nothing, and calls no tool."""
    lacking = [all(type(part) in (Text, Thinking) for part in choice.parts) for choice in choices]
    if not any(lacking):
        return [*choices]
    image = Media("image/png", b64encode(make_image("png", size, subject)).decode(), generated=True)
    return [
        replace(choice, parts=(*choice.parts, image)) if lacks else choice
        for choice, lacks in zip(choices, lacking, strict=True)
    ]
