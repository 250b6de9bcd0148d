"""POST /v1/embeddings of Mistral: the dimension and the type of the vectors.

From the types of the `mistralai` package (3.7: `EmbeddingRequest`) and Mistral's page on embeddings of code. That
integers in base64 take a byte each is inferred.
"""

from __future__ import annotations

from base64 import b64encode

from propcache.api import cached_property

from mockllm.core.json.codec import Json
from mockllm.core.json.typed_values import text_of
from mockllm.core.request.request import Request
from mockllm.core.text_vectors import QUANTIZED, Vector
from mockllm.dialects.openai.embeddings import OpenAiEmbeddingsRequest, VectorForm
from mockllm.dialects.vendors.responses import VendorEmbeddings


class MistralEmbeddingsRequest(OpenAiEmbeddingsRequest):
    """A request with `output_dimension` in place of OpenAI's `dimensions`."""

    documented_fields = frozenset(
        {"encoding_format", "input", "metadata", "model", "output_dimension", "output_dtype"}
    )

    @cached_property
    def dimensions(self) -> Json:
        return self.fields.get("output_dimension")


class MistralEmbeddings(VendorEmbeddings):
    """The vectors as numbers, or as integers of a byte each."""

    request_class = MistralEmbeddingsRequest

    def vector_form(self, request: Request) -> VectorForm:
        quantized = QUANTIZED.get(text_of(request.fields.get("output_dtype")) or "")
        if quantized is None:
            return super().vector_form(request)
        if request.fields.get("encoding_format") != "base64":
            return quantized

        def encoded(components: Vector) -> str:
            return b64encode(bytes(number & 0xFF for number in quantized(components))).decode()

        return encoded
