"""POST /api/v1/images: images by models of all makers.

From two recordings of August 2026, and from the types of the `openrouter` package (1.3). A response has no time. The
pixels of a resolution are inferred. The events of a stream were not recorded, so a stream gets the whole response.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import list_of, text_of
from mockllm.core.media.images import IMAGE_TYPES, ImageSize, size_of
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.messages import MediaPart, Message
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.media.images import ImageGenerations
from mockllm.dialects.openai.media.images_request import MAX_IMAGES, JsonImagesRequest
from mockllm.dialects.openai.media.media_call import own_extras
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    check_fields,
    check_readable,
    check_required,
    integer,
    object_,
    one_of,
    string,
)
from mockllm.dialects.openrouter.encoder import openrouter_usage
from mockllm.dialects.vendors.errors import VendorCall, head
from mockllm.dialects.vendors.vendor import VendorIdFormat

IMAGE_TOKENS: Final = 1120
"""The tokens of an image in both recordings."""
ID: Final = VendorIdFormat("gen-img-1784218677-", 20)
RATIOS: Final = (
    "1:1", "1:2", "1:4", "1:8", "2:1", "2:3", "2.35:1", "3:2", "3:4", "4:1", "4:3", "4:5", "5:2", "5:4", "5:7", "7:5",
    "8:1", "9:16", "16:9", "9:19.5", "19.5:9", "9:20", "20:9", "9:21", "21:9", "auto"
)  # fmt: skip
RESOLUTIONS: Final = {"512": 512, "768": 768, "1K": 1024, "1.5K": 1536, "2K": 2048, "4K": 4096}
"""The edge of a square image of each resolution."""
FIELDS: Final[Mapping[str, Check]] = {
    "model": string,
    "prompt": string,
    "aspect_ratio": one_of(*RATIOS),
    "background": one_of("auto", "transparent", "opaque"),
    "input_references": array(object_, "objects"),
    "n": integer(1, MAX_IMAGES),
    "output_compression": integer(0, 100),
    "output_format": one_of("png", "jpeg", "webp", "svg"),
    "provider": object_,
    "quality": one_of("auto", "low", "medium", "high", "xhigh", "max"),
    "resolution": one_of(*RESOLUTIONS),
    "seed": integer(),
    "session_id": string,
    "size": string,
    "stream": boolean,
    "trace": object_,
    "user": string,
}


class OpenRouterImagesRequest(JsonImagesRequest):
    """A request for images. Images beside the prompt are its `input_references`."""

    documented_fields: ClassVar[frozenset[str] | None] = frozenset(FIELDS)

    @cached_property
    def size(self) -> ImageSize:
        """The size in pixels, else the resolution in the ratio of the edges."""
        own = text_of(self.fields.get("size")) or ""
        edge = RESOLUTIONS.get(text_of(self.fields.get("resolution")) or own, 1024)
        ratio = text_of(self.fields.get("aspect_ratio"))
        if size_of(own) is not None or ratio not in RATIOS or ratio == "auto":
            return size_of(own) or ImageSize(edge, edge)
        width, height = map(float, ratio.split(":"))
        root = (width / height) ** 0.5
        return size_of(f"{round(edge * root)}x{round(edge / root)}") or ImageSize(edge, edge)

    @cached_property
    def format(self) -> str:
        wanted = text_of(self.fields.get("output_format")) or "jpeg"
        return wanted if wanted in IMAGE_TYPES else "png"

    @property
    def image_tokens(self) -> int:
        return IMAGE_TOKENS * self.references

    @property
    def output_tokens(self) -> int:
        return IMAGE_TOKENS

    @property
    def references(self) -> int:
        """The number of images beside the prompt."""
        return len(list_of(self.fields.get("input_references")))

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        images = (MediaPart("image"),) * self.references
        return tuple(Message("user", (*message.parts, *images)) for message in super().messages)


class OpenRouterImages(VendorCall, ImageGenerations):
    """Images with their media types, and the usage of a chat."""

    request_class: type[OpenRouterImagesRequest] = OpenRouterImagesRequest

    def check(self, request: Request) -> Failure | None:
        failure = check_readable(request) or check_required(request.fields, "model", "prompt")
        return failure or check_fields(request.fields, FIELDS)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        images, counted = reply.media("images"), reply.usage
        data: list[Json] = [{"b64_json": part.data, "media_type": part.mime} for part in images]
        details = {
            "reasoning_tokens": counted.reasoning,
            "image_tokens": min(counted.output, IMAGE_TOKENS * len(images)),
        }
        usage = {**openrouter_usage(counted), "completion_tokens_details": details}
        body = merged_json({"created": 0, "data": data, "usage": usage}, own_extras(reply))
        counted.null_or_remove_usage(body, "usage")
        named = (("x-generation-id", ID.make(identity.ids, "images")),)
        response_head = head(self.vendor, identity, self.vendor.media).with_headers(named)
        return Plan(response_head, (EventStep(dumps(body), 0, "body"),))
