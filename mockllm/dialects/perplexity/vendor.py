"""Perplexity as a vendor of OpenAI's protocol.

Non-streaming responses are from recordings of 2026. Errors are from its packages and documentation.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.randomness import Ids
from mockllm.dialects.openai.errors import ROWS, OpenAiErrorRow
from mockllm.dialects.perplexity.embeddings import VECTORS, edit_embeddings
from mockllm.dialects.perplexity.encoder import Perplexity, perplexity_usage
from mockllm.dialects.vendors.errors import rows
from mockllm.dialects.vendors.request_edits import (
    with_messages,
    with_schema_name,
    with_texts_for,
    without_schemas,
)
from mockllm.dialects.vendors.vendor import Vendor, VendorChatForm, VendorErrors, VendorIdFormat

OWN_PARTS: Final = ("file_url", "pdf_url", "video_url")


def openai_request(body: dict[str, Json]) -> dict[str, Json]:
    """Return OpenAI's form of a request to Perplexity: any schema, with or without a name, and its own parts."""
    result = with_schema_name(without_schemas(body))
    return with_messages(result, lambda entry: with_texts_for(entry, OWN_PARTS))


def envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the body of an error. The code is the status, and there is no `param`."""
    return {"error": {name: value for name, value in {**inner, "code": status}.items() if name != "param"}}


VENDOR: Final = Vendor(
    "perplexity",
    Perplexity,
    hosts=("api.perplexity.ai",),
    bases=("", "/v1"),
    model="sonar",
    embedding_model="pplx-embed-v1-0.6b",
    form=VendorChatForm(
        id=VendorIdFormat(),
        usage=perplexity_usage,
        usage_chunk="finish",
        always_usage=True,
        citations=True,
    ),
    errors=VendorErrors(
        rows(
            {},
            bad_request=replace(ROWS["bad_request"], type="bad_request"),
            authentication=OpenAiErrorRow(401, "unauthorized", None, "Invalid API key provided."),
            model_not_found=OpenAiErrorRow(400, "invalid_model", None, "Invalid model '{model}'."),
        ),
        envelope,
    ),
    headers={"x-ppl-region": "us-east-1"},
    edit_embeddings=edit_embeddings,
    vector_forms=VECTORS,
    embedding_headers={"x-request-id": VendorIdFormat()},
    openai_request=openai_request,
)
