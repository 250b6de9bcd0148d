"""POST /v1/ocr: the pages of a document as Markdown, which a rule may specify.

From the types of the `mistralai` package (3.7: `OCRRequest`, `OCRResponse`); there is no recording. The document
is not read: without a rule the server returns a constant page, or as many as `pages` names.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.merge import merged_json
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Refusal, Reply, Text, texts_of
from mockllm.core.request.messages import MediaPart
from mockllm.core.request.request import Message, Request
from mockllm.core.tokens import estimate
from mockllm.dialects.decoded_response import DecodedResponse, ResponseDecoder, payloads
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.media.media_call import MediaCall, own_extras
from mockllm.dialects.openai.request_fields import ModelRequest
from mockllm.dialects.openai.validators import check_readable, check_required, one_of, wrong_type
from mockllm.dialects.vendors.errors import VendorCall, head

DEFAULT_MODEL: Final = "mistral-ocr-latest"
DEFAULT_TEXT: Final = "# A document\n\nThis is what the page says."
"""The Markdown of each page where no rule has one."""
PAGE_BREAK: Final = "\f"
"""Separates the pages in the text of a reply."""
MAX_PAGES: Final = 1000
"""The most pages that a request may name: the limit of Mistral's documentation."""
DIMENSIONS: Final = {"dpi": 200, "height": 2200, "width": 1700}
"""The size of every page, in dots."""
_DOCUMENTS: Final = ("document_url", "image_url", "file")


class OcrRequest(ModelRequest):
    """A request with a document: an address, an image or a stored file. `match: {has_image: true}` finds images."""

    api = "ocr"
    makes_media = True

    @cached_property
    def document(self) -> dict[str, Json]:
        return object_of(self.fields.get("document"))

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        if not self.document:
            return ()
        image = self.document.get("type") == "image_url"
        return (Message("user", (MediaPart("image" if image else "file"),)),)

    @cached_property
    def pages(self) -> tuple[int, ...]:
        """The requested pages, counted from 0; empty where the request names none."""
        named = self.fields.get("pages")
        entries = named[:MAX_PAGES] if type(named) is list else ()
        return tuple(entry for entry in entries if type(entry) is int and entry >= 0)


class Ocr(VendorCall, MediaCall):
    """The pages of a document."""

    api = "ocr"
    request_class = OcrRequest

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, OcrRequest)
        failure = check_readable(request) or check_required(request.fields, "document")
        if failure is not None:
            return failure
        document = request.fields["document"]
        if type(document) is not dict:
            return wrong_type(document, "document", "an object")
        return one_of(*_DOCUMENTS)(document.get("type", "document_url"), "document.type")

    def with_required_media(self, reply: Reply, request: Request) -> Reply:
        """Return the reply with a text: its own, else that of the requested pages."""
        assert isinstance(request, OcrRequest)
        if reply.failure is not None or any(type(part) in (Text, Refusal) for part in reply.parts):
            return reply
        text = PAGE_BREAK.join([DEFAULT_TEXT] * (len(request.pages) or 1))
        counted = replace(reply.usage, output=reply.usage.output or estimate(text))
        return reply.with_usage(counted).with_parts([Text((text,))])

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        """Return the reply's texts; a refusal is a text."""
        return reply.with_parts(texts_of(reply.parts))

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, OcrRequest)
        texts = "".join(choice.text for choice in reply.choices).split(PAGE_BREAK)[:MAX_PAGES]
        pages = [
            {
                "index": request.pages[place] if place < len(request.pages) else place,
                "markdown": text,
                "images": [],
                "dimensions": DIMENSIONS,
            }
            for place, text in enumerate(texts)
        ]
        body: dict[str, Json] = {
            "pages": pages,
            "model": reply.model or request.model or DEFAULT_MODEL,
            "document_annotation": None,
            "usage_info": {"pages_processed": len(pages), "doc_size_bytes": None},
        }
        payload = dumps(merged_json(body, own_extras(reply)))
        return Plan(head(self.vendor, identity, "application/json"), (EventStep(payload, 0, "body"),))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        """Return the body: this call has no stream."""
        return self.encode_body(reply, request, identity)

    def decode(self, plan: Plan) -> DecodedResponse | None:
        decoder = ResponseDecoder(plan)
        for payload in payloads(plan):
            match payload:
                case {"pages": list(pages)}:
                    decoder.recognized = True
                    texts = (str(object_of(page).get("markdown", "")) for page in pages)
                    decoder.add_text("text", PAGE_BREAK.join(texts))
                case {"message": str()} | {"detail": str()}:
                    decoder.recognized, decoder.error = True, payload
        return decoder.result()
