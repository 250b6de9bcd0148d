"""Requests for videos, and their checks. Parameters: `VideoCreateParams`, `VideoRemixParams`, `VideoEditParams` and
`VideoExtendParams` of the SDK 3.52; messages have the usual form, which was not verified for these calls."""

from __future__ import annotations

from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import object_of, text_of
from mockllm.core.media.images import ImageSize, size_of
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate
from mockllm.dialects.openai.calls import stored_object_note
from mockllm.dialects.openai.media.media_request import MediaRequest
from mockllm.dialects.openai.media.video_jobs import last_state
from mockllm.dialects.openai.validators import (
    Check,
    check_fields,
    check_readable,
    check_required,
    one_of,
    string,
    text,
)

PREFIX: Final = "video_"
DEFAULT_MODEL: Final = "sora-2"
DEFAULT_SIZE: Final = "720x1280"
DEFAULT_SECONDS: Final = "4"
SIZES: Final = ("720x1280", "1280x720", "1024x1792", "1792x1024")
FIELDS: Final[dict[str, Check]] = {
    "prompt": text(32_000),
    "model": string,
    "size": one_of(*SIZES),
    "seconds": one_of("4", "8", "12", "16", "20"),
}


class VideosRequest(MediaRequest):
    """A request that creates a video; its job runs in the background."""

    api = "videos"
    background = True
    has_uploaded_file = True

    @cached_property
    def source_id(self) -> str | None:
        """The id of the video that the new one is made of; None for a new one."""
        return None

    @cached_property
    def source(self) -> dict[str, Json]:
        """The video that the new one is made of."""
        stored = None if self.source_id is None else self.object_lookup.stored(self.source_id)
        return {} if stored is None or stored.timeline is None else last_state(stored.timeline)

    @cached_property
    def model(self) -> str | None:
        return text_of(self.fields.get("model")) or text_of(self.source.get("model"))

    @cached_property
    def size(self) -> str:
        wanted = text_of(self.fields.get("size")) or text_of(self.source.get("size")) or DEFAULT_SIZE
        return wanted if size_of(wanted) is not None else DEFAULT_SIZE

    def pixels_of(self, stated: str | None) -> ImageSize:
        """Return a size that a scenario states, else that of the request."""
        return size_of(stated or self.size) or ImageSize(720, 1280)

    @cached_property
    def seconds(self) -> str:
        wanted = text_of(self.fields.get("seconds")) or text_of(self.source.get("seconds"))
        return wanted if wanted is not None and wanted.isdecimal() and len(wanted) < 4 else DEFAULT_SECONDS

    @cached_property
    def input_tokens(self) -> int:
        return estimate(self.user or "")


class VideoRemixRequest(VideosRequest):
    api = "video_remix"
    has_uploaded_file = False

    @cached_property
    def source_id(self) -> str | None:
        return self.path_variables.get("video", "")


class VideoEditRequest(VideosRequest):
    """A request that edits or extends a video, which it names or contains."""

    api = "video_edits"

    @cached_property
    def source_id(self) -> str | None:
        named = text_of(object_of(self.fields.get("video")).get("id"))
        return named or text_of(self.fields.get("video[id]"))


def check(request: Request) -> Failure | None:
    assert isinstance(request, VideosRequest)
    error = check_readable(request) or check_required(request.fields, "prompt")
    if error is not None:
        return error
    if request.source_id is not None and not request.source:
        return not_found(request.source_id)
    return check_fields(request.fields, FIELDS)


def not_found(id: str) -> Failure:
    note = stored_object_note("video", "stored_videos")
    return Failure("not_found", message=f"Video with id '{id}' not found.", note=note)
