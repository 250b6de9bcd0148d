"""POST /api/v1/chat/completions with images: OpenRouter's guide to image generation.

`modalities` with `image` wants images in `message.images`. `image_config` has their aspect ratio and their size; its
keys differ by model (`ChatRequest.image_config` of the openrouter package), so others pass.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.typed_values import object_of, texts
from mockllm.core.media.images import LARGEST, ImageSize
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.core.value_or_digest import value_or_digest
from mockllm.dialects.gemini.media_output import image_size, with_modalities
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.validators import Check, array, check_fields, object_, one_of
from mockllm.dialects.vendors.chat import VendorChat

IMAGES: Final = frozenset({"images"})
FIELDS: Final[Mapping[str, Check]] = {
    "modalities": array(one_of("text", "image", "audio"), "strings"),
    "image_config": object_,
}
SCALES: Final = {"0.5K": 0.5, "1K": 1, "2K": 2, "4K": 4}
"""The edges of each `image_size`, in those of 1K."""


class OpenRouterChatRequest(ChatRequest):
    @cached_property
    def modalities(self) -> tuple[str, ...]:
        """The kinds of output, in capital letters, where images are among them."""
        wanted = tuple(word.upper() for word in texts(self.fields.get("modalities")))
        return wanted if "IMAGE" in wanted else ()

    @property
    def requested_media(self) -> frozenset[str]:
        return IMAGES if self.modalities else frozenset()

    @cached_property
    def image_size(self) -> ImageSize:
        config = object_of(self.fields.get("image_config"))
        wanted = config.get("image_size")
        scale = SCALES.get(wanted, 1) if type(wanted) is str else 1
        return ImageSize(
            *(min(LARGEST, round(scale * edge)) for edge in image_size(config.get("aspect_ratio")))
        )


class OpenRouterChat(VendorChat):
    """POST /api/v1/chat/completions."""

    request_class = OpenRouterChatRequest

    def check(self, request: Request) -> Failure | None:
        return super().check(request) or check_fields(request.fields, FIELDS)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, OpenRouterChatRequest)
        if request.modalities and reply.failure is None:
            reply = with_modalities(reply, request.modalities, request.image_size, request.user or "")
        return super().supported_reply(reply, request)

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, OpenRouterChatRequest)
        key = super().encoding_key(request)
        if not request.modalities:
            return key
        return key, value_or_digest((*request.modalities, *request.image_size, request.user))
