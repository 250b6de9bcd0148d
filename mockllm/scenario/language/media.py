"""Media in replies: images, audio, videos and transcripts, from a file, as written, or generated."""

from typing import Annotated, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from mockllm.core.media.images import size_of
from mockllm.core.quantities.types import quantity_error
from mockllm.core.values.types import Drawable, Duration, Templated
from mockllm.scenario.diagnostics import scalar_text
from mockllm.scenario.language.base import Spec, short_form


def _no_scalar(value: object) -> None:
    """Raise an error for an unquoted text that YAML reads as a number or boolean."""
    if isinstance(value, (bool, int, float)):
        raise quantity_error(f"expected a file or a mapping, found {scalar_text(value)}")


class MediaSpec(Spec):
    """The bytes of an image, of audio or of a video."""

    file: str | None = None
    """A file of the same folder or pack."""
    data: Templated[str] | None = None
    """The content in base64, in place of a file."""
    mime_type: Templated[str] | None = None
    """The media type; by the file's name by default, else that of the generated or usual format."""

    @model_validator(mode="after")
    def one_source(self) -> Self:
        sources = [
            name for name in ("file", "data", "size", "duration") if getattr(self, name, None) is not None
        ]
        if {"file", "data"} & set(sources) and len(sources) > 1:
            raise PydanticCustomError(
                "media", "{names} are set; write one of them", {"names": " and ".join(sources)}
            )
        return self


def _size(value: str) -> str:
    if size_of(value) is None:
        raise quantity_error(f'expected a size such as 1024x768, found "{value[:40]}"')
    return value


class SizedSpec(MediaSpec):
    """Media with a size in pixels."""

    size: Templated[Annotated[str, AfterValidator(_size)]] | None = None
    """The width and height of a generated picture: `1024x768`; by default that of the request."""


class ImageSpec(SizedSpec):
    """An image that the model generated, sent if the protocol has images."""

    @model_validator(mode="after")
    def some_source(self) -> Self:
        if self.file is None and self.data is None and self.size is None:
            raise PydanticCustomError("image", "an image is one of file, data and size")
        return self


Image: TypeAlias = Annotated[ImageSpec, short_form("file", _no_scalar)]


class AudioSpec(MediaSpec):
    """Audio that the model generated, sent if the protocol has audio."""

    duration: Drawable[Duration] | None = None
    """How long generated audio lasts; by default as long as the text takes to say."""


Audio: TypeAlias = Annotated[AudioSpec, short_form("file", _no_scalar)]


class VideoSpec(SizedSpec):
    """A video that the model generated, sent if the protocol has videos."""

    duration: Drawable[Duration] | None = None
    """How long a generated video lasts; by default that of the request."""


Video: TypeAlias = Annotated[VideoSpec, short_form("file", _no_scalar)]


class TranscriptSegmentSpec(Spec):
    """A part of a transcript."""

    text: Templated[str]
    """The words."""
    start: Drawable[Duration] | None = None
    """When the part begins; by default where the part before it ends."""
    end: Drawable[Duration] | None = None
    """When it ends; by default after the time that the words take to say."""
    speaker: Templated[str] | None = None
    """The speaker, of a transcript with speakers; A by default."""


class TranscriptSpec(Spec):
    """What a transcript has beside its text."""

    language: Templated[str] | None = None
    """The language of the audio as the response names it; by default that of the request, else English."""
    duration: Drawable[Duration] | None = None
    """The length of the audio; by default that of an uploaded WAV file, else the time that the text takes to say."""
    segments: Annotated[list[TranscriptSegmentSpec], Field(min_length=1)] | None = None
    """The parts; by default the sentences of the text. Without a text they are the text."""
