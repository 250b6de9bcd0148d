"""Requests to xAI for images, and their checks.

Fields and words: xAI's REST reference of images (docs.x.ai). Its guide names the range of `n`, and JSON as the only
form of an edit. The sizes are inferred but for one: a public measurement of May 2026 found 1408x768 for 16:9 at 1k.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.media.images import ImageSize
from mockllm.core.request.messages import MediaPart, Message
from mockllm.core.request.request import Request
from mockllm.dialects.openai.media.images_request import MAX_IMAGES, JsonImagesRequest
from mockllm.dialects.openai.validators import (
    Check,
    array,
    check_fields,
    check_readable,
    integer,
    members,
    missing_parameter,
    one_of,
    refuse,
    string,
    text_of_length,
)

MODELS: Final = frozenset({"grok-imagine-image", "grok-imagine-image-quality", "grok-2-image"})
RATIOS: Final = (
    "1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2", "9:19.5", "19.5:9", "9:20", "20:9", "1:2", "2:1", "21:9",
    "5:2", "auto"
)  # fmt: skip
RESOLUTIONS: Final = {"1k": 1024, "1.5k": 1536, "2k": 2048}
"""The edge of a square image of each resolution."""
STEP: Final = 8
"""Each edge is a multiple of an eighth of that of a square image."""
MAX_SOURCES: Final = 5
"""The largest number of images to edit: that of a public measurement of May 2026. The guide says 3."""
MAX_PROMPT: Final = 32_000
"""The characters of a prompt at most: this server's bound, since xAI names none."""
_members: Final = members((), {"url": string, "file_id": string, "type": string})


def _source(value: Json, path: str) -> Failure | None:
    """Check an image to edit: an address, or the id of a file."""
    failure = _members(value, path)
    if failure is None and value.get("url") is None and value.get("file_id") is None:
        return missing_parameter(f"{path}.url")
    return failure


FIELDS: Final[Mapping[str, Check]] = {
    "model": string,
    "prompt": text_of_length(MAX_PROMPT),
    "n": integer(1, MAX_IMAGES),
    "aspect_ratio": one_of(*RATIOS),
    "resolution": one_of(*RESOLUTIONS),
    "quality": one_of("low", "medium", "high"),
    "response_format": one_of("url", "b64_json"),
    "user": string,
}
EDIT_FIELDS: Final[Mapping[str, Check]] = {
    **FIELDS,
    "image": _source,
    "images": array(_source, "objects", min_length=1, max_length=MAX_SOURCES),
    "mask": _source,
}


class XaiImagesRequest(JsonImagesRequest):
    """A request for images. A stream is unknown to the reference."""

    documented_fields: ClassVar[frozenset[str] | None] = frozenset(FIELDS)
    checks: ClassVar[Mapping[str, Check]] = FIELDS

    @cached_property
    def is_gpt(self) -> bool:
        return False

    @cached_property
    def size(self) -> ImageSize:
        resolution, ratio = self.fields.get("resolution"), self.fields.get("aspect_ratio")
        edge = RESOLUTIONS.get(resolution, 1024) if type(resolution) is str else 1024
        if type(ratio) is not str or ratio not in RATIOS or ratio == "auto":
            return ImageSize(edge, edge)
        width, height = map(float, ratio.split(":"))
        root = (width / height) ** 0.5
        return ImageSize(*(round(STEP * part) * edge // STEP for part in (root, 1 / root)))

    @cached_property
    def format(self) -> str:
        return "jpeg"

    @property
    def output_tokens(self) -> int:
        """None: xAI counts no tokens of images."""
        return 0

    @property
    def sources(self) -> int:
        """The number of images to edit."""
        return 0


class XaiImageEditRequest(XaiImagesRequest):
    api = "image_edits"
    documented_fields = frozenset(EDIT_FIELDS)
    required = ("prompt", "image")
    checks = EDIT_FIELDS

    @cached_property
    def sources(self) -> int:
        one, several = self.fields.get("image"), self.fields.get("images")
        return int(one is not None) + (len(several) if type(several) is list else int(several is not None))

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        images = (MediaPart("image"),) * self.sources
        return tuple(Message("user", (*message.parts, *images)) for message in super().messages)


def check(request: Request) -> Failure | None:
    """Return the first error: a body that is no object, a missing field, then the fields in their order."""
    assert isinstance(request, XaiImagesRequest)
    failure = check_readable(request)
    if failure is not None:
        return failure
    for name in request.required:
        if request.fields.get(name) is None and not (name == "image" and request.sources):
            return missing_parameter(name)
    failure = check_fields(request.fields, request.checks)
    if failure is None and request.sources > MAX_SOURCES:
        message = f"An edit has at most {MAX_SOURCES} images, but the request has {request.sources}."
        return refuse(message, "images", "invalid_value")
    return failure
