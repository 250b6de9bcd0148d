"""Requests for images, and their checks.

Names, words and ranges: `ImageGenerateParams`, `ImageEditParams` and `ImageCreateVariationParams` of the SDK 3.52.
Public issues report that a GPT image model refuses `response_format`, and that DALL-E 2 refuses `style`; its refusal
of `quality` is recorded. Messages about sizes are inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import text_of
from mockllm.core.media.images import IMAGE_TYPES, ImageSize, size_of
from mockllm.core.request.request import Request
from mockllm.core.tokens import estimate
from mockllm.dialects.openai.media.media_request import MediaRequest
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    check_fields,
    check_readable,
    integer,
    missing_parameter,
    object_,
    one_of,
    refuse,
    string,
    text,
    unsupported,
    wrong_type,
)

DEFAULT_MODEL: Final = "gpt-image-2"
MAX_IMAGES: Final = 10
MAX_PARTIAL: Final = 3
IMAGE_TOKENS: Final = 194
"""The tokens of an image of a request, as public examples of usage have them for 1024x1024."""
OUTPUT_TOKENS: Final[Mapping[str, tuple[int, int, int]]] = {
    "low": (272, 408, 400),
    "medium": (1056, 1584, 1568),
    "high": (4160, 6240, 6208),
}
"""The tokens of an image by quality: square, portrait, landscape (the provider's guide to image generation)."""
SIZES: Final[Mapping[str, tuple[str, ...]]] = {
    "dall-e-2": ("256x256", "512x512", "1024x1024"),
    "dall-e-3": ("1024x1024", "1792x1024", "1024x1792"),
    "gpt-image-1": ("1024x1024", "1024x1536", "1536x1024", "auto"),
}
"""The sizes of models that have no others, by the beginning of their names."""
GPT: Final = ("gpt-", "chatgpt-")
"""The beginnings of the names of models that refuse `response_format`."""
QUALITIES: Final = ("low", "medium", "high", "auto")
_LATER_QUALITIES: Final = ("xhigh", "max")
"""Documented qualities that the messages of measured models do not name."""
FIELDS: Final[dict[str, Check]] = {
    "model": string,
    "prompt": text(32_000),
    "images": array(object_, "objects", min_length=1),
    "n": integer(1, MAX_IMAGES),
    "quality": one_of(*QUALITIES, *_LATER_QUALITIES, "standard", "hd"),
    "background": one_of("transparent", "opaque", "auto"),
    "moderation": one_of("auto", "low"),
    "output_format": one_of("png", "webp", "jpeg", unlisted=("gif", "svg")),
    "output_compression": integer(0, 100),
    "partial_images": integer(0, MAX_PARTIAL),
    "style": one_of("vivid", "natural"),
    "response_format": one_of("url", "b64_json"),
    "size": string,
    "stream": boolean,
}
"""The checks of the fields, in the order of the service."""
_gpt_quality: Final = one_of(*QUALITIES, unlisted=_LATER_QUALITIES)


_SHARED_FIELDS: Final = frozenset({
    "background", "complexity", "frame_count", "frame_duration_ms", "model", "n", "output_compression",
    "output_format", "partial_images", "prompt", "quality", "response_format", "safety_identifier", "size", "stream",
    "svg", "user"
})  # fmt: skip
"""The fields of generations and edits, as the types of the SDK name them."""


class ImagesRequest(MediaRequest):
    """A request for images: generations take JSON, edits and variations a form or JSON."""

    api = "images"
    documented_fields: ClassVar[frozenset[str] | None] = _SHARED_FIELDS | {"moderation", "style"}
    numbers = frozenset({"n", "output_compression", "partial_images", "frame_count", "frame_duration_ms"})
    required: ClassVar[tuple[str, ...]] = ("prompt",)

    @cached_property
    def is_gpt(self) -> bool:
        """Whether it is a GPT image model, which returns the images themselves, and reports usage."""
        return not (self.model or DEFAULT_MODEL).startswith("dall-e")

    @cached_property
    def count(self) -> int:
        value = self.fields.get("n")
        return min(MAX_IMAGES, max(1, value)) if type(value) is int else 1

    @cached_property
    def partials(self) -> int:
        """The number of partial images that a stream has before each image."""
        value = self.fields.get("partial_images")
        return min(MAX_PARTIAL, max(0, value)) if type(value) is int and self.stream else 0

    @cached_property
    def size(self) -> ImageSize:
        return size_of(text_of(self.fields.get("size")) or "") or ImageSize(1024, 1024)

    @cached_property
    def format(self) -> str:
        """The format of the images; those that are not generated here (gif, svg) are PNG."""
        wanted = text_of(self.fields.get("output_format")) or "png"
        return wanted if wanted in IMAGE_TYPES else "png"

    @cached_property
    def transparent(self) -> bool:
        return self.fields.get("background") == "transparent" and self.format != "jpeg"

    @cached_property
    def quality(self) -> str:
        wanted = text_of(self.fields.get("quality")) or "auto"
        return wanted if wanted in ("low", "medium", "high", "xhigh", "max") else "medium"

    @cached_property
    def by_url(self) -> bool:
        """Whether the response has addresses in place of the images."""
        wanted = self.fields.get("response_format")
        return wanted == "url" or (wanted != "b64_json" and not self.is_gpt)

    @property
    def image_tokens(self) -> int:
        """The tokens of the images in the request."""
        return IMAGE_TOKENS * len(self.files)

    @cached_property
    def input_tokens(self) -> int:
        return estimate(self.user or "") + self.image_tokens

    @property
    def output_tokens(self) -> int:
        """The tokens of one image."""
        square, portrait, landscape = OUTPUT_TOKENS.get(self.quality, OUTPUT_TOKENS["high"])
        width, height = self.size
        return square if width == height else portrait if width < height else landscape

    @property
    def subject(self) -> str:
        """The subject of the images: the prompt, else the names of the files."""
        return self.user or " ".join(file.name for file in self.files)


class JsonImagesRequest(ImagesRequest):
    """A request for images of another provider: a JSON object, without a stream."""

    documents_vendor_fields = True

    @cached_property
    def is_form(self) -> bool:
        return False

    @cached_property
    def stream(self) -> bool:
        return False


class ImageEditRequest(ImagesRequest):
    api = "image_edits"
    documented_fields = _SHARED_FIELDS | {"image", "images", "input_fidelity", "markup", "mask"}
    has_uploaded_file = True
    required = ("prompt", "image")


class ImageVariationRequest(ImagesRequest):
    api = "image_variations"
    documented_fields = frozenset({"image", "model", "n", "response_format", "size", "user"})
    has_uploaded_file = True
    required = ("image",)

    @cached_property
    def is_gpt(self) -> bool:
        return False


def check(request: Request) -> Failure | None:
    """Return the first error, in the order of the service: unknown parameters, required ones, then the fields.
    GPT Image 2 was measured in August 2026 (local-OAuth-CLI-API-adapter, a public repository of kangminlee-maker)."""
    assert isinstance(request, ImagesRequest)
    body, model = request.fields, request.model or DEFAULT_MODEL
    own = request.provider == request.dialect
    is_gpt = own and request.is_gpt and model.startswith(GPT)
    error = check_readable(request) or (_check_unknown(request, model, is_gpt=is_gpt) if own else None)
    if error is not None:
        return error
    for name in request.required:
        if body.get(name) is None and not (name == "image" and body.get("images") is not None):
            return _missing(request, name)
    checks = {**FIELDS, "quality": _gpt_quality} if is_gpt else FIELDS
    if request.is_form:
        checks = {**checks, **_FORM_NUMBERS}
    error = check_fields(body, checks) or _check_size(text_of(body.get("size")), model, is_gpt=is_gpt)
    return error or (_check_background(request) if is_gpt else None)


def _missing(request: ImagesRequest, name: str) -> Failure:
    if name in request.fields:
        return wrong_type(None, name, "a string")
    return missing_parameter("images" if name == "image" and not request.is_form else name)


def _check_unknown(request: ImagesRequest, model: str, *, is_gpt: bool) -> Failure | None:
    """Return the refusal of a parameter that the model, or the form, does not know."""
    body = request.fields
    if request.is_form and "images" in body:
        message = "Unknown parameter: 'images'. For multipart/form-data use 'image' or 'image[]'."
        return refuse(message, "images", "invalid_value")
    names: tuple[str, ...] = ()
    if model.startswith("dall-e-2") and request.api == "images":
        names = tuple(name for name in ("quality", "style") if body.get(name) is not None)
    elif is_gpt:
        unknown = ("response_format", "style") if request.api == "images" else ("response_format",)
        names = tuple(name for name in unknown if name in body)
    return refuse(f"Unknown parameter: '{names[0]}'.", names[0], "unknown_parameter") if names else None


def _form_number(check: Check) -> Check:
    """Return a check of a number of a form, whose text may not be one."""

    def check_number(value: Json, path: str) -> Failure | None:
        if type(value) is int:
            return check(value, path)
        expected = "expected an integer, but got a string value that could not be converted into an integer"
        return refuse(f"Invalid type for '{path}': {expected}.", path, "invalid_type")

    return check_number


_FORM_NUMBERS: Final = {
    name: _form_number(FIELDS[name]) for name in ("n", "output_compression", "partial_images")
}


def _check_size(size: str | None, model: str, *, is_gpt: bool) -> Failure | None:
    known = next((sizes for name, sizes in SIZES.items() if model.startswith(name)), None)
    if size is None or size == "auto" or (known is not None and size in known):
        return None
    pixels = size_of(size)
    if known is not None:
        if not is_gpt:
            return unsupported(size, "size", known)
        reason = f"Supported sizes are {', '.join(known[:-1])}, and {known[-1]}."  # recorded in August 2026
    elif pixels is None or (is_gpt and "0" in size.split("x")):
        reason = "Expected WIDTHxHEIGHT, for example '1824x1024'."
    elif is_gpt and (pixels.width % 16 or pixels.height % 16):
        reason = "Width and height must both be divisible by 16."
    else:
        return None
    return _refusal_of_user(f"Invalid size '{size}'. {reason}", "size")


def _check_background(request: ImagesRequest) -> Failure | None:
    """Return the refusal of a transparent background of a JPEG, which has none. Its message is inferred."""
    if request.fields.get("background") != "transparent" or request.format != "jpeg":
        return None
    return _refusal_of_user(
        "Transparent background is not supported for the output format 'jpeg'.", "background"
    )


def _refusal_of_user(message: str, param: str) -> Failure:
    refusal = refuse(message, param, "invalid_value")
    return replace(refusal, fields={"type": "image_generation_user_error", **refusal.fields})
