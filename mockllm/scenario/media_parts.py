"""From the specs of media to the parts of a reply."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Final

from mockllm.core.media.audio import DEFAULT_SECONDS, make_audio
from mockllm.core.media.images import ImageSize, make_image, size_of
from mockllm.core.media.video import VIDEO_TYPE, make_video
from mockllm.core.reply.reply import Media
from mockllm.core.reply.transcript import Transcript, TranscriptSegment
from mockllm.core.request.request import Request
from mockllm.scenario.language.media import AudioSpec, ImageSpec, MediaSpec, TranscriptSpec, VideoSpec

PNG: Final = "image/png"
MIME_TYPES: Final = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "png": PNG,
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "opus": "audio/opus",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "pcm": "audio/pcm",
    "mp4": "video/mp4",
    "webm": "video/webm",
}
"""Media types by file suffix."""
DEFAULT_SIZE: Final = ImageSize(1024, 1024)

ReadFile = Callable[[str], bytes]


def image_part(spec: ImageSpec, files: ReadFile, request: Request) -> Media:
    """Return an image. One of an unknown type is a PNG, and so is a generated one, of the prompt."""
    if spec.file is None and spec.data is None:
        text = str(spec.size)
        data = make_image("png", size_of(text) or DEFAULT_SIZE, request.user or "")
        return Media(PNG, b64encode(data).decode(), size=text, generated=True)
    return _written(spec, files, PNG)


def audio_part(spec: AudioSpec, files: ReadFile, request: Request) -> Media:
    """Return audio; generated audio is a WAV file."""
    seconds = spec.duration
    if spec.file is None and spec.data is None:
        data = make_audio("wav", DEFAULT_SECONDS if seconds is None else seconds, request.user or "")
        return Media("audio/wav", b64encode(data).decode(), seconds=seconds, generated=True)
    return _written(spec, files, "audio/wav")


def video_part(spec: VideoSpec, files: ReadFile, request: Request) -> Media:
    """Return a video; a generated one is an MP4 file."""
    seconds = spec.duration
    if spec.file is None and spec.data is None:
        size = None if spec.size is None else str(spec.size)
        pixels = size_of(size or "") or DEFAULT_SIZE
        data = make_video(pixels, DEFAULT_SECONDS if seconds is None else seconds, request.user or "")
        return Media(VIDEO_TYPE, b64encode(data).decode(), seconds=seconds, size=size, generated=True)
    return _written(spec, files, VIDEO_TYPE)


def _written(spec: MediaSpec, files: ReadFile, usual: str) -> Media:
    if spec.file is None:
        return Media(spec.mime_type or usual, str(spec.data))
    kind = spec.mime_type or MIME_TYPES.get(spec.file.rpartition(".")[2].lower(), usual)
    return Media(kind, b64encode(files(spec.file)).decode())


def transcript_of(spec: TranscriptSpec) -> Transcript:
    """Return what a spec states of a transcript."""
    segments = spec.segments or ()
    duration = spec.duration
    return Transcript(
        spec.language,
        duration,
        tuple(TranscriptSegment(str(part.text), part.start, part.end, part.speaker) for part in segments),
    )
