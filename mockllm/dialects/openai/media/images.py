"""Images: generations, edits and variations, whole and streamed, and the addresses of generated ones.

Forms: `ImagesResponse`, `ImageGenStreamEvent` and `ImageEditStreamEvent` of the SDK 3.52; recorded are two responses
with addresses, of 2023 and 2025. The names of events come from clients of public repositories. The missing
terminator of a stream was not verified.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.media.images import IMAGE_TYPES, make_image, size_of
from mockllm.core.randomness import HEX
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.reply.reply import Media, Reply, Text
from mockllm.core.request.request import Request
from mockllm.core.request.server_address import server_url
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.calls import UncheckedOpenAiCall
from mockllm.dialects.openai.errors import ROWS, error_plan
from mockllm.dialects.openai.headers import BODY_HEADERS, PLAIN_HEADERS, STREAM_HEADERS, body_plan, head
from mockllm.dialects.openai.media.images_request import (
    ImageEditRequest,
    ImagesRequest,
    ImageVariationRequest,
    check,
)
from mockllm.dialects.openai.media.media_call import (
    MediaCall,
    base64_of,
    error_event,
    own_extras,
)

PATH: Final = "/v1/images/files/"
"""Where generated images have their addresses. The provider's own are on another host."""


def _generated(request: ImagesRequest, subject: str) -> str:
    data = make_image(request.format, request.size, subject, transparent=request.transparent)
    return base64_of(data)


def _usage(reply: Reply, request: ImagesRequest) -> dict[str, Json]:
    counted = reply.usage
    pictures = min(counted.input, request.image_tokens)
    return {
        "input_tokens": counted.input,
        "input_tokens_details": {"image_tokens": pictures, "text_tokens": counted.input - pictures},
        "output_tokens": counted.output,
        "total_tokens": counted.total,
    }


def _form(request: ImagesRequest) -> dict[str, Json]:
    return {
        "background": "transparent" if request.transparent else "opaque",
        "output_format": request.format,
        "quality": request.quality,
        "size": f"{request.size.width}x{request.size.height}",
    }


class ImagesEncoder(Encoder):
    """The events of a stream. A chunk of an image that is not the whole image is a partial one."""

    def __init__(self, reply: Reply, request: ImagesRequest, identity: ResponseIdentity, prefix: str) -> None:
        super().__init__(reply)
        self._request, self._identity, self._prefix = request, identity, prefix
        self._partial = 0

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        self._partial = 0
        return ()

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        assert type(at.part) is Media
        if chunk == at.part.data:
            counted = self.reply.usage.null_or_remove_usage(
                {"usage": _usage(self.reply, self._request)}, "usage"
            )
            return (self._event("completed", chunk, {**counted, **own_extras(self.reply)}),)
        number, self._partial = self._partial, self._partial + 1
        return (self._event("partial_image", chunk, {"partial_image_index": number}),)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        return error_event(failure, self._request, self._identity)

    def _event(self, kind: str, image: str, members: dict[str, Json]) -> Event:
        name = f"{self._prefix}.{kind}"
        event: dict[str, Json] = {"type": name, "b64_json": image, "created_at": self._identity.epoch_second}
        return dumps({**event, **_form(self._request), **members}), name


_ERRORS: Final = {
    name: replace(row, headers=PLAIN_HEADERS) if row.status == 400 else row for name, row in ROWS.items()
}
"""A 400 has no headers of limits, as a recording of one shows."""


class ImageGenerations(MediaCall):
    """POST /v1/images/generations."""

    api = "images"
    request_class: type[ImagesRequest] = ImagesRequest
    prefix = "image_generation"

    check = staticmethod(check)

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return error_plan(failure, request, identity, _ERRORS)

    def with_required_media(self, reply: Reply, request: Request) -> Reply:
        """Return the reply with the requested number of images, unless it has its own."""
        assert isinstance(request, ImagesRequest)
        own = reply.media("images")
        parts = [self._remade(part, request) for part in own]
        parts = parts or [
            Media(
                IMAGE_TYPES[request.format],
                _generated(request, f"{request.subject} {number}"),
                generated=True,
            )
            for number in range(request.count if reply.failure is None else 0)
        ]
        usage = reply.usage
        if not usage.output or any(type(part) is Text for part in reply.parts):
            usage = replace(usage, output=request.output_tokens * len(parts))
        texts = [part for part in reply.parts if type(part) is Text]
        return reply.with_usage(usage).with_parts([*texts, *parts])

    def _remade(self, part: Media, request: ImagesRequest) -> Media:
        """Return a generated image of the scenario's size in the requested format."""
        size = size_of(part.size or "")
        if not part.generated or size is None:
            return part
        data = make_image(request.format, size, request.subject, transparent=request.transparent)
        return Media(IMAGE_TYPES[request.format], base64_of(data), size=part.size, generated=True)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        """Return the reply's images; in a stream each with its partial images. A text is the revised prompt."""
        assert isinstance(request, ImagesRequest)
        if not request.stream:
            return reply.with_parts([part for part in reply.parts if type(part) is Text or _is_image(part)])
        return reply.with_parts([self._streamed(part, request) for part in reply.media("images")])

    def _streamed(self, part: Media, request: ImagesRequest) -> Media:
        if part.chunks != ("",):
            return part
        partial = (f"{request.subject} partial {number}" for number in range(request.partials))
        return replace(part, chunks=(*(_generated(request, subject) for subject in partial), part.data))

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, ImagesRequest)
        revised = {"revised_prompt": reply.choices[0].text} if reply.choices[0].text else {}
        data: list[Json] = [
            {**revised, **image_member(part, request, identity, number)}
            for number, part in enumerate(reply.media("images"))
        ]
        body: dict[str, Json] = {"created": identity.epoch_second}
        if request.is_gpt:
            body |= _form(request)
        body["data"] = data
        if request.is_gpt:
            body["usage"] = _usage(reply, request)
            reply.usage.null_or_remove_usage(body, "usage")
        return body_plan(merged_json(body, own_extras(reply)), identity, BODY_HEADERS)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, ImagesRequest)
        steps = tuple(encode(ImagesEncoder(reply, request, identity, self.prefix)))
        return Plan(head(200, STREAM_HEADERS, identity), steps, Framing.SSE)


class ImageEdits(ImageGenerations):
    """POST /v1/images/edits."""

    api = "image_edits"
    request_class = ImageEditRequest
    prefix = "image_edit"


class ImageVariations(ImageGenerations):
    """POST /v1/images/variations."""

    api = "image_variations"
    request_class = ImageVariationRequest


def _is_image(part: object) -> bool:
    return type(part) is Media and part.kind == "images"


def image_member(
    part: Media, request: ImagesRequest, identity: ResponseIdentity, number: int
) -> dict[str, Json]:
    """Return an image of a response. A generated one may have an address here; a file is a `data:` address."""
    if not request.by_url:
        return {"b64_json": part.data}
    if not part.generated:
        return {"url": f"data:{part.mime};base64,{part.data}"}
    name = identity.ids.make("img-", 24, str(number), HEX)
    width, height = size_of(part.size or "") or request.size
    return {"url": server_url(request, f"{PATH}{name}-{width}x{height}.{request.format}")}


class ImageFileRequest(Request):
    dialect = "openai"
    api = "image_files"


class ImageFile(UncheckedOpenAiCall):
    """GET /v1/images/files/{name}: a generated image, which its name determines."""

    api = "image_files"
    request_class = ImageFileRequest

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure:
        stem, _, format = request.path_variables.get("name", "").rpartition(".")
        size = size_of(stem.rpartition("-")[2])
        if size is None or format not in IMAGE_TYPES:
            return Failure("not_found", message="No such image.")
        image = make_image(format, size, stem)
        return Plan(
            ResponseHead(200, (("content-type", IMAGE_TYPES[format]),)), (EventStep(image, 0, "body"),)
        )
