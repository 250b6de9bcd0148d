"""POST /v1/images/generations and /v1/images/edits of xAI: OpenAI's images in another form.

The form is from xAI's REST reference of images (docs.x.ai) and from public measurements of May and August 2026. A
response has no time, each image a media type and a prompt, which is empty, and the usage a price. A tick is a
ten-billionth of a dollar.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.media.images import ImageGenerations, image_member
from mockllm.dialects.openai.media.media_call import own_extras
from mockllm.dialects.vendors.errors import VendorCall, head
from mockllm.dialects.xai.images_request import XaiImageEditRequest, XaiImagesRequest, check

IMAGE_TICKS: Final = 200_000_000
"""The price of an image: 2 cents."""
SOURCE_TICKS: Final = 20_000_000
"""The price of an image to edit: a fifth of a cent."""


class XaiImageGenerations(VendorCall, ImageGenerations):
    """POST /v1/images/generations."""

    request_class: type[XaiImagesRequest] = XaiImagesRequest

    check = staticmethod(check)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, XaiImagesRequest)
        data: list[Json] = [
            {
                **image_member(part, request, identity, number),
                "mime_type": part.mime,
                "revised_prompt": reply.choices[0].text,
            }
            for number, part in enumerate(reply.media("images"))
        ]
        ticks = IMAGE_TICKS * len(data) + SOURCE_TICKS * request.sources
        body = merged_json({"data": data, "usage": {"cost_in_usd_ticks": ticks}}, own_extras(reply))
        reply.usage.null_or_remove_usage(body, "usage")
        return Plan(head(self.vendor, identity, self.vendor.media), (EventStep(dumps(body), 0, "body"),))

    def decode(self, plan: Plan) -> DecodedResponse | None:
        """Read the revised prompt of images, and errors."""
        decoder = ResponseDecoder(plan)
        for payload in payloads(plan):
            match payload:
                case {"error": str(message)}:
                    decoder.recognized, decoder.error = True, {**payload, "message": message}
                case {"data": [{"mime_type": str(), "revised_prompt": str(text)}, *_]}:
                    decoder.recognized = True
                    decoder.add_text("text", text)
        return decoder.result()


class XaiImageEdits(XaiImageGenerations):
    """POST /v1/images/edits."""

    api = "image_edits"
    request_class = XaiImageEditRequest
