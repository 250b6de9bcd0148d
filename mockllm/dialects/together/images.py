"""POST /v1/images/generations of Together: OpenAI's images in another form.

From a recording of May 2026 with an address. The fields, and the images as base64, are from the types of the
`together` package (3.1). The time of an image is that of the recording, in milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import text_of
from mockllm.core.media.images import IMAGE_TYPES, ImageSize
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.media.images import ImageGenerations, image_member
from mockllm.dialects.openai.media.images_request import MAX_IMAGES, JsonImagesRequest
from mockllm.dialects.openai.media.media_call import own_extras
from mockllm.dialects.openai.validators import (
    Check,
    array,
    boolean,
    check_fields,
    check_readable,
    check_required,
    decimal,
    integer,
    object_,
    one_of,
    string,
)
from mockllm.dialects.vendors.errors import VendorCall, head

INFERENCE: Final = 17_819
LARGEST: Final = 4096
"""The largest edge of an image, which is that of this server."""
FIELDS: Final[Mapping[str, Check]] = {
    "model": string,
    "prompt": string,
    "disable_safety_checker": boolean,
    "guidance_scale": decimal(0, 100),
    "height": integer(1, LARGEST),
    "image_loras": array(object_, "objects"),
    "image_url": string,
    "n": integer(1, MAX_IMAGES),
    "negative_prompt": string,
    "output_format": one_of("jpeg", "png"),
    "reference_images": array(string, "strings"),
    "response_format": one_of("base64", "url"),
    "seed": integer(),
    "steps": integer(1),
    "width": integer(1, LARGEST),
}


class TogetherImagesRequest(JsonImagesRequest):
    """A request for images, in a JSON object."""

    documented_fields: ClassVar[frozenset[str] | None] = frozenset(FIELDS)

    @cached_property
    def by_url(self) -> bool:
        return self.fields.get("response_format") != "base64"

    @cached_property
    def size(self) -> ImageSize:
        return ImageSize(self._edge("width"), self._edge("height"))

    def _edge(self, name: str) -> int:
        value = self.fields.get(name)
        return min(LARGEST, max(1, value)) if type(value) is int else 1024

    @cached_property
    def format(self) -> str:
        wanted = text_of(self.fields.get("output_format")) or "jpeg"
        return wanted if wanted in IMAGE_TYPES else "jpeg"

    @property
    def output_tokens(self) -> int:
        """None: Together counts no tokens of images."""
        return 0


class TogetherImages(VendorCall, ImageGenerations):
    """Images by their places, each with its time, and no usage."""

    request_class: type[TogetherImagesRequest] = TogetherImagesRequest

    def check(self, request: Request) -> Failure | None:
        failure = check_readable(request) or check_required(request.fields, "model", "prompt")
        return failure or check_fields(request.fields, FIELDS)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, TogetherImagesRequest)
        data: list[Json] = [
            {
                "timings": {"inference": INFERENCE},
                "index": number,
                **image_member(part, request, identity, number),
            }
            for number, part in enumerate(reply.media("images"))
        ]
        id = self.vendor.form.id.make(identity.ids, "")
        body = {"id": id, "model": reply.model or request.model, "object": "list", "data": data}
        body = merged_json(body, own_extras(reply))
        return Plan(head(self.vendor, identity, self.vendor.media), (EventStep(dumps(body), 0, "body"),))

    def decode(self, plan: Plan) -> DecodedResponse | None:
        """Recognize images, and read errors."""
        decoder = ResponseDecoder(plan)
        for payload in payloads(plan):
            match payload:
                case {"error": dict(error)}:
                    decoder.recognized, decoder.error = True, error
                case {"object": "list", "data": [{"timings": dict()}, *_]}:
                    decoder.recognized = True
        return decoder.result()
