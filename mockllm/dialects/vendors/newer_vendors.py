"""The rows of Perplexity, Hugging Face's router and Z.ai.

Non-streaming responses are from recordings of 2026. Hugging Face's streams are those of one provider behind its
router. Streams of the others, and all errors, are from the vendors' packages and documentation.

Perplexity's vectors are signed bytes or bits in base64, never numbers. The bytes are from a recording of August 2026.
The names and the bits are from the types of the package perplexityai (0.46); the order of the bits is inferred.
"""

from __future__ import annotations

from base64 import b64encode
from struct import pack
from typing import Final

from msgspec.structs import replace

from mockllm.core.randomness import HEX
from mockllm.core.text_vectors import Vector
from mockllm.dialects.openai.errors import INVALID, ROWS, OpenAiErrorRow
from mockllm.dialects.vendors import errors, object_edits, own_encoders, request_edits
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.vendor import Vendor, VendorChatForm, VendorErrors, VendorIdFormat

LARGEST_BYTE: Final = 127


def signed_bytes(vector: Vector) -> str:
    """Return a vector as signed bytes; the largest component becomes 127 or -127."""
    largest = max(map(abs, vector), default=0.0) or 1.0
    return b64encode(
        pack(f"{len(vector)}b", *(round(part / largest * LARGEST_BYTE) for part in vector))
    ).decode()


def bits(vector: Vector) -> str:
    """Return a vector with a bit for each component: 1 where it is not negative. The first bit is the highest."""
    digits = "".join("1" if part >= 0 else "0" for part in vector)
    size = -(-len(digits) // 8)
    return b64encode(int(digits.ljust(size * 8, "0") or "0", 2).to_bytes(size, "big")).decode()


PERPLEXITY_VECTORS: Final = {None: signed_bytes, "base64_int8": signed_bytes, "base64_binary": bits}


NEWER: Final = (
    Vendor(
        "perplexity",
        own_encoders.Perplexity,
        hosts=("api.perplexity.ai",),
        bases=("", "/v1"),
        model="sonar",
        form=VendorChatForm(
            id=VendorIdFormat(),
            usage=own_encoders.perplexity_usage,
            usage_chunk="finish",
            always_usage=True,
            citations=True,
        ),
        errors=VendorErrors(
            errors.rows(
                {},
                bad_request=replace(ROWS["bad_request"], type="bad_request"),
                authentication=OpenAiErrorRow(401, "unauthorized", None, "Invalid API key provided."),
                model_not_found=OpenAiErrorRow(400, "invalid_model", None, "Invalid model '{model}'."),
            ),
            errors.perplexity,
        ),
        headers={"x-ppl-region": "us-east-1"},
        edit_embeddings=object_edits.perplexity_embeddings,
        vector_forms=PERPLEXITY_VECTORS,
        embedding_headers={"x-request-id": VendorIdFormat()},
        openai_request=request_edits.perplexity_request,
    ),
    Vendor(
        "huggingface",
        VendorEncoder,
        title="Hugging Face",
        hosts=("router.huggingface.co",),
        model="meta-llama/Llama-3.1-8B-Instruct",
        form=VendorChatForm(
            id=VendorIdFormat("", 32, HEX),
            call_id=VendorIdFormat("call_", 24, HEX),
            body={"system_fingerprint": ""},
            chunk={"system_fingerprint": ""},
            choice={"logprobs": None},
            thinking="reasoning",
            without_text={"content": ""},
            indexed_calls=True,
            usage=own_encoders.huggingface_usage,
        ),
        errors=VendorErrors(
            errors.rows(
                {
                    "authentication": "Invalid username or password.",
                    "overloaded": "The model is currently overloaded",
                },
                insufficient_quota=replace(
                    ROWS["insufficient_quota"],
                    status=402,
                    message="You have exceeded your monthly included credits for Inference Providers.",
                ),
                model_not_found=OpenAiErrorRow(
                    400, INVALID, "model_not_found", "The requested model '{model}' does not exist", "model"
                ),
            ),
            errors.huggingface,
        ),
        headers={
            "x-request-id": VendorIdFormat(),
            "access-control-expose-headers": "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message",
        },
        openai_request=request_edits.huggingface_request,
    ),
    Vendor(
        "zai",
        own_encoders.Zai,
        title="Z.ai",
        hosts=("api.z.ai", "open.bigmodel.cn"),
        bases=("/api/paas/v4", "/api/coding/paas/v4"),
        model="glm-5.3",
        form=VendorChatForm(
            id=VendorIdFormat("20260821050219", 16, HEX),
            call_id=VendorIdFormat("call_", 24),
            thinking="reasoning_content",
            without_text={"content": ""},
            indexed_calls=True,
            complete_calls=True,
            usage=own_encoders.zai_usage,
            usage_chunk="finish",
            always_usage=True,
            media="text/event-stream;charset=UTF-8",
        ),
        errors=VendorErrors(
            errors.rows(
                {},
                bad_request=replace(ROWS["bad_request"], code="1210"),
                authentication=OpenAiErrorRow(401, INVALID, "1000", "Authentication Failed"),
                model_not_found=OpenAiErrorRow(
                    400, INVALID, "1211", "Unknown Model, please check the model code."
                ),
                context_length=replace(
                    ROWS["context_length"],
                    code="1261",
                    message="Prompt exceeds max length: {tokens} tokens, and the limit is {limit}",
                ),
                content_filter=OpenAiErrorRow(
                    400, INVALID, "1301", "System detected potentially unsafe or sensitive content."
                ),
                rate_limit=replace(
                    ROWS["rate_limit"], code="1302", message="Rate limit reached for requests"
                ),
                insufficient_quota=OpenAiErrorRow(
                    429, INVALID, "1113", "Insufficient balance or no resource package. Please recharge."
                ),
                server_error=replace(ROWS["server_error"], code="500", message="Internal server error."),
            ),
            errors.zai,
        ),
        media="application/json; charset=UTF-8",
        openai_request=request_edits.without_schemas,
    ),
)
